// Package lint finds what compiles, or loads, and routes wrong all the same: a
// number that YAML read as another one, a spelling that no call is equal to, a
// field of the history that does not exist, a read of a whole collection.
//
// It judges files and compiled modules, and decides nothing: what it calls an
// error keeps a set from going live, what it calls a warning does not.
package lint
