// Package erase finds a person's number in what was kept and takes it out.
//
// A number is found in any spelling: with country code or trunk prefix, broken by
// whatever may stand between digits where numbers are read ([engine.Separates]),
// as it is or as a URL, a form or JSON escapes it. Where a value
// is a number and nothing else it must be the very same line, so that nobody else
// is erased by mistake; in running text any occurrence of the digits counts,
// because leaving one in is worse than taking out one too many.
//
// What is taken out leaves [engine.Erased] behind: a caller or receiver of that
// name is no number, has no profile, and strangers don't merge in it.
package erase
