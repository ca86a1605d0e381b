package console

import (
	"encoding/json"
	"strings"
	"time"

	"switchboard/engine"
)

// eyes are how a visitor sees personal data: masked, unless they asked to see
// it a short while ago.
type eyes struct {
	seal *seal
	open time.Time // until when numbers are readable; zero: they are not
}

func (e eyes) revealed() bool { return !e.open.IsZero() }

// shown is a number as a page shows it.
type shown struct {
	Text string
	Ref  string // for links; empty where there is no number
	None bool   // nobody, or withheld
}

// number shows a canonical number.
func (e eyes) number(canonical string) shown {
	if canonical == "" {
		return shown{Text: "none", None: true}
	}
	s := shown{Text: canonical, Ref: e.seal.of(canonical)}
	if !e.revealed() {
		s.Text = engine.Mask(canonical)
	}
	return s
}

// text shows a text that may hold numbers.
func (e eyes) text(s string) string {
	if e.revealed() {
		return s
	}
	return engine.Mask(s)
}

// payload shows a payload's body. A link to a recording stays hidden here even
// from those who see numbers: it has a button of its own.
func (e eyes) payload(body, recording string) string {
	body = strings.ToValidUTF8(body, "\uFFFD")
	if recording != "" {
		for _, spelling := range []string{recording, strings.ReplaceAll(recording, "/", `\/`)} {
			body = strings.ReplaceAll(body, spelling, "[recording link hidden]")
		}
	}
	return e.text(body)
}

// document shows JSON of our own, in which numbers of people are texts: what is
// a JSON number is a time or a count, and stays.
func (e eyes) document(raw json.RawMessage) string {
	var v any
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	if e.revealed() || dec.Decode(&v) != nil {
		return e.text(indented(raw))
	}
	masked, err := json.Marshal(maskTexts(v))
	if err != nil {
		return e.text(string(raw))
	}
	return indented(masked)
}

func maskTexts(v any) any {
	switch v := v.(type) {
	case string:
		return engine.Mask(v)
	case []any:
		for i := range v {
			v[i] = maskTexts(v[i])
		}
		return v
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, value := range v {
			out[engine.Mask(name)] = maskTexts(value)
		}
		return out
	}
	return v
}
