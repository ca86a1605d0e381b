package alohaa

import (
	"bytes"
	"errors"
	"mime/multipart"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"switchboard/engine"
)

const arrived = 1763802300123456789

func parser(t testing.TB) Parser {
	t.Helper()
	n, err := engine.NewNumbers("IN")
	if err != nil {
		t.Fatal(err)
	}
	return Parser{Numbers: n}
}

func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "testdata", "payloads", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func post(body string) Request {
	return Request{Method: "POST", ContentType: "application/json", Body: []byte(body)}
}

func form(body string) Request {
	return Request{Method: "POST", ContentType: "application/x-www-form-urlencoded", Body: []byte(body)}
}

func get(query string) Request { return Request{Method: "GET", RawQuery: query} }

func TestInitiationSample(t *testing.T) {
	body := sample(t, "initiation.json")
	got, err := parser(t).Initiation(post(string(body)), arrived)
	if err != nil {
		t.Fatal(err)
	}
	if got.CallID != "1ascaba13abcaav" || got.Arrived != arrived {
		t.Errorf("got %+v", got)
	}
	if got.Caller != (engine.Number{Canonical: "99889xxxxx", Raw: "99889xxxxx"}) {
		t.Errorf("caller %+v", got.Caller)
	}
	if got.DID != (engine.Number{Canonical: "918645658689", Raw: "918645658689", E164: "+918645658689", Country: "IN", Valid: true}) {
		t.Errorf("did %+v", got.DID)
	}
	if !bytes.Equal(got.Raw.Body, body) || got.Raw.Type != "application/json" {
		t.Errorf("raw %+v", got.Raw)
	}
}

