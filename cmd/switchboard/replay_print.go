package main

import (
	"fmt"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"switchboard/engine"
)

// What a person looks at; --json has all of it.
const (
	shownReasons   = 20
	shownReceivers = 15
	shownExamples  = 10
)

func (c *replayCmd) print(std stdio, d *engine.Difference) error {
	zone, err := c.zone()
	if err != nil {
		return err
	}
	out := std.out
	fmt.Fprintf(out, "revision %s, tried on %d of %d calls", d.Revision, d.Compared, d.Calls)
	if d.First != nil {
		fmt.Fprintf(out, " from %s to %s", d.First.In(zone).Format(time.DateTime), d.Last.In(zone).Format(time.DateTime))
	}
	fmt.Fprintln(out)
	if d.LeftOut {
		fmt.Fprintln(out, "older calls of the period are left out; --limit takes more of them")
	}
	if d.Calls == 0 {
		fmt.Fprintln(out, "no calls of this period are recorded; switchboard calls list shows what is")
		return nil
	}
	fmt.Fprintf(out, "%d calls (%.2f%%) would reach somebody else: %d newly fall back, %d newly rejected, %d newly routed, %d to another number\n",
		d.Moved, 100*d.MovedShare, d.ToFallback, d.ToReject, d.ToForward, d.Moved-d.ToFallback-d.ToReject-d.ToForward)
	if d.OtherReason+d.OtherTimeout > 0 {
		fmt.Fprintf(out, "%d reach the same for another reason, %d with another timeout\n", d.OtherReason, d.OtherTimeout)
	}
	for _, why := range slices.Sorted(maps.Keys(d.NotCompared)) {
		fmt.Fprintf(out, "%d not compared: %s\n", d.NotCompared[why], why)
	}
	for _, cause := range slices.Sorted(maps.Keys(d.Recomputed)) {
		fmt.Fprintf(out, "%d were answered by the fallback (%s); they are compared with what the policies of the time say\n", d.Recomputed[cause], cause)
	}
	if d.Slow > 0 {
		fmt.Fprintf(out, "%d evaluations took longer than a live call may\n", d.Slow)
	}
	for _, e := range d.BuiltinErrors {
		fmt.Fprintf(out, "builtin failed in %d calls: %s\n", e.Calls, e.Text)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	printReasons(w, d)
	printReceivers(w, d)
	printExamples(w, d, zone)
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s\n", d.History)
	if d.Note != "" {
		fmt.Fprintln(out, d.Note)
	}
	return nil
}

func printReasons(w *tabwriter.Writer, d *engine.Difference) {
	fmt.Fprintln(w, "\nOLD REASON\tNEW REASON\tCALLS\tMOVED")
	for i, r := range d.Reasons {
		if i == shownReasons {
			fmt.Fprintf(w, "(%d more)\n", len(d.Reasons)-i)
			break
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\n", dash(r.Old), dash(r.New), r.Calls, r.Moved)
	}
}

func printReceivers(w *tabwriter.Writer, d *engine.Difference) {
	if len(d.Receivers) == 0 {
		return
	}
	fmt.Fprintln(w, "\nOLD RECEIVER\tNEW RECEIVER\tCALLS")
	for i, r := range d.Receivers {
		if i == shownReceivers {
			fmt.Fprintf(w, "(%d more)\n", len(d.Receivers)-i)
			break
		}
		fmt.Fprintf(w, "%s\t%s\t%d\n", dash(r.Old), dash(r.New), r.Calls)
	}
}

func printExamples(w *tabwriter.Writer, d *engine.Difference, zone *time.Location) {
	if len(d.Examples) == 0 {
		return
	}
	fmt.Fprintln(w, "\nEXAMPLE\tTIME\tOLD\tNEW\tWHERE THEY PART")
	for i, e := range d.Examples {
		if i == shownExamples {
			break
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", e.CallID, e.At.In(zone).Format(time.DateTime), said(e.Old), said(e.New), differs(e))
	}
}

// said is an outcome in a few words.
func said(o engine.Outcome) string {
	switch o.Kind {
	case engine.OutcomeReject:
		return "reject (" + dash(o.Reason) + ")"
	case engine.OutcomeFallback:
		return "fallback (" + string(o.Cause) + ")"
	}
	return o.Number + " (" + dash(o.Reason) + ")"
}

// differs is the step at which the old policies and the tried ones part.
func differs(e engine.ReplayExample) string {
	old, tried := e.Differs.Old, e.Differs.New
	switch {
	case old != nil && tried != nil && old.Name == tried.Name && old.Answered && tried.Answered:
		return "the same step by other data: " + tried.Text
	case tried != nil && !tried.Answered:
		return "now " + tried.Text
	case old != nil && !old.Answered:
		return "before " + old.Text
	case tried != nil:
		return "now " + tried.Text
	case old != nil:
		return "before " + old.Text
	}
	return "-"
}
