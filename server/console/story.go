package console

import (
	"fmt"
	"time"

	"switchboard/engine"
)

// story tells in sentences why a call went where it went.
func (a *asked) story(d *engine.CallDetail) []string {
	if d.Decision == nil {
		return []string{"The provider reported this call, and never asked where it should go: no policy took part in it."}
	}
	return append(a.decided(d.Decision), a.ended(d.Call)...)
}

func (a *asked) decided(rec *engine.DecisionRecord) (out []string) {
	dec, e := rec.Decision, a.eyes
	caller := "A caller without a number"
	if rec.Caller.Valid {
		caller = e.number(rec.Caller.Canonical).Text
	} else if rec.Caller.Canonical != "" && !rec.Caller.Anonymous {
		caller = fmt.Sprintf("A caller whose number came as %q", e.text(rec.Caller.Canonical))
	}
	out = append(out, fmt.Sprintf("%s dialled %s.", caller, e.number(rec.DID.Canonical).Text))
	for _, s := range dec.Skipped {
		out = append(out, fmt.Sprintf("The policies passed over %s: %s.", e.number(s.Number).Text, e.text(spaced(s.Why))))
	}
	because := ""
	if dec.Reason != "" {
		because = fmt.Sprintf(", reason “%s”", spaced(dec.Reason))
	}
	switch dec.Source {
	case engine.SourcePolicy:
		out = append(out, fmt.Sprintf("The policies sent the call to %s%s.", e.number(dec.Number).Text, because))
	case engine.SourceRejected:
		out = append(out, fmt.Sprintf("The policies rejected the call%s.", because))
	case engine.SourceNone:
		out = append(out, "Nobody could be named: "+a.whyNot(dec)+" And no fallback is configured.")
	default:
		out = append(out, fmt.Sprintf("The %s took the call, %s: %s", sourceName(dec.Source), e.number(dec.Number).Text, a.whyNot(dec)))
	}
	if rec.Tries > 1 {
		out = append(out, fmt.Sprintf("It was evaluated %d times, because other calls changed what it had read.", rec.Tries))
	}
	return out
}

var causeNames = map[engine.Cause]string{
	engine.CauseError: "the policies failed", engine.CauseUndefined: "the policies had no answer for this call",
	engine.CauseInvalid: "the policies' answer breaks the contract", engine.CauseLoop: "the policies' answer would have led back here",
	engine.CauseTimeout: "the policies did not answer in time", engine.CauseOverload: "too many calls came at once",
	engine.CauseUnreadable: "the provider's question could not be read", engine.CauseNoPolicy: "no policy set is active",
}

// whyNot says why the policies' answer was not used.
func (a *asked) whyNot(d engine.Decision) string {
	text := causeNames[d.Cause]
	if text == "" {
		text = "the policies gave no answer that could be used"
	}
	if d.Detail != "" {
		text += " (" + a.eyes.text(d.Detail) + ")"
	}
	return text + "."
}

func (a *asked) ended(c *engine.Call) []string {
	switch c.Status {
	case engine.StatusInFlight:
		return []string{"The call is in flight: no completion has come yet."}
	case engine.StatusAnswered:
		text := "It was answered"
		if c.Duration >= 0 {
			text += " and lasted " + secondsText(c.Duration)
		}
		return []string{text + "."}
	case engine.StatusNotAnswered:
		return []string{"It was not answered" + hangup(c) + "."}
	case engine.StatusExpired:
		return []string{"No completion ever came, so it no longer counts as in flight."}
	case engine.StatusOther:
		return []string{"The provider reported an outcome that is neither answered nor not answered" + hangup(c) + "."}
	}
	return nil
}

func hangup(c *engine.Call) string {
	if c.HangupCause == "" {
		return ""
	}
	return ": " + spaced(c.HangupCause)
}

// spaced is a name of a reason as people write it.
func spaced(name string) string {
	out := []rune(name)
	for i, r := range out {
		if r == '_' {
			out[i] = ' '
		}
	}
	return string(out)
}

// steps are the moments of a call, as far as they are known.
func (a *asked) steps(d *engine.CallDetail) []stepView {
	var steps []stepView
	if rec := d.Decision; rec != nil {
		steps = append(steps, stepView{At: rec.Arrived, Title: "Initiation came", Kind: "quiet", Note: "the provider asked whom to ring"})
		decided := stepView{At: rec.Arrived + int64(rec.EvalTime+rec.Waited), Title: "Decision: forward to " + a.eyes.number(rec.Decision.Number).Text, Kind: "good",
			Note: "by " + sourceName(rec.Decision.Source)}
		switch {
		case rec.Decision.Reject:
			decided.Title, decided.Kind = "Decision: reject", "bad"
		case rec.Decision.Source == engine.SourceNone:
			decided.Title, decided.Kind = "No answer", "bad"
		case isFallback(rec.Decision.Source):
			decided.Kind = "warn"
		}
		steps = append(steps, decided)
	}
	for i, done := range d.Completions {
		if i > 0 {
			steps = append(steps, stepView{At: done.Arrived, Title: "A further completion came", Kind: "quiet"})
			continue
		}
		if done.AnsweredAt != 0 {
			steps = append(steps, stepView{At: done.AnsweredAt, Title: "Answered", Kind: "good"})
		}
		if done.EndedAt != 0 {
			steps = append(steps, stepView{At: done.EndedAt, Title: "Ended", Kind: statusClass(done.Status), Note: statusName(done.Status)})
		}
		steps = append(steps, stepView{At: done.Arrived, Title: "Completion came", Kind: "quiet", Note: "and is on disk"})
	}
	for i := 1; i < len(steps); i++ {
		if apart := steps[i].At - steps[i-1].At; steps[i-1].At != 0 && apart > 0 {
			steps[i].Since = "+" + apartText(time.Duration(apart))
		}
	}
	return steps
}

func apartText(d time.Duration) string {
	if d < time.Second {
		return milliseconds(d)
	}
	return secondsText(int64(d / time.Second))
}
