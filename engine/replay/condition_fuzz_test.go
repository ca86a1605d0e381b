package replay_test

import (
	"testing"

	"switchboard/engine"
	"switchboard/engine/replay"
)

// A condition that is understood can be judged, of an empty replay too: only one
// that nothing at all reaches is met by that.
func FuzzParseCondition(f *testing.F) {
	for _, seed := range []string{"moved>5%", "fallback > 0", "slow>=1e3", "errors>=0", "moved>NaN", "moved>-1", ">", "rejected>=Inf%", "uncompared>0x1p3"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := replay.ParseCondition(text)
		if err != nil {
			return
		}
		none, how := c.Met(&engine.Difference{})
		all, _ := c.Met(&engine.Difference{Compared: 1, Moved: 1 << 40, ToFallback: 1 << 40, ToReject: 1 << 40, ToForward: 1 << 40})
		if how == "" || none && !all && text[0] == 'm' {
			t.Fatalf("%q: %q, met by none %v, by all %v", text, how, none, all)
		}
	})
}
