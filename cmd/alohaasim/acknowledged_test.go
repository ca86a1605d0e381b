package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAcknowledgedFileListsWhatWasPromised(t *testing.T) {
	file := filepath.Join(t.TempDir(), "acks")
	if err := os.WriteFile(file, []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	server := newGoodServer()
	server.answer = func(_ int, in map[string]string) (int, string, string) {
		switch in["call_id"] {
		case "p-000001":
			return 403, "application/problem+json", "{}"
		case "p-000002":
			return 500, "application/problem+json", "{}"
		}
		return 200, jsonType, goodBody
	}
	server.complete = func(seen int, in map[string]string) (int, string, string) {
		switch {
		case in["call_id"] == "p-000003":
			return 503, "application/problem+json", "{}"
		case seen == 2:
			return 200, jsonType, `{"status": "duplicate"}`
		}
		return 200, jsonType, `{"status": "stored"}`
	}
	playInMemory(t, t.Context(), server, "--calls", "4", "--concurrency", "1", "--prefix", "p", "--duplicates", "1", "--acknowledged", file)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	if lines[0] != "{}" {
		t.Error("the file was not appended to")
	}
	var got []acknowledgement
	for _, line := range lines[1:] {
		var a acknowledgement
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatal(err)
		}
		got = append(got, a)
	}
	want := []acknowledgement{
		{"p-000000", "918645658689", "initiation", "forward"},
		{"p-000000", "918645658689", "completion", "stored"},
		{"p-000000", "918645658689", "completion", "duplicate"},
		{"p-000001", "918645658689", "initiation", "rejected"},
		{"p-000003", "918645658689", "initiation", "forward"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("acknowledged (-want +got):\n%s", diff)
	}
}

func TestAcknowledgedFileIsPrivate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "acks")
	playInMemory(t, t.Context(), newGoodServer(), "--calls", "1", "--acknowledged", file)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
