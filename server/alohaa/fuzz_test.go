package alohaa

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"switchboard/engine"
)

func seed(f *testing.F) {
	samples, err := filepath.Glob(filepath.Join("..", "..", "testdata", "payloads", "*.json*"))
	if err != nil || len(samples) < 5 {
		f.Fatalf("the provider's samples are missing: %v, %v", samples, err)
	}
	for _, name := range samples {
		body, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add("application/json", body, "")
	}
	f.Add("application/x-www-form-urlencoded", []byte("caller_number=%2B919988912345&did=918645658689&call_id=1&call_status=missed"), "key=s")
	f.Add("multipart/form-data; boundary=x", []byte("--x\r\nContent-Disposition: form-data; name=\"did\"\r\n\r\n918645658689\r\n--x--\r\n"), "")
	f.Add("", []byte(""), "caller_number=+919988912345&did=918645658689&call_id=%zz")
	f.Add("", []byte("\ufeff{\"did\": 9.18645658689e11, \"DID\": null, \"call_id\": -0.0e-0, \"ended_at\": 1e300}"), "")
	f.Add("", []byte(`{"call_id": "a\u0000\ud800", "call_duration": "99:99:99", "received_at": "0000-00-00T00:00:00Z", "x": {"x": []}}`), "")
	f.Add("query", []byte("{\"call_id\": \"\xff\xfe\", /* , */ \"did\": [1],}"), "")
}

func requests(kind string, body []byte, query string) []Request {
	return []Request{
		{Method: "POST", ContentType: kind, Body: body, RawQuery: query},
		{Method: "GET", RawQuery: query},
	}
}

func FuzzInitiation(f *testing.F) {
	seed(f)
	p := parser(f)
	f.Fuzz(func(t *testing.T, kind string, body []byte, query string) {
		for _, r := range requests(kind, body, query) {
			before := bytes.Clone(r.Body)
			got, err := p.Initiation(r, arrived)
			if !bytes.Equal(before, r.Body) {
				t.Fatal("the request's body was written over")
			}
			if err != nil {
				checkRefusal(t, got == nil, err)
				continue
			}
			if got.DID.Canonical == "" || got.DID.Anonymous || len(got.CallID) > engine.MaxCallID || len(strings.TrimSpace(got.Caller.Raw)) > engine.MaxCaller {
				t.Fatalf("got %+v", got)
			}
			if !utf8.ValidString(got.CallID + got.Caller.Canonical + got.DID.Canonical) {
				t.Fatalf("not UTF-8: %+v", got)
			}
			if diff := cmp.Diff(r.Payload(), got.Raw, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("raw: %s", diff)
			}
			again, err := p.Initiation(FromPayload(got.Raw), arrived)
			if err != nil || !cmp.Equal(got, again) {
				t.Fatalf("kept payload reads otherwise (%v): %s", err, cmp.Diff(got, again))
			}
		}
	})
}

func FuzzCompletion(f *testing.F) {
	seed(f)
	p := parser(f)
	f.Fuzz(func(t *testing.T, kind string, body []byte, query string) {
		for _, r := range requests(kind, body, query) {
			before := bytes.Clone(r.Body)
			got, err := p.Completion(r, arrived)
			if !bytes.Equal(before, r.Body) {
				t.Fatal("the request's body was written over")
			}
			if err != nil {
				checkRefusal(t, got == nil, err)
				continue
			}
			if got.CallID == "" || len(got.CallID) > engine.MaxCallID || got.Duration < engine.NoDuration || got.Duration > maxDuration ||
				!slices.Contains([]engine.Status{engine.StatusAnswered, engine.StatusNotAnswered, engine.StatusOther}, got.Status) ||
				min(got.ReceivedAt, got.AnsweredAt, got.EndedAt) < 0 {
				t.Fatalf("got %+v", got)
			}
			if diff := cmp.Diff(r.Payload(), got.Raw, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("raw: %s", diff)
			}
			// It is going to be stored as JSON.
			stored, err := json.Marshal(got)
			if err != nil {
				t.Fatalf("%+v can't be stored: %v", got, err)
			}
			var back engine.Completion
			if err := json.Unmarshal(stored, &back); err != nil || back.CallID != got.CallID || len(back.Extra) != len(got.Extra) {
				t.Fatalf("%s reads back as %+v, %v", stored, back, err)
			}
			again, err := p.Completion(FromPayload(got.Raw), arrived)
			if err != nil || !cmp.Equal(got, again) {
				t.Fatalf("kept payload reads otherwise (%v): %s", err, cmp.Diff(got, again))
			}
		}
	})
}

func checkRefusal(t *testing.T, empty bool, err error) {
	t.Helper()
	var unreadable *UnreadableError
	if !empty || !errors.As(err, &unreadable) || unreadable.Cause == "" || unreadable.Message == "" {
		t.Fatalf("a refusal must be an UnreadableError and nothing else: %v", err)
	}
}

// A call is the same call as JSON, as a form and as query parameters.
func TestJSONAndFormSayTheSame(t *testing.T) {
	p := parser(t)
	value := rapid.OneOf(
		rapid.SampledFrom([]string{"", "9988912345", "+91 99889 12345", "99889xxxxx", "918645658689", "anonymous", "answered", "not answered",
			"00:01:09", "30", "2023-02-28T06:48:01.000Z", "2023-02-28T12:18:01+05:30", "1677566881", "receiver hangup", "100%", "a&b=c;d"}),
		rapid.String(),
	).Filter(func(s string) bool { return !strings.HasPrefix(s, " ") }) // what a form says with a bare plus
	names := []string{"call_id", "caller_number", "receiver_number", "did", "did_number", "DID", "call_status", "call_duration", "received_at",
		"answered_at", "ended_at", "hangup_cause", "recording_url", "call_recording_url", "agent_name"}
	rapid.Check(t, func(t *rapid.T) {
		said := rapid.MapOf(rapid.SampledFrom(names), value).Draw(t, "fields")
		object, err := json.Marshal(said)
		if err != nil {
			t.Fatal(err)
		}
		values := url.Values{}
		for k, v := range said {
			values.Set(k, v)
		}
		escaped := values.Encode()
		ignoreRaw := cmp.Options{cmpopts.IgnoreFields(engine.Initiation{}, "Raw"), cmpopts.IgnoreFields(engine.Completion{}, "Raw")}

		i, ierr := p.Initiation(post(string(object)), arrived)
		c, cerr := p.Completion(post(string(object)), arrived)
		for _, r := range []Request{form(escaped), get(escaped), get("key=s3cret&" + escaped)} {
			if escaped == "" {
				break
			}
			j, jerr := p.Initiation(r, arrived)
			if diff := cmp.Diff(i, j, ignoreRaw); diff != "" || !cmp.Equal(ierr, jerr) {
				t.Fatalf("initiation %s\n%v, %v\n%s", escaped, ierr, jerr, diff)
			}
			d, derr := p.Completion(r, arrived)
			if diff := cmp.Diff(c, d, ignoreRaw); diff != "" || !cmp.Equal(cerr, derr) {
				t.Fatalf("completion %s\n%v, %v\n%s", escaped, cerr, derr, diff)
			}
		}
	})
}

func BenchmarkInitiation(b *testing.B) {
	p := parser(b)
	r := post(`{"caller_number": "9988912345", "did": "918645658689", "call_id": "1ascaba13abcaav"}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Initiation(r, arrived); err != nil {
			b.Fatal(err)
		}
	}
}
