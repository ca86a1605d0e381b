package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

const formType = "application/x-www-form-urlencoded"

// message is one webhook request, ready to be sent any number of times with the
// same bytes.
type message struct {
	method      string
	contentType string // empty sends none
	query       url.Values
	body        []byte
}

// field is one member of a payload. Value is a string, a json.Number, nil or a
// map of strings.
type field struct {
	name  string
	value any
}

// encode writes fields in their order, in the style's encoding. A completion
// has no documented GET, so only initiations may be queries.
func encode(fields []field, s style, queryAllowed bool) message {
	switch {
	case s.encoding == asQuery && queryAllowed:
		return message{method: http.MethodGet, query: values(fields)}
	case s.encoding == asForm:
		return message{method: http.MethodPost, contentType: formType, body: []byte(values(fields).Encode())}
	}
	m := message{method: http.MethodPost, contentType: s.contentType}
	if s.encoding == asSample {
		m.body = sample(fields)
	} else {
		m.body = object(fields)
	}
	return m
}

func object(fields []field) []byte {
	var b bytes.Buffer
	for i, f := range fields {
		b.WriteString([]string{"{", ", "}[min(i, 1)])
		member(&b, f)
	}
	b.WriteString("}")
	return b.Bytes()
}

// sample writes the object as the documentation prints it, which is not quite
// JSON.
func sample(fields []field) []byte {
	var b bytes.Buffer
	b.WriteString("{\n")
	for _, f := range fields {
		b.WriteString("    ")
		member(&b, f)
		b.WriteString(",")
		if f.name == "call_status" || f.name == "did" {
			b.WriteString(` // or "notanswered", /* or none */`)
		}
		b.WriteString("\n")
	}
	b.WriteString("}\n")
	return b.Bytes()
}

func member(b *bytes.Buffer, f field) {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false) // the provider's URLs hold plain ampersands
	_ = enc.Encode(f.name)   // into memory, of strings and maps of strings: cannot fail
	b.Truncate(b.Len() - 1)  // the encoder's newline
	b.WriteString(": ")
	_ = enc.Encode(f.value)
	b.Truncate(b.Len() - 1)
}

func values(fields []field) url.Values {
	v := make(url.Values, len(fields))
	for _, f := range fields {
		switch x := f.value.(type) {
		case nil:
			v.Set(f.name, "")
		case string:
			v.Set(f.name, x)
		case json.Number:
			v.Set(f.name, x.String())
		default:
			text, _ := json.Marshal(x)
			v.Set(f.name, string(text))
		}
	}
	return v
}

// phone is a number's value in a payload: text, or a JSON number where that
// keeps every digit.
func phone(text string, numeric bool) any {
	if numeric && text != "" && strings.Trim(text, "0123456789") == "" && text[0] != '0' {
		return json.Number(text)
	}
	return text
}
