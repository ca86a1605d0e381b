package engine

// Number is a person's number or a DID. Every spelling of one number has the
// same Canonical form, the one a policy compares:
//
//   - a person of the home region: the national number ("9988912345"),
//   - a person from elsewhere: E.164 with its plus ("+14155552671"),
//   - a DID: country code and national number, never a plus ("918645658689").
//
// A value that is no number (masked, withheld, garbage) keeps its trimmed,
// lower-cased text as Canonical and is not Valid.
type Number struct {
	Canonical string `json:"canonical"`
	Raw       string `json:"raw"`
	E164      string `json:"e164,omitempty"`      // "+919988912345"; empty when not Valid
	Country   string `json:"country,omitempty"`   // ISO 3166 region, "IN"; empty when unknown
	Valid     bool   `json:"valid,omitempty"`     // possible by its length
	Anonymous bool   `json:"anonymous,omitempty"` // withheld: empty, "anonymous", "unknown", ...
}
