// Package filter answers for keys that were never seen without a look at the disk:
// "no" is certain, "yes" is wrong now and then.
//
// Filters are kept on disk, so the hashes of keys and the places of their bits are
// part of the format of whoever keeps one.
package filter
