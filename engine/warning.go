package engine

// Warning is something that somebody should look at.
type Warning struct {
	// Code says which it is, in [a-z0-9_]. It stays the same while the warning
	// lasts, whatever becomes of the figures in its message.
	Code string `json:"code"`
	// About tells several of one code apart: a listener, a target. Else empty.
	About   string `json:"about,omitempty"`
	Message string `json:"message"` // what is the matter, in sentences
	Hint    string `json:"hint"`    // what to do about it, in sentences
}

// String is the warning for a person: the message and what to do.
func (w Warning) String() string {
	if w.Hint == "" {
		return w.Message
	}
	return w.Message + " " + w.Hint
}

// Same reports whether both are one warning, perhaps at two moments.
func (w Warning) Same(v Warning) bool { return w.Code == v.Code && w.About == v.About }

// WarningTexts are the warnings for a person, one a line; not nil.
func WarningTexts(warnings []Warning) []string {
	texts := make([]string, 0, len(warnings))
	for _, w := range warnings {
		texts = append(texts, w.String())
	}
	return texts
}