// However it is written, it is the same call.
func TestInitiationSpellings(t *testing.T) {
	var multi bytes.Buffer
	w := multipart.NewWriter(&multi)
	for name, value := range map[string]string{"caller_number": "9988912345", "did": "918645658689", "call_id": "42"} {
		if err := w.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()

	for name, r := range map[string]Request{
		"plain":              post(`{"caller_number": "9988912345", "did": "918645658689", "call_id": "42"}`),
		"no content type":    {Method: "POST", Body: []byte(`{"caller_number":"9988912345","did":"918645658689","call_id":"42"}`)},
		"said to be a form":  form(`{"caller_number":"9988912345","did":"918645658689","call_id":"42"}`),
		"said to be text":    {Method: "POST", ContentType: "text/plain", Body: []byte(`{"caller_number":"9988912345","did":"918645658689","call_id":"42"}`)},
		"said to be a query": {Method: "POST", ContentType: "query", Body: []byte(`{"caller_number":"9988912345","did":"918645658689","call_id":"42"}`)},
		"comments and comma": post("// hello\n{\"caller_number\": \"9988912345\", /* x */ \"did\": \"918645658689\",\n\"call_id\": \"42\", // last\n}"),
		"byte order mark":    post("\ufeff{\"caller_number\":\"9988912345\",\"did\":\"918645658689\",\"call_id\":\"42\"}"),
		"blanks around":      post(" \r\n{\"caller_number\":\" 9988912345 \",\"did\":\"\\t918645658689\",\"call_id\":\" 42 \"}\n"),
		"numbers":            post(`{"caller_number": 9988912345, "did": 918645658689, "call_id": 42}`),
		"exponents":          post(`{"caller_number": 9.988912345e9, "did": 9.18645658689E+11, "call_id": 4.20e1}`),
		"fractions":          post(`{"caller_number": 9988912345.0, "did": 918645658689.00, "call_id": 420e-1}`),
		"did_number":         post(`{"caller_number": "9988912345", "did_number": "918645658689", "call_id": "42"}`),
		"did blank":          post(`{"caller_number": "9988912345", "did": "", "did_number": "918645658689", "call_id": "42"}`),
		"did null":           post(`{"caller_number": "9988912345", "did": null, "did_number": "918645658689", "call_id": "42"}`),
		"did an object":      post(`{"caller_number": "9988912345", "did": {}, "did_number": "918645658689", "call_id": "42"}`),
		"both":               post(`{"caller_number": "9988912345", "did_number": "911111111111", "did": "918645658689", "call_id": "42"}`),
		"repeated":           post(`{"call_id": "1", "caller_number": "9988912345", "did": "911111111111", "did": "918645658689", "call_id": "42"}`),
		"upper case":         post(`{"Caller_Number": "9988912345", "DID": "918645658689", "CALL_ID": "42"}`),
		"exact before case":  post(`{"CALL_ID": "1", "call_id": "42", "DID": "911111111111", "did": "918645658689", "caller_number": "9988912345"}`),
		"more fields":        post(`{"caller_number": "9988912345", "did": "918645658689", "call_id": "42", "x": [1, {"did": 5}]}`),
		"spelled out":        post(`{"caller_number": "+91 99889-12345", "did": "086456 58689", "call_id": "42"}`),
		"form":               form("caller_number=9988912345&did=918645658689&call_id=42"),
		"form, unsaid":       {Method: "POST", Body: []byte("caller_number=9988912345&did=918645658689&call_id=42")},
		"form, said JSON":    post("caller_number=9988912345&did=918645658689&call_id=42"),
		"form, escaped":      form("caller_number=%2B91+99889%2012345&did=%2B918645658689&call_id=42&"),
		"form, bare plus":    form("caller_number=+919988912345&did=+918645658689&call_id=42"),
		"form, repeated":     form("call_id=1&caller_number=9988912345&did=918645658689&call_id=42"),
		"multipart":          {Method: "POST", ContentType: w.FormDataContentType(), Body: multi.Bytes()},
		"query":              get("caller_number=9988912345&did=918645658689&call_id=42"),
		"query, bare plus":   get("caller_number=+919988912345&did_number=+918645658689&call_id=42"),
		"query and secret":   get("key=s3cret&caller_number=9988912345&did=918645658689&call_id=42"),
		"query of a POST":    {Method: "POST", RawQuery: "caller_number=9988912345&did=918645658689&call_id=42", Body: []byte("\n")},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parser(t).Initiation(r, arrived)
			if err != nil {
				t.Fatal(err)
			}
			if got.CallID != "42" || got.Caller.E164 != "+919988912345" || got.Caller.Canonical != "9988912345" ||
				got.DID.Canonical != "918645658689" || !got.DID.Valid {
				t.Errorf("got %+v", got)
			}
			again, err := parser(t).Initiation(FromPayload(got.Raw), arrived)
			if err != nil || again.CallID != got.CallID || again.Caller != got.Caller || again.DID != got.DID {
				t.Errorf("kept payload reads as %+v, %v", again, err)
			}
		})
	}
}

// What the provider wrote stays as it is, whatever number it means.
func TestInitiationKeepsTheNumbersAsTheyCame(t *testing.T) {
	for name, r := range map[string]Request{
		"JSON":      post(`{"caller_number": " +91 99889-12345\t", "did": "918645658689 ", "call_id": "42"}`),
		"form":      form("caller_number=%20%2B91+99889-12345%09&did=918645658689+&call_id=42"),
		"query":     get("caller_number=%20%2B91+99889-12345%09&did=918645658689%20&call_id=42"),
		"an alias":  post(`{"caller_number": " +91 99889-12345\t", "did": " ", "did_number": "918645658689 ", "call_id": "42"}`),
		"two alike": post(`{"caller_number": " +91 99889-12345\t", "Caller_Number": "+91 99889-12345", "did": "918645658689 ", "did_number": "918645658689", "call_id": "42"}`),
	} {
		got, err := parser(t).Initiation(r, arrived)
		if err != nil {
			t.Fatal(err)
		}
		if got.Caller.Raw != " +91 99889-12345\t" || got.Caller.Canonical != "9988912345" || got.DID.Raw != "918645658689 " || got.DID.Canonical != "918645658689" {
			t.Errorf("%s: caller %+v, did %+v", name, got.Caller, got.DID)
		}
	}
	// The bound is on what is written, not on the blanks that pad it.
	padded := "9988912345" + strings.Repeat(" ", engine.MaxCaller)
	got, err := parser(t).Initiation(post(`{"caller_number": "`+padded+`", "did": "918645658689"}`), arrived)
	if err != nil || got.Caller.Raw != padded || !got.Caller.Valid {
		t.Errorf("padded: %+v, %v", got, err)
	}
	if got, err = parser(t).Initiation(post(`{"caller_number": " XX ", "did": "918645658689"}`), arrived); err != nil || got.Caller.Raw != " XX " || got.Caller.Canonical != "xx" {
		t.Errorf("masked: %+v, %v", got, err)
	}
}

