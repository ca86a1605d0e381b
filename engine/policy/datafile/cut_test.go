package datafile

import (
	"slices"
	"strings"
	"testing"
)

const listed = `# lines
a: 1
dids: # by number

  # the first
  "1":
    x: 1
  # the second

  "2": {x: [1,
  2]}
  3: |
    dids:
      "4": x
teams:
  n: 1
`

// The parts are the file, and they are what the parser sees.
func TestCut(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		keys string // comma-separated; empty: it is not cut
	}{
		"plain":                     {listed, ""}, // its second entry goes on at the depth of a key
		"indented":                  {strings.Replace(listed, "\n  2]}", "\n    2]}", 1), "1,2,3"},
		"the last thing":            {"dids:\n  a: 1\n  b: 2", "a,b"},
		"lines that end otherwise":  {"dids:\r\n  a: 1\r\n\r\n  b: 2\r\nc: 1\r\n", "a,b"},
		"a text of two lines":       {"dids:\n  a: \"x\n  b: 2\"\n", ""},
		"a key in a text":           {"a: |\n  x\n\nb: \"\ndids:\n  c: 1\n\"\n", ""},
		"within a text at the top":  {"--- |\n dids:\n  c: 1\n", ""},
		"not at the top":            {"directory:\n  dids:\n    a: 1\n", ""},
		"on one line":               {"dids: {a: 1}\n", ""},
		"a list":                    {"dids:\n  - a\n  - b\n", ""},
		"at the same depth":         {"dids:\na: 1\n", ""},
		"nothing":                   {"dids:\n\n# x\n", ""},
		"the rest inside an entry":  {"dids:\n  a: 1\n  b: {x: 1,\nc: y}\n", ""},
		"no such key":               {"didsx:\n  a: 1\n", ""},
		"a comment that is none":    {"dids:# x\n  a: 1\n", ""},
		"an anchor":                 {"dids:\n  a: &x 1\n  b: *x\n", ""},
		"a merge":                   {"dids:\n  a: {b: 1}\n  <<: {c: 1}\n", ""},
		"two documents":             {"dids:\n  a: 1\n---\nx: 1\n", ""},
		"a key that is a list":      {"dids:\n  ? [a]\n  : 1\n", ""},
		"JSON":                      {"{\n\"dids\": {\"a\": 1}}\n", ""},
		"no YAML":                   {"dids:\n  a: [\n", ""},
		"comments at every depth":   {"dids:\n  a: 1\n# x\n    # y\n  # z\n  b: 2\n", "a,b"},
		"a text that ends in lines": {"dids:\n  a: |+\n    x\n\n\n  b: >-\n    y\n\nc: 1\n", "a,b"},
	} {
		t.Run(name, func(t *testing.T) {
			if cut, ok := CutUp([]byte(c.text), "dids"); ok && string(cut.Join()) != c.text {
				t.Errorf("joined it is %q", cut.Join())
			}
			cut, keys := Parse("directory/data.yaml", []byte(c.text)).Cut("dids")
			if got := strings.Join(keys, ","); got != c.keys || (cut == nil) != (c.keys == "") {
				t.Fatalf("keys %q, want %q", got, c.keys)
			}
			if cut == nil {
				return
			}
			lines := cut.Lines()
			for i, entry := range cut.Entries {
				if !strings.HasPrefix(strings.Join(strings.SplitAfter(c.text, "\n")[lines[i]-1:], ""), string(entry)) {
					t.Errorf("entry %d does not begin on line %d", i, lines[i])
				}
				if got := Entry(lines, lines[i]); got != i {
					t.Errorf("line %d is said to be of entry %d", lines[i], got)
				}
			}
			if Entry(lines, 1) != -1 || len(cut.Tail) > 0 && Entry(lines, lines[len(cut.Entries)]) != len(cut.Entries) {
				t.Error("head and tail are said to be entries")
			}
		})
	}
}

// Entries that were cut out read the same wherever they stand.
func TestOnlySomeEntries(t *testing.T) {
	text := strings.Replace(listed, "\n  2]}", "\n    2]}", 1)
	cut, keys := Parse("directory/data.yaml", []byte(text)).Cut("dids")
	for _, some := range [][]int{{0}, {2}, {0, 2}, {1, 2}} {
		again, got := Parse("directory/data.yaml", cut.Only(some).Join()).Cut("dids")
		if again == nil || len(got) != len(some) {
			t.Fatalf("%v reads as %q", some, got)
		}
		for i, n := range some {
			if got[i] != keys[n] || !slices.Equal(again.Entries[i], cut.Entries[n]) {
				t.Errorf("entry %d of %v is %q, want %q", i, some, again.Entries[i], cut.Entries[n])
			}
		}
	}
}
