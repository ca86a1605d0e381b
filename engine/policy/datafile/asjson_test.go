package datafile

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/util"
)

// sameAsOPA compares with what OPA's loader makes of the same text.
func sameAsOPA(t *testing.T, text string) (told bool) {
	t.Helper()
	got, ok := Parse("directory/data.yaml", []byte(text)).AsJSON()
	if !ok {
		return false
	}
	var want, have any
	if json.Valid([]byte(text)) {
		text += "\n# a comment, so that it is read as YAML, as the loader does by the file's name\n"
	}
	if err := util.Unmarshal([]byte(text), &want); err != nil {
		t.Fatalf("OPA refuses %q (%v), which is told as %s", text, err, got)
	}
	dec := json.NewDecoder(bytes.NewReader(got))
	dec.UseNumber()
	if err := dec.Decode(&have); err != nil {
		t.Fatalf("%q is told as %s, which is no JSON: %v", text, got, err)
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Fatalf("%q (-opa +here):\n%s", text, diff)
	}
	return true
}

func TestAsJSONIsWhatOPAReads(t *testing.T) {
	for text, told := range map[string]bool{
		"dids:\n  \"918645658689\": {team: [\"9876543210\"], sticky_days: 30, pool: true}\n":              true,
		"a: 1\nb: -5\nc: 0\nd: 0x1F\ne: 0o17\nf: 1_000\ng: +7\nh: 0123\ni: 12345678901234567890\nj: -0\n": true,
		"a: 1.5\nb: 1e3\nc: .5\nd: 1.0\n":                                                             true,
		"a: yes\nb: True\nc: FALSE\nd: ~\ne: null\nf:\ng: Null\n":                                     true,
		"a: 2025-11-22\nb: 2025-11-22T14:35:00Z\nc: 09:30\nd: '2025-11-22'\n":                         true,
		"a: |\n  two\n  lines\nb: >\n  one\n  line\nc: \"tab\\t \\\"q\\\" \\\\\"\nd: ä€😀\ne: '<&>'\n": true,
		"- 1\n- [a, {b: c}]\n":        true,
		"9876543210: number\n-5: x\n": true,
		"just a text\n":               true,
		"a: !!str 5\n":                true,
		"a: &x 1\nb: *x\n":            false,
		"a: {<<: {b: 1}, c: 2}\n":     false,
		"0123: octal\n":               false,
		"true: yes\n":                 false,
		"1.5: x\n":                    false,
		"? [a]\n: b\n":                false,
		"a: .nan\n":                   false,
		"a: !!binary aGk=\n":          false,
		"# nothing\n":                 false,
	} {
		if got := sameAsOPA(t, text); got != told {
			t.Errorf("%q is told: %v", text, got)
		}
	}
}

func FuzzAsJSON(f *testing.F) {
	for _, text := range []string{"a: 1\n", "- x\n- {y: z}\n", "a: \"\\u0000\"\n", "a: 1e400\n", "\"\": 1\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var into any
		if util.Unmarshal([]byte(text), &into) != nil {
			t.Skip()
		}
		if list, _ := Parse("x.yaml", []byte(text)).Walk(func(Value) {}); len(list) > 0 {
			t.Skip() // such a set does not load
		}
		sameAsOPA(t, text)
	})
}