func TestInitiationWithoutCallerOrCallID(t *testing.T) {
	for _, body := range []string{
		`{"did": "918645658689"}`, `{"did": "918645658689", "caller_number": null, "call_id": null}`,
		`{"did": "918645658689", "caller_number": "", "call_id": " "}`,
		`{"did": "918645658689", "caller_number": true, "call_id": {"a": 1}}`,
	} {
		got, err := parser(t).Initiation(post(body), arrived)
		if err != nil {
			t.Errorf("%s: %v", body, err)
		} else if got.CallID != "" || !got.Caller.Anonymous || got.Caller.Valid {
			t.Errorf("%s: got %+v", body, got)
		}
	}
}

func TestInitiationKeepsTheValues(t *testing.T) {
	long := strings.Repeat("a", engine.MaxCallID)
	got, err := parser(t).Initiation(post(`{"did": "91806973XXXX", "call_id": "`+long+`", "caller_number": "Anonymous"}`), arrived)
	if err != nil {
		t.Fatal(err)
	}
	if got.CallID != long || got.DID.Canonical != "91806973xxxx" || got.DID.Raw != "91806973XXXX" || got.DID.Valid ||
		got.Caller.Canonical != "anonymous" || !got.Caller.Anonymous {
		t.Errorf("got %+v", got)
	}
	// Digits of a long number are not lost to a float, oddities not to a guess.
	for body, want := range map[string]string{
		`12345678901234567890123`: "12345678901234567890123", `-5`: "-5", `-5.0`: "-5", `1.5`: "1.5", `0.0`: "0", `1e99`: "1e99",
		`1e999999999999999999999`: "1e999999999999999999999", `1e-1`: "1e-1", `5e-9`: "5e-9", `"a b"`: "a b", `"a\u0000b"`: "a\x00b",
		"\"a\xffb\"": "a\ufffdb", `"\ud800"`: "\ufffd", `"~x"`: "~x",
	} {
		got, err := parser(t).Initiation(post(`{"did": "918645658689", "call_id": `+body+`}`), arrived)
		if err != nil || got.CallID != want {
			t.Errorf("call_id %s: got %+v, %v, want %q", body, got, err, want)
		}
	}
}

