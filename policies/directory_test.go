package policies_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"switchboard/policies"
)

const directory = "directory/data.yaml"

func TestASlipInTheDirectoryFailsItsTests(t *testing.T) {
	const (
		schema  = "directory_test.test_the_data_follows_its_schema"
		zones   = "directory_test.test_zones_are_known"
		windows = "directory_test.test_windows_are_not_empty"
		loops   = "directory_test.test_nobody_is_forwarded_to_a_did"
		dates   = "directory_test.test_holidays_are_dates"
	)
	tests := map[string]struct{ old, replacement, want string }{
		"number without quotes":      {`- "9876543211"`, `- 9876543211`, schema},
		"DID with a plus":            {`"918645658689":`, `"+918645658689":`, schema},
		"misspelt field":             {"    sticky_days:", "    sticky_day:", schema},
		"misspelt weekday":           {"monday:", "Monday:", schema},
		"listed twice":               {`- "9876543211"`, `- "9876543210"`, schema},
		"clock of one digit":         {`"09:30"`, `"9:30"`, schema},
		"window without an end":      {`{from: "09:30", to: "18:30"}`, `{from: "09:30"}`, schema},
		"hours without after_hours":  {"    after_hours:", "    # after_hours:", schema},
		"empty prefix":               {`- "140"`, `- ""`, schema},
		"empty blocked number":       {`"9876500000": made`, `"": made`, schema},
		"anonymous as text":          {"anonymous: false", `anonymous: "no"`, schema},
		"default without a team":     {"# default:\n", "default: {}\n", schema},
		"unknown zone":               {"# zone: Asia/Dubai", "zone: Asia/Dubay", zones},
		"window from 18:30 to 18:30": {`"09:30"`, `"18:30"`, windows},
		"a DID in the team":          {`- "9876543211"`, `- "918645658689"`, loops},
		"a DID as after_hours":       {`"9876543219"`, `"918645658689"`, loops},
		"a date that is none":        {`"2026-08-15"`, `"2026-02-30"`, dates},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			set := starter(t)
			edit(t, set, directory, tt.old, tt.replacement)
			got := failures(runTests(t, set))
			if !slices.Contains(got, tt.want) {
				t.Errorf("failing tests %v, want %s", got, tt.want)
			}
			for _, name := range got {
				if !strings.HasPrefix(name, "directory_test.") {
					t.Errorf("%s fails too: it depends on the operator's data", name)
				}
			}
		})
	}
}

func TestTheOperatorsOwnDirectoryPasses(t *testing.T) {
	own := map[string]string{
		"nothing yet":        "dids: {}\n",
		"teams only":         "dids:\n  \"912240000001\": {team: [\"9000000001\"]}\n",
		"an empty team":      "dids:\n  \"912240000001\": {team: []}\n",
		"foreign agents":     "dids:\n  \"97145551234\": {zone: Asia/Dubai, team: [\"+971501234567\"]}\n",
		"a default":          "dids: {}\ndefault: {team: [\"9000000001\"], sticky_days: 0.5}\n",
		"lists of one's own": "dids: {}\nvip: {\"9000000001\": {to: \"9000000002\"}}\n",
		"a night shift": "dids:\n  \"912240000001\":\n    team: [\"9000000001\"]\n    after_hours: \"9000000002\"\n" +
			"    hours: {friday: [{from: \"22:00\", to: \"06:00\"}], sunday: [{from: \"00:00\", to: \"24:00\"}]}\n",
	}
	for name, text := range own {
		t.Run(name, func(t *testing.T) {
			set := starter(t)
			set[directory] = &fstest.MapFile{Data: []byte(text)}
			if got := failures(runTests(t, set)); len(got) > 0 {
				t.Errorf("failing tests %v, want none", got)
			}
		})
	}
}

func TestTheSampleDirectoryNamesTheSampleDIDAlone(t *testing.T) {
	documents := load(t, policies.Files).Documents
	dids := documents["directory"].(map[string]any)["dids"].(map[string]any)
	if _, ok := dids["918645658689"]; !ok || len(dids) != 1 {
		t.Errorf("the starter set answers for %d DIDs, want for 918645658689 alone", len(dids))
	}
	if _, ok := documents["directory"].(map[string]any)["default"]; ok {
		t.Error("the starter set has a default entry: it would answer for every DID")
	}
}
