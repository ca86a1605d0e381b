package main

import (
	"math/rand/v2"
	"strconv"
	"strings"
)

// callerSpan is the size of the block that made-up callers come from: ten
// digits, the first of them 6 to 9, as Indian mobiles have.
const callerSpan = 4_000_000_000

// callerBook makes up distinct callers without remembering them: position i is
// the number (step*i + start) modulo the block, and step shares no divisor with
// the block's size.
type callerBook struct{ step, start uint64 }

func newCallerBook(seed uint64) callerBook {
	r := rand.New(rand.NewPCG(seed, 0x63616c6c657273))
	return callerBook{
		step:  r.Uint64N(callerSpan/10)*10 + []uint64{1, 3, 7, 9}[r.IntN(4)],
		start: r.Uint64N(callerSpan),
	}
}

// number is the caller at a position below callerSpan.
func (b callerBook) number(i int) string {
	return strconv.FormatUint(6_000_000_000+(b.step*uint64(i)+b.start)%callerSpan, 10)
}

// spellings write an Indian number, given by its ten national digits, in every
// way met in the wild.
var spellings = []func(national string) string{
	func(n string) string { return n },
	func(n string) string { return "91" + n },
	func(n string) string { return "+91" + n },
	func(n string) string { return "0" + n },
	func(n string) string { return "091" + n },
	func(n string) string { return "0091" + n },
	func(n string) string { return "+91 " + n[:5] + " " + n[5:] },
	func(n string) string { return "+91-" + n[:5] + "-" + n[5:] },
}

// asDocumented leaves a number as it stands in the documentation's samples.
const asDocumented = -1

// spell writes a person's number or a DID in the given spelling. What is no
// Indian number stays as it is: other countries have other habits.
func spell(number string, spelling int) string {
	national := number
	if len(number) == 12 {
		national = strings.TrimPrefix(number, "91")
	}
	if spelling == asDocumented || len(national) != 10 || strings.Trim(national, "0123456789") != "" {
		return number
	}
	return spellings[spelling](national)
}

// providerMask hides a number the way the provider's samples do.
func providerMask(number string, upper bool) string {
	keep, fill := 5, "x"
	if upper {
		keep, fill = 6, "X"
	}
	if len(number) <= keep {
		return number
	}
	return number[:keep] + strings.Repeat(fill, len(number)-keep)
}