func TestUnreadableInitiation(t *testing.T) {
	tests := []struct {
		name  string
		r     Request
		cause Cause
		says  string
	}{
		{"empty", post(""), CauseSyntax, "no body"},
		{"blank", post(" \n"), CauseSyntax, "no body"},
		{"array", post(`[{"did": "918645658689"}]`), CauseSyntax, "JSON object"},
		{"string", post(`"did=918645658689"`), CauseSyntax, "JSON object"},
		{"null", post(`null`), CauseSyntax, "JSON object"},
		{"number", post(`918645658689`), CauseSyntax, "JSON object"},
		{"cut off", post(`{"did": "918645658689", "call_id": "1a`), CauseSyntax, "JSON object"},
		{"two objects", post(`{"did": "918645658689"}{"did": "918645658689"}`), CauseSyntax, "JSON object"},
		{"deep", post(`{"did": ` + strings.Repeat("[", 30000) + strings.Repeat("]", 30000) + `}`), CauseSyntax, "JSON object"},
		{"deep and lenient", post(`{"did": "918645658689", "x": ` + strings.Repeat("[", 600) + strings.Repeat("]", 600) + `,}`), CauseSyntax, "JSON object"},
		{"XML", post(`<call did="918645658689"/>`), CauseSyntax, "JSON object"},
		{"words", post("hello"), CauseSyntax, "JSON object"},
		{"broken multipart", Request{Method: "POST", ContentType: "multipart/form-data; boundary=x", Body: []byte("--x\r\nnonsense")}, CauseSyntax, "JSON object"},
		{"empty multipart", Request{Method: "POST", ContentType: "multipart/form-data; boundary=x", Body: []byte("--x--\r\n")}, CauseSyntax, "JSON object"},
		{"no DID", post(`{"caller_number": "9988912345", "call_id": "1"}`), CauseNoDID, "did_number"},
		{"nested", post(`{"data": {"did": "918645658689"}}`), CauseNoDID, "did_number"},
		{"blank DID", post(`{"did": " ", "did_number": null}`), CauseNoDID, "did_number"},
		{"withheld DID", post(`{"did": "unknown"}`), CauseNoDID, "did_number"},
		{"boolean DID", post(`{"did": true}`), CauseNoDID, "did_number"},
		{"empty query", get(""), CauseNoDID, "did_number"},
		{"only the secret", get("key=918645658689"), CauseNoDID, "did_number"},
		{"long call_id", post(`{"did": "918645658689", "call_id": "` + strings.Repeat("a", 257) + `"}`), CauseTooLong, "call_id has 257 bytes; send at most 256"},
		{"long caller", post(`{"did": "918645658689", "caller_number": "` + strings.Repeat("9", 65) + `"}`), CauseTooLong, "caller_number has 65 bytes; send at most 64"},
		{"long DID", post(`{"did": "` + strings.Repeat("9", 65) + `"}`), CauseTooLong, "did has 65 bytes; send at most 64"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parser(t).Initiation(tt.r, arrived)
			var unreadable *UnreadableError
			if got != nil || !errors.As(err, &unreadable) {
				t.Fatalf("got %+v, %v", got, err)
			}
			if unreadable.Cause != tt.cause || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%s: %s", unreadable.Cause, err)
			}
			if strings.Contains(err.Error(), "9988912345") {
				t.Errorf("the message shows a number: %s", err)
			}
		})
	}
}

func TestPayloadLeavesTheSecretOut(t *testing.T) {
	for query, want := range map[string]string{
		"key=s3cret":                      "",
		"key=s3cret&did=1":                "did=1",
		"did=1&key=s3cret&call_id=%2bx+y": "did=1&call_id=%2bx+y",
		"did=1&k%65y=s3cret":              "did=1",
		"key=a&key=b&key":                 "",
		"monkey=1&keys=2&keyx":            "monkey=1&keys=2&keyx",
		"did=%zz&&call_id":                "did=%zz&call_id",
	} {
		if got := get(query).Payload(); got.Type != "query" || string(got.Body) != want {
			t.Errorf("%s: kept %q as %q, want %q", query, got.Body, got.Type, want)
		}
	}
	if got := (Request{Method: "POST", RawQuery: "key=s3cret", Body: []byte("{}")}).Payload(); string(got.Body) != "{}" || got.Type != "" {
		t.Errorf("kept %+v", got)
	}
}

func TestBrokenEscapesAreTakenAsTheyStand(t *testing.T) {
	got, err := parser(t).Initiation(get("did=918645658689&call_id=100%&caller_number="+url.QueryEscape("+91 99889 12345")), arrived)
	if err != nil || got.CallID != "100%" || got.Caller.Canonical != "9988912345" {
		t.Errorf("got %+v, %v", got, err)
	}
}

// A call that is refused for one field still has its DID's fallback.
func TestARefusalTellsWhatCouldBeRead(t *testing.T) {
	for body, want := range map[string][2]string{
		`{"did": "8645658689", "caller_number": "` + strings.Repeat("9", engine.MaxCaller+1) + `"}`:                             {"", "918645658689"},
		`{"did": "8645658689", "caller_number": "+919988912345", "call_id": "` + strings.Repeat("x", engine.MaxCallID+1) + `"}`: {"9988912345", "918645658689"},
		`{"did": "` + strings.Repeat("8", engine.MaxCaller+1) + `", "caller_number": "9988912345"}`:                             {},
		`{"caller_number": "9988912345"}`: {},
	} {
		_, err := parser(t).Initiation(post(body), arrived)
		var u *UnreadableError
		if !errors.As(err, &u) || u.Caller.Canonical != want[0] || u.DID.Canonical != want[1] {
			t.Errorf("%s: %#v", body, err)
		}
	}
}
