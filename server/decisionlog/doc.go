// Package decisionlog writes recorded decisions as events of OPA's decision log,
// one JSON object a line, so that what reads those reads these.
//
// Fields have OPA's names and meaning: decision_id, labels, bundles, path,
// input, result, error, timestamp, metrics, rule_labels, and masked where
// numbers were masked. result is what the policies answered; what the call was
// answered with, by whom and why, is in custom, with the rest that a decision
// record has and OPA knows no name for.
package decisionlog
