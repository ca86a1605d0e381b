package pieces

import "switchboard/engine/failpoint"

// knife says how texts are cut.
type knife struct {
	least, most int  // bytes of a piece, but for a text's last one
	bits        uint // behind so many bytes past the least there is a cut, on the average: 1<<bits
}

// Lists are cut finer than files: most of a list are names, which don't shrink,
// and every set that is not the same as another writes the parts that differ.
var (
	ofFiles = knife{failpoint.Bound(8<<10, 128), failpoint.Bound(128<<10, 1<<10), uint(failpoint.Bound(15, 8))}
	ofLists = knife{failpoint.Bound(1<<10, 128), failpoint.Bound(8<<10, 1<<10), uint(failpoint.Bound(11, 8))}
)

// window is how many bytes decide whether there is a cut behind them.
const window = 64

// gear gives each byte a number of its own. Another table would cut elsewhere: all
// that is kept could be read, and none of it would be met again.
var gear = func() (out [256]uint64) {
	for i := range out {
		z := uint64(i+1) * 0x9e3779b97f4a7c15 // splitmix64
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		out[i] = z ^ z>>31
	}
	return out
}()

// cut divides a text where the bytes before a place say so. What is the same in
// another text is cut at the same places, from the first cut on.
func (k knife) cut(text []byte) (out [][]byte) {
	for len(text) > k.least {
		n := k.first(text)
		out, text = append(out, text[:n:n]), text[n:]
	}
	if len(text) > 0 {
		out = append(out, text)
	}
	return out
}

func (k knife) first(text []byte) int {
	end := min(len(text), k.most)
	var h uint64 // the last 64 bytes: older ones are shifted out
	for i := k.least - window; i < end; i++ {
		h = h<<1 + gear[text[i]]
		if i >= k.least && h>>(64-k.bits) == 0 {
			return i + 1
		}
	}
	return end
}
