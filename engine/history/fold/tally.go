package fold

import (
	"cmp"
	"slices"
	"time"

	"switchboard/engine"
)

// tally counts calls by what their records say. What is not accounted for is in
// flight or expired; only a moment tells which.
type tally struct {
	offered, answered, unanswered, other, talk int64
}

func (t *tally) add(c *engine.Call, sign int64) {
	t.offered += sign
	switch c.Status {
	case engine.StatusAnswered:
		t.answered += sign
		t.talk += sign * max(c.Duration, 0)
	case engine.StatusNotAnswered:
		t.unanswered += sign
	case engine.StatusOther:
		t.other += sign
	}
}

// at gives the totals, live of the calls being in flight.
func (t *tally) at(live int64) engine.Totals {
	return engine.Totals{
		Offered: t.offered, Answered: t.answered, Unanswered: t.unanswered, Other: t.other,
		Expired:     t.offered - t.answered - t.unanswered - t.other - live,
		TalkSeconds: t.talk,
	}
}

// day is the tally of one local date, a number of days since 1970.
type day struct {
	num  int32
	date string
	tally
}

// calendar changes a profile's days, which must be its own.
type calendar struct {
	zone *time.Location
	days []day // newest first
}

// date is the local date of a moment in Unix nanoseconds.
func (c *calendar) date(ns int64) int32 {
	sec, offset := floorDiv(ns, int64(time.Second)), 0
	if c.zone != nil {
		_, offset = time.Unix(sec, 0).In(c.zone).Zone()
	}
	return int32(floorDiv(sec+int64(offset), 24*60*60))
}

func (c *calendar) add(num int32, call *engine.Call, sign int64) {
	i, found := slices.BinarySearchFunc(c.days, num, func(d day, num int32) int { return cmp.Compare(num, d.num) })
	if !found {
		if sign < 0 || len(c.days) > 0 && num <= c.days[0].num-keepDays {
			return
		}
		c.days = slices.Insert(c.days, i, day{num: num, date: string(appendDate(nil, num))})
	}
	c.days[i].add(call, sign)
}

// tidy drops days that are empty or too old.
func (c *calendar) tidy() []day {
	days := slices.DeleteFunc(c.days, func(d day) bool { return d.offered <= 0 })
	for len(days) > 0 && days[len(days)-1].num <= days[0].num-keepDays {
		days = days[:len(days)-1]
	}
	return days
}

// appendDate spells a day as in "2025-11-22". A profile has up to 33 of them to
// spell whenever it is read, which is too often for time.Format.
func appendDate(dst []byte, num int32) []byte {
	y, m, d := time.Unix(int64(num)*24*60*60, 0).UTC().Date()
	return append(dst, digit(y/1000), digit(y/100), digit(y/10), digit(y), '-',
		digit(int(m)/10), digit(int(m)), '-', digit(d/10), digit(d))
}

func digit(n int) byte { return '0' + byte(n%10) }
