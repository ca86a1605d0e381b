package alohaa

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"switchboard/engine"
)

// The bytes are replayed to retries: they must not change between versions.
func TestReplyBytes(t *testing.T) {
	n := parser(t).Numbers
	modes := map[string]RejectMode{}
	for _, s := range []string{"403", "empty", "number:+91 98765-43210"} {
		m, err := ParseRejectMode(s, n)
		if err != nil {
			t.Fatal(err)
		}
		modes[s] = m
	}
	forward := engine.Decision{Number: "9876543210", Source: engine.SourcePolicy}
	reject := engine.Decision{Reject: true, Source: engine.SourceRejected}
	tests := []struct {
		mode     string
		decision engine.Decision
		status   int
		kind     string
		body     string
	}{
		{"403", forward, 200, "application/json", `{"response": {"call_forwarding_number": "9876543210", "call_timeout": 0}}`},
		{"empty", forward, 200, "application/json", `{"response": {"call_forwarding_number": "9876543210", "call_timeout": 0}}`},
		{"403", engine.Decision{Number: "+14155552671", Timeout: 86400, Reason: "x", Source: engine.SourceFallback}, 200, "application/json",
			`{"response": {"call_forwarding_number": "+14155552671", "call_timeout": 86400}}`},
		{"403", reject, 403, "application/problem+json",
			`{"type":"about:blank","title":"Forbidden","status":403,"detail":"The routing policy rejects this call; do not ring anyone."}`},
		{"empty", reject, 200, "application/json", `{"response": {"call_forwarding_number": "", "call_timeout": 0}}`},
		{"number:+91 98765-43210", reject, 200, "application/json", `{"response": {"call_forwarding_number": "9876543210", "call_timeout": 0}}`},
		{"empty", engine.Decision{Source: engine.SourceNone}, 503, "application/problem+json",
			`{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"No receiver was found for this call and no fallback is configured; set one with --fallback."}`},
		{"empty", engine.Decision{Source: engine.SourcePolicy}, 503, "application/problem+json",
			`{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"No receiver was found for this call and no fallback is configured; set one with --fallback."}`},
	}
	for _, tt := range tests {
		got := Render(modes[tt.mode])(tt.decision)
		if got.Status != tt.status || got.Type != tt.kind || string(got.Body) != tt.body {
			t.Errorf("%s, %+v:\n got %d %s %s\nwant %d %s %s", tt.mode, tt.decision, got.Status, got.Type, got.Body, tt.status, tt.kind, tt.body)
		}
		if !json.Valid(got.Body) {
			t.Errorf("%s is not JSON", got.Body)
		}
	}
}

func TestReplyIsTheDocumentedOne(t *testing.T) {
	got := Render(RejectMode{})(engine.Decision{Number: "87123xxxxx"})
	if want := bytes.TrimSpace(sample(t, "reply.json")); !bytes.Equal(got.Body, want) {
		t.Errorf("got %s, documented is %s", got.Body, want)
	}
	// Nothing that a number could hold breaks the JSON.
	if got := Render(RejectMode{})(engine.Decision{Number: `"}\`}); !json.Valid(got.Body) {
		t.Errorf("%s is not JSON", got.Body)
	}
}

func TestRejectMode(t *testing.T) {
	n := parser(t).Numbers
	for in, want := range map[string]string{
		"403": "403", " empty ": "empty", "number:9876543210": "number:9876543210", "number: 09876543210": "number:9876543210",
		"number:+1 415 555 2671": "number:+14155552671",
	} {
		m, err := ParseRejectMode(in, n)
		if err != nil || m.String() != want {
			t.Errorf("ParseRejectMode(%q) = %q, %v, want %q", in, m, err, want)
		}
		if again, err := ParseRejectMode(m.String(), n); err != nil || again != m {
			t.Errorf("%q reads back as %q, %v", m, again, err)
		}
	}
	if (RejectMode{}).String() != "403" {
		t.Error("the zero value must answer 403")
	}
	for in, says := range map[string]string{
		"": "write 403, empty or number:", "404": "write 403", "Empty": "write 403", "9876543210": "write 403",
		"number:": "write it in full", "number:98765xxxxx": "write it in full", "number:anonymous": "write it in full", "number:12": "write it in full",
	} {
		_, err := ParseRejectMode(in, n)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), `"9876543210"`) {
			t.Errorf("ParseRejectMode(%q): %v", in, err)
		}
	}
}

func TestProblemJSON(t *testing.T) {
	var got Problem
	if err := json.Unmarshal(ProblemJSON(405, `use "POST"`), &got); err != nil {
		t.Fatal(err)
	}
	if got != (Problem{Type: "about:blank", Title: "Method Not Allowed", Status: 405, Detail: `use "POST"`}) {
		t.Errorf("got %+v", got)
	}
}
