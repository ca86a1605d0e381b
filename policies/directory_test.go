package policies_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/open-policy-agent/opa/v1/tester"
	"go.yaml.in/yaml/v3"

	"switchboard/policies"
)

const directory = "directory/data.yaml"

// directoryOnly leaves a set with the directory's tests alone, which need no
// rules: there are many directories to try.
func directoryOnly(set fstest.MapFS) fstest.MapFS {
	for path := range set {
		if strings.HasPrefix(path, "recipes/") || strings.HasPrefix(path, "routing/") {
			delete(set, path)
		}
	}
	return set
}

func TestASlipInTheDirectoryFailsItsTests(t *testing.T) {
	const (
		schema  = "directory_test.test_the_data_follows_its_schema"
		zones   = "directory_test.test_zones_are_known"
		windows = "directory_test.test_windows_are_not_empty"
		loops   = "directory_test.test_nobody_is_forwarded_to_a_did"
		dates   = "directory_test.test_holidays_are_dates"
		teams   = "directory_test.test_teams_are_known"
		weights = "directory_test.test_weights_sum_to_100"
		members = "directory_test.test_weights_are_for_members"
	)
	const (
		entry = "    name: Sample line"
		root  = "# default:\n"
	)
	// in adds a field to the sample entry, beside adds one at the top.
	in := func(text string) [2]string { return [2]string{entry, "    " + text + "\n" + entry} }
	beside := func(text string) [2]string { return [2]string{root, text + "\n" + root} }
	with := func(old, replacement string) [2]string { return [2]string{old, replacement} }
	tests := map[string]struct {
		edit [2]string
		want string
		says []string // what the printed line names
	}{
		"number without quotes":      {with(`- "9876543211"`, `- 9876543211`), schema, []string{did, "team.1", "string"}},
		"DID with a plus":            {with(`"918645658689":`, `"+918645658689":`), schema, []string{"+" + did}},
		"misspelt field":             {with("    sticky_days:", "    sticky_day:"), schema, []string{did, "sticky_day"}},
		"misspelt weekday":           {with("monday:", "Monday:"), schema, []string{did, "hours", "Monday"}},
		"listed twice":               {with(`- "9876543211"`, `- "9876543210"`), schema, []string{did, "team"}},
		"clock of one digit":         {with(`"09:30"`, `"9:30"`), schema, []string{did, "hours.monday.0.from"}},
		"window without an end":      {with(`{from: "09:30", to: "18:30"}`, `{from: "09:30"}`), schema, []string{did, "hours.monday.0", "to"}},
		"hours without after_hours":  {with("    after_hours:", "    # after_hours:"), schema, []string{did, "after_hours"}},
		"empty prefix":               {with(`- "140"`, `- ""`), schema, []string{"blocklist.prefixes.0"}},
		"empty blocked number":       {with(`"9876500000": made`, `"": made`), schema, []string{"blocklist.numbers"}},
		"anonymous as text":          {with("anonymous: false", `anonymous: "no"`), schema, []string{"blocklist.anonymous"}},
		"default without a team":     {with(root, "default: {}\n"), schema, []string{"default", "team"}},
		"unknown mode":               {in("distribution: {mode: fastest}"), schema, []string{did, "distribution.mode"}},
		"weights without a mode":     {in(`distribution: {weights: {"9876543210": 100}}`), schema, []string{did, "distribution", "mode"}},
		"no line at all":             {in("max_concurrent: 0"), schema, []string{did, "max_concurrent"}},
		"more lines than are seen":   {in("max_concurrent: 21"), schema, []string{did, "max_concurrent"}},
		"no minutes":                 {in("busy_minutes: 0"), schema, []string{did, "busy_minutes"}},
		"minutes as text":            {in(`redial: {minutes: "15"}`), schema, []string{did, "redial.minutes"}},
		"hours of missed calls":      {in("missed_call: {days: 1}"), schema, []string{did, "missed_call", "days"}},
		"auto_pause as a number":     {in("auto_pause: 3"), schema, []string{did, "auto_pause"}},
		"more calls than are seen":   {in("velocity: {calls: 21, minutes: 10}"), schema, []string{did, "velocity.calls"}},
		"velocity without minutes":   {in("velocity: {calls: 5}"), schema, []string{did, "velocity", "minutes"}},
		"a pair of three":            {in(`pairs: [["9988912345", "9988912346", "9988912347"]]`), schema, []string{did, "pairs.0"}},
		"a pair with oneself":        {in(`pairs: [["9988912345", "9988912345"]]`), schema, []string{did, "pairs.0"}},
		"no_session_to a word":       {in("no_session_to: refuse"), schema, []string{did, "no_session_to"}},
		"overflow without quotes":    {in("overflow: 9876543218"), schema, []string{did, "overflow"}},
		"a region that is a name":    {in("regions: {mumbai: north}"), schema, []string{did, "regions", "mumbai"}},
		"more than everybody":        {in("rollout: {percent: 101, team: north}"), schema, []string{did, "rollout.percent"}},
		"a VIP without a person":     {in(`vip: {"9988900001": {backup: "9876543210"}}`), schema, []string{did, "vip.9988900001", "to"}},
		"a VIP of all DIDs":          {beside(`vip: {"9988900001": "9876543210"}`), schema, []string{"vip.9988900001"}},
		"a team with spaces":         {beside(`teams: {north india: ["9876543210"]}`), schema, []string{"teams", "north india"}},
		"paused, a list":             {beside(`paused: ["9876543210"]`), schema, []string{"paused"}},
		"override, several":          {beside(`override: {"918645658689": "9876543218"}`), schema, []string{"override"}},
		"unknown zone":               {with("# zone: Asia/Dubai", "zone: Asia/Dubay"), zones, []string{did, "zone", "Asia/Dubay"}},
		"window from 18:30 to 18:30": {with(`"09:30"`, `"18:30"`), windows, []string{did, "hours", "monday"}},
		"a DID in the team":          {with(`- "9876543211"`, `- "918645658689"`), loops, []string{did, "team"}},
		"a DID as after_hours":       {with(`"9876543219"`, `"918645658689"`), loops, []string{did, "after_hours"}},
		"a DID as overflow":          {in(`overflow: ["9876543218", "918645658689"]`), loops, []string{did, "overflow"}},
		"a DID as a VIP's backup":    {beside(`vip: {"9988900001": {to: "9876543210", backup: "918645658689"}}`), loops, []string{"vip", did}},
		"a DID in a pair":            {in(`pairs: [["9988912345", "918645658689"]]`), loops, []string{did, "pairs"}},
		"a DID in a named team":      {beside(`teams: {north: ["918645658689"]}`), loops, []string{"north", did}},
		"a date that is none":        {with(`"2026-08-15"`, `"2026-02-30"`), dates, []string{did, "holidays", "2026-02-30"}},
		"a region without a team":    {in(`regions: {"98": north}`), teams, []string{did, "regions", "north"}},
		"a rollout without a team":   {in("rollout: {percent: 10, team: newcomers}"), teams, []string{did, "rollout", "newcomers"}},
		"a default of no team":       {with(root, "default: {team: north}\n"), teams, []string{"default", "team", "north"}},
		"weights short of 100":       {in(`distribution: {mode: percent, weights: {"9876543210": 99}}`), weights, []string{did, "99"}},
		"a weight for a stranger":    {in(`distribution: {mode: percent, weights: {"9876540000": 100}}`), members, []string{did, "9876540000"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			set := starter(t)
			edit(t, set, directory, tt.edit[0], tt.edit[1])
			results := runTests(t, directoryOnly(set))
			i := slices.IndexFunc(results, func(r *tester.Result) bool {
				return strings.TrimPrefix(r.Package, "data.")+"."+r.Name == tt.want
			})
			if i < 0 || results[i].Pass() {
				t.Fatalf("failing tests %v, want %s", failures(results), tt.want)
			}
			for _, part := range tt.says {
				if !bytes.Contains(results[i].Output, []byte(part)) {
					t.Errorf("it prints %q, which does not name %q", results[i].Output, part)
				}
			}
		})
	}
}

