package alohaa

import (
	"encoding/json"
	"net/http"
)

// ProblemType is the Content-Type of a Problem.
const ProblemType = "application/problem+json"

// Problem is an error as RFC 9457 writes it.
type Problem struct {
	Type   string `json:"type"`   // "about:blank": the status says what kind it is
	Title  string `json:"title"`  // the status in words
	Status int    `json:"status"` // HTTP status
	Detail string `json:"detail"` // a sentence that says what to do
}

// ProblemJSON is the body of an error response. detail goes to whoever asked:
// it must hold no personal data and no secret.
func ProblemJSON(status int, detail string) []byte {
	// A struct of strings and an integer can't fail.
	body, _ := json.Marshal(Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail})
	return body
}
