// Package certs serves a TLS certificate from two files and takes up new ones
// when they are renewed, without a restart and without a gap: files that do not
// fit together, as in the midst of a renewal, leave the certificate in force.
package certs
