// Package export writes calls as lines: CSV for spreadsheets, newline-delimited
// JSON for programs. The lines carry people's numbers in full.
//
// In CSV no cell can become a formula: a text that a spreadsheet would take for
// one gets an apostrophe in front. A number with its plus is left as it is, for it
// comes to nothing but itself.
package export
