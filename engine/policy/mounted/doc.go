// Package mounted knows the documents that the server hangs into the data of a
// policy set: their names, the keys they are read by, and what lies below them.
package mounted
