package alohaa

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"switchboard/engine"
)

// jsonType is the Content-Type of a reply.
const jsonType = "application/json"

// RejectMode is how a rejected call is answered. The provider documents no way
// to reject, so it is a setting; the zero value answers 403.
type RejectMode struct {
	empty  bool
	number string // canonical
}

// ParseRejectMode reads "403", "empty" or "number:" with the number to ring in
// any spelling. The error names what to write.
func ParseRejectMode(s string, n *engine.Numbers) (RejectMode, error) {
	s = strings.TrimSpace(s)
	switch s {
	case "403":
		return RejectMode{}, nil
	case "empty":
		return RejectMode{empty: true}, nil
	}
	text, ok := strings.CutPrefix(s, "number:")
	if !ok {
		return RejectMode{}, fmt.Errorf("reject mode %q is not known; write 403, empty or number:<the number to ring>", engine.Mask(s))
	}
	number := n.Person(text)
	if !number.Valid {
		return RejectMode{}, fmt.Errorf("reject mode %q names no possible number; write it in full, such as number:9876543210", engine.Mask(s))
	}
	return RejectMode{number: number.Canonical}, nil
}

// String is the mode as ParseRejectMode reads it.
func (m RejectMode) String() string {
	switch {
	case m.number != "":
		return "number:" + m.number
	case m.empty:
		return "empty"
	}
	return "403"
}

// Render returns the function that turns a decision into the reply to "get
// receiver details". The same decision always gives the same bytes. A decision
// that names nobody and does not reject (engine.SourceNone) is a 503.
func Render(rejectWith RejectMode) func(engine.Decision) engine.Reply {
	return func(d engine.Decision) engine.Reply {
		switch {
		case d.Source == engine.SourceNone || !d.Reject && d.Number == "":
			return problem(http.StatusServiceUnavailable,
				"No receiver was found for this call and no fallback is configured; set one with --fallback.")
		case !d.Reject:
			return receiver(d.Number, d.Timeout)
		case rejectWith.number != "":
			return receiver(rejectWith.number, 0)
		case rejectWith.empty:
			return receiver("", 0)
		}
		return problem(http.StatusForbidden, "The routing policy rejects this call; do not ring anyone.")
	}
}

// receiver writes the documented reply in the documented order and spacing. It
// is written out by hand because its bytes are replayed to retries, also by a
// later version of the program.
func receiver(number string, timeout int64) engine.Reply {
	quoted, _ := json.Marshal(number) // a string can't fail
	body := append([]byte(`{"response": {"call_forwarding_number": `), quoted...)
	body = append(body, `, "call_timeout": `...)
	body = strconv.AppendInt(body, timeout, 10)
	return engine.Reply{Status: http.StatusOK, Type: jsonType, Body: append(body, "}}"...)}
}

func problem(status int, detail string) engine.Reply {
	return engine.Reply{Status: status, Type: ProblemType, Body: ProblemJSON(status, detail)}
}