// Of a large directory the first thousand DIDs are looked at, all in one test,
// and what stands beside them by each test as ever.
func TestASlipInALargeDirectoryFailsOneTest(t *testing.T) {
	const (
		thousand = "directory_test.test_the_first_thousand_of_many"
		first    = "  \"910000000\":"
		beside   = "default:"
	)
	var large strings.Builder
	large.WriteString("default: {team: [\"9000000001\"]}\nteams: {north: [\"9000000001\"]}\ndids:\n")
	for i := range 1200 {
		fmt.Fprintf(&large, "  \"91%07d\": {team: [\"9000000001\"]}\n", i)
	}
	for name, tt := range map[string]struct {
		at, field string
		want      []string
	}{
		"none":                  {first, `name: x`, nil},
		"the schema":            {first, `sticky_day: 3`, []string{thousand}},
		"a zone":                {first, `zone: Asia/Dubay`, []string{thousand}},
		"a window":              {first, `after_hours: "9000000002", hours: {monday: [{from: "09:30", to: "09:30"}]}`, []string{thousand}},
		"a loop":                {first, `overflow: "910000007"`, []string{thousand}},
		"a loop to a far DID":   {first, `overflow: "910001199"`, []string{thousand}},
		"a date":                {first, `holidays: {"2026-02-30": x}`, []string{thousand}},
		"a team":                {first, `regions: {"98": south}`, []string{thousand}},
		"short of 100":          {first, `distribution: {mode: percent, weights: {"9000000001": 99}}`, []string{thousand}},
		"a stranger's weight":   {first, `distribution: {mode: percent, weights: {"9000000003": 100}}`, []string{thousand}},
		"beyond the thousand":   {`  "910001199":`, `zone: Asia/Dubay`, nil},
		"in the default":        {beside, `zone: Asia/Dubay`, []string{"directory_test.test_zones_are_known"}},
		"the default, a DID":    {beside, `overflow: "910001199"`, []string{"directory_test.test_nobody_is_forwarded_to_a_did"}},
		"the default's schema":  {beside, `sticky_day: 3`, []string{"directory_test.test_the_data_follows_its_schema", thousand}},
		"the default's holiday": {beside, `holidays: {"2026-02-30": x}`, []string{"directory_test.test_holidays_are_dates"}},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(large.String(), tt.at+" {", tt.at+" {"+tt.field+", ", 1)
			if text == large.String() {
				t.Fatal("nothing was edited")
			}
			set := directoryOnly(starter(t))
			set[directory] = &fstest.MapFile{Data: []byte(text)}
			if got := failures(runTests(t, set)); !slices.Equal(got, tt.want) {
				t.Errorf("failing tests %v, want %v", got, tt.want)
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
		"lists of one's own": "dids: {}\nshifts: {early: [\"9000000001\"]}\n",
		"a night shift": "dids:\n  \"912240000001\":\n    team: [\"9000000001\"]\n    after_hours: \"9000000002\"\n" +
			"    hours: {friday: [{from: \"22:00\", to: \"06:00\"}], sunday: [{from: \"00:00\", to: \"24:00\"}]}\n",
	}
	for name, text := range own {
		t.Run(name, func(t *testing.T) {
			set := directoryOnly(starter(t))
			set[directory] = &fstest.MapFile{Data: []byte(text)}
			if got := failures(runTests(t, set)); len(got) > 0 {
				t.Errorf("failing tests %v, want none", got)
			}
		})
	}
}

// commented finds the fields that data.yaml offers behind a "#".
var commented = regexp.MustCompile(`(?m)^( *)# (  )?((?:[a-z_]+|"[0-9]+"|-)(?:: | ).*[\]}"0-9]|[a-z_]+:|"[0-9]+": on leave|pool: true|zone: .*)$`)

// everything is the sample directory with all that it offers switched on.
func everything(t *testing.T) []byte {
	t.Helper()
	text := commented.ReplaceAll(starter(t)[directory].Data, []byte("$1$2$3"))
	return bytes.Replace(text, []byte("    distribution: {mode: least_busy}\n"), nil, 1)
}

// With everything on at once, every test but those of the sample passes: none
// depends on what an operator writes into the directory.
func TestEveryFieldThatDataYAMLOffersWorks(t *testing.T) {
	set := starter(t)
	text := everything(t)
	set[directory] = &fstest.MapFile{Data: text}
	var offered struct {
		DIDs map[string]map[string]any
	}
	if err := yaml.Unmarshal(text, &offered); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	var schema struct {
		Definitions struct {
			Entry struct{ Properties map[string]any }
		}
	}
	if err := json.Unmarshal(set["schemas/directory/schema.json"].Data, &schema); err != nil {
		t.Fatal(err)
	}
	for field := range schema.Definitions.Entry.Properties {
		if _, ok := offered.DIDs[did][field]; !ok {
			t.Errorf("data.yaml offers no %s", field)
		}
	}
	if got := failures(runTests(t, set)); len(got) > 0 {
		t.Errorf("failing tests %v, want none", got)
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
