package erase

import (
	"bytes"
	"encoding/json"
	"reflect"

	"switchboard/engine"
)

// Value takes the number out of all that a pointer leads to: texts, bytes, JSON,
// numbers, the keys and values of maps. It reports how often it found it. What v
// leads to is changed in place and must be the caller's alone.
func (p *Person) Value(v any) int {
	w := walk{p: p}
	w.value(reflect.ValueOf(v))
	return w.n
}

type walk struct {
	p *Person
	n int
}

var (
	numberType = reflect.TypeFor[engine.Number]()
	rawType    = reflect.TypeFor[json.RawMessage]()
)

func (w *walk) value(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			w.value(v.Elem())
		}
	case reflect.Interface:
		if !v.IsNil() && v.CanSet() {
			v.Set(reflect.ValueOf(w.any(v.Interface())))
		}
	case reflect.Struct:
		if v.Type() == numberType {
			w.number(v.Addr().Interface().(*engine.Number))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				w.value(v.Field(i))
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			w.bytes(v)
			return
		}
		for i := range v.Len() {
			w.value(v.Index(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			w.value(v.Index(i))
		}
	case reflect.Map:
		w.mapping(v)
	case reflect.String:
		if out, n := w.p.Text([]byte(v.String())); n > 0 {
			w.n += n
			v.SetString(string(out))
		}
	}
}

// number erases the person, and what is no number but contains it. Other people
// are left alone, whatever digits theirs are.
func (w *walk) number(n *engine.Number) {
	switch {
	case w.p.Is(*n):
		*n = engine.Number{Canonical: engine.Erased, Raw: engine.Erased}
		w.n++
	case !n.Valid && (w.p.In([]byte(n.Raw)) || w.p.In([]byte(n.Canonical))):
		*n = engine.Number{Canonical: engine.Erased, Raw: engine.Erased}
		w.n++
	}
}

func (w *walk) bytes(v reflect.Value) {
	text := v.Bytes()
	if !w.p.In(text) {
		return
	}
	if v.Type() == rawType {
		if out, n := w.p.JSON(text); n > 0 {
			w.n += n
			v.SetBytes(out)
		}
		return
	}
	if out, n := w.p.Text(text); n > 0 {
		w.n += n
		v.SetBytes(out)
	}
}

func (w *walk) mapping(v reflect.Value) {
	for _, key := range v.MapKeys() {
		value := reflect.New(v.Type().Elem()).Elem()
		value.Set(v.MapIndex(key))
		before := w.n
		w.value(value)
		to := reflect.New(key.Type()).Elem()
		to.Set(key)
		w.value(to)
		if w.n == before {
			continue
		}
		v.SetMapIndex(key, reflect.Value{})
		v.SetMapIndex(to, value)
	}
}

// any erases in decoded JSON, and in whatever else an interface holds.
func (w *walk) any(v any) any {
	switch v := v.(type) {
	case json.Number:
		if w.p.IsText(v.String()) {
			w.n++
			return engine.Erased
		}
		return v
	case float64, bool, nil:
		return v
	}
	out := reflect.New(reflect.TypeOf(v)).Elem()
	out.Set(reflect.ValueOf(v))
	w.value(out)
	return out.Interface()
}

// JSON takes the number out of a JSON text, which stays one, and reports how
// often it was there. A text that is none is dealt with as such.
func (p *Person) JSON(text []byte) ([]byte, int) {
	if !p.In(text) {
		return text, 0
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return p.Text(text)
	}
	w := walk{p: p}
	v = w.any(v)
	if w.n == 0 {
		return text, 0
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil {
		return p.Text(text)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), w.n
}
