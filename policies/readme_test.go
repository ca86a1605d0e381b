package policies_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"switchboard/policies"
)

func TestTheGuideShowsTheRealSteps(t *testing.T) {
	set := starter(t)
	for _, line := range steps(t, set["routing/routing.rego"].Data) {
		if !bytes.Contains(set["README.md"].Data, line) {
			t.Errorf("README.md does not show the step: %s", line)
		}
	}
}

func TestTheGuidesExampleTestPasses(t *testing.T) {
	set := starter(t)
	example := regexp.MustCompile("(?s)```rego\n(package my_test\n.*?)```").FindSubmatch(set["README.md"].Data)
	if example == nil {
		t.Fatal("README.md has no example of package my_test")
	}
	set["mine/my_test.rego"] = &fstest.MapFile{Data: example[1]}
	ran := false
	for _, r := range runTests(t, set) {
		if r.Package == "data.my_test" {
			ran = true
			if !r.Pass() {
				t.Errorf("%s failed: %v", r.Name, r.Error)
			}
		}
	}
	if !ran {
		t.Error("the example holds no test")
	}
}

func TestTheGuideNamesEveryInputField(t *testing.T) {
	type schema struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	guide := string(starter(t)["README.md"].Data)
	var walk func(raw []byte)
	walk = func(raw []byte) {
		var s schema
		if err := json.Unmarshal(raw, &s); err != nil {
			t.Fatal(err)
		}
		for name, property := range s.Properties {
			if !strings.Contains(guide, "."+name+"`") && !strings.Contains(guide, "`input."+name+".") {
				t.Errorf("README.md does not explain the input field %s", name)
			}
			walk(property)
		}
	}
	walk(policies.InputSchema)
}
