// Package pile keeps what changed of trees that are as large as the history until
// it comes to its place in them.
//
// What changes lies all over such a tree: a change that went there at once would
// cost a page of its own. So it is written to a pile first, behind what was written
// before, and is settled, that is brought to its place, together with some hundred
// thousand others in the order of the tree: a page that is touched is touched for
// many changes. [Set.Find] says whether the newest value of a key is in a pile, in
// its tree, or in neither. Where the place in a tree is, is the user's affair
// ([Options].Place).
//
// A [Lane] has two piles at most: the one that is written to, and the one before
// it, of which each [Round] settles a part, so that it is gone when the next is
// full. Memory holds a hash and a spot in the file of each key in them. Each chunk
// of a pile has a directory beside it, so that opening, which calls wait for, reads
// no values: what is wrong with those is found when they are read or settled
// ([ErrFormat]).
//
// A set knows which keys the trees have, by a filter that it keeps with each pile
// that is settled, so that most keys that are new are not looked for on the disk.
//
// One goroutine, the writer, calls what changes a set; [Set.Find] and [Found.Value]
// may be called beside it.
package pile
