package relay

import (
	"math/rand/v2"
	"time"
)

// Pauses between attempts: the first, and the longest.
const (
	firstPause = time.Second
	maxPause   = time.Hour
	// maxProbe is the longest pause of a target that fails altogether: it should
	// be found soon that it is back.
	maxProbe = time.Minute
	// maxRetryAfter bounds what a target may ask for.
	maxRetryAfter = 24 * time.Hour
	// tripAfter is how many attempts in a row must fail before the target is
	// taken to fail altogether.
	tripAfter = 5
	// giveUpAfter is how often a message is tried at least before its time counts:
	// while its target fails altogether it has few turns.
	giveUpAfter = 8
)

// pause is the time after attempt number n, from 1 on: doubling up to longest,
// of which the later half is left to chance, so that what failed together does
// not come again together.
func pause(n int, longest time.Duration) time.Duration {
	d := longest
	if n < 32 {
		d = min(firstPause<<(n-1), longest)
	}
	return d/2 + rand.N(d/2+1)
}
