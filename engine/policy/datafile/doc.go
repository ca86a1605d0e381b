// Package datafile reads the data files of a policy set with the place of every
// key and value, which OPA's loader does not keep: the reports need them.
package datafile
