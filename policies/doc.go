// Package policies is the starter policy set: the Rego files, the directory of
// DIDs and the schemas that an operator copies with `switchboard policies init`
// and then edits. The package only embeds them; evaluating is the work of
// engine/policy.
//
// One promise: what is embedded is a complete set. `opa test` passes on it as
// it stands, and it answers for the sample DID of Alohaa's documentation,
// 918645658689, at any time of any day. It answers for no other DID, so that
// the built-in set never decides about somebody's real number.
//
// The agents in it are made up: nobody should forward calls to them.
package policies
