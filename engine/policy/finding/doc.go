// Package finding collects what is wrong with a policy set: where it stands,
// which step found it, and what mends it.
package finding
