package policy

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"path"

	"switchboard/engine/policy/datafile"
	"switchboard/engine/policy/lint"
)

// largeListing is from how many bytes on a directory's entries are told apart:
// below, it costs less to look at everything.
const largeListing = 1 << 20

// listing is a large YAML file of the directory, with its DIDs as entries.
type listing struct {
	file string
	*datafile.Cut
	lines []int // on which the entries begin, and the tail
}

// listingOf finds the file that lists the DIDs, where it is one that is large and
// plainly written, and the only one.
func listingOf(files *datafile.Files, data map[string]any, opts Options) *listing {
	for _, f := range files.List {
		if !listable(f.Name) || f.Size() < cmp.Or(opts.listed, largeListing) {
			continue
		}
		if cut, keys := f.Cut(lint.DIDsPath[1]); cut != nil && len(keys) == len(didsIn(data)) {
			return newListing(f.Name, cut)
		}
	}
	return nil
}

func newListing(file string, cut *datafile.Cut) *listing {
	return &listing{file: file, Cut: cut, lines: cut.Lines()}
}

// listable reports whether a file may hold data.directory.dids below its key
// "dids".
func listable(name string) bool {
	ext := path.Ext(name)
	return path.Dir(name) == lint.DIDsPath[0] && (ext == ".yaml" || ext == ".yml")
}

// didsIn is data.directory.dids, nil where there is no such object.
func didsIn(data map[string]any) map[string]any {
	folder, _ := data[lint.DIDsPath[0]].(map[string]any)
	dids, _ := folder[lint.DIDsPath[1]].(map[string]any)
	return dids
}

// edit is what became of a listing.
type edit struct {
	was, is *listing
	gone    []int  // entries of was that stand in is no more
	look    []int  // entries of is to look at, in order
	fresh   []bool // of each of look: it does not stand in was
}

// editOf compares two listings. again says which entries of the old one are to
// be looked at once more.
func editOf(was, is *listing, again func(i int) bool) edit {
	e := edit{was: was, is: is}
	kept := make([]bool, len(was.Entries))
	look := func(i, old int) {
		if old >= 0 {
			kept[old] = true
		}
		if old < 0 || again(old) {
			e.look, e.fresh = append(e.look, i), append(e.fresh, old < 0)
		}
	}
	// Most of it stands where it stood, seen from the one end or from the other.
	first, last := 0, 0
	for shorter := min(len(was.Entries), len(is.Entries)); first < shorter && bytes.Equal(was.Entries[first], is.Entries[first]); first++ {
		look(first, first)
	}
	for shorter := min(len(was.Entries), len(is.Entries)) - first; last < shorter &&
		bytes.Equal(was.Entries[len(was.Entries)-1-last], is.Entries[len(is.Entries)-1-last]); last++ {
	}
	seed, byHash := maphash.MakeSeed(), map[uint64]int{}
	for i := first; i < len(was.Entries)-last; i++ {
		byHash[maphash.Bytes(seed, was.Entries[i])] = i
	}
	for i := first; i < len(is.Entries)-last; i++ {
		old, ok := byHash[maphash.Bytes(seed, is.Entries[i])]
		if !ok || kept[old] || !bytes.Equal(was.Entries[old], is.Entries[i]) {
			old = -1
		}
		look(i, old)
	}
	for i := last; i > 0; i-- {
		look(len(is.Entries)-i, len(was.Entries)-i)
	}
	if len(e.look) == 0 {
		e.look, e.fresh = []int{0}, []bool{false} // an empty mapping is written otherwise
	}
	for i, k := range kept {
		if !k {
			e.gone = append(e.gone, i)
		}
	}
	return e
}
