// Package access says who may come in: secrets that are compared in constant
// time, tokens with names, the files that hold them, and how often an
// address may try in vain.
//
// Secrets are kept as hashes; nothing here can tell one, and no error quotes
// one. The package knows nothing of HTTP.
package access
