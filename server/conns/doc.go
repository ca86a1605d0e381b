// Package conns bounds a listener's connections without letting idle ones keep
// callers out: when all places are taken, the connection that has been silent
// for longest goes, first of those that never said a word. Only where every
// connection is at work does a new one wait.
//
// A bound that merely stops accepting (as x/net/netutil's) would let a few
// thousand silent connections stand between a caller and the answer.
package conns
