package policy

import (
	"fmt"
	"math"
	"strconv"

	"github.com/open-policy-agent/opa/v1/ast"

	"switchboard/engine"
)

var (
	keyReject, keyNumber = key("reject"), key("call_forwarding_number")
	keyTimeout, keyTags  = key("call_timeout"), key("tags")
	keySkipped, keyWhy   = key("skipped"), key("why")
	keySkippedNumber     = key("number")
)

// answerOf reads data.routing.decision. It fails with *engine.InvalidError,
// whose sentence names the field at fault. Fields it does not know are left
// alone, so that a policy may say more than this version understands; whether
// a number can be called is for the engine to judge.
func answerOf(v ast.Value) (engine.Answer, error) {
	var a engine.Answer
	obj, ok := v.(ast.Object)
	if !ok {
		return a, invalid("%s must be an object such as {\"call_forwarding_number\": \"9876543210\"}, but it is %s",
			entryPoint, kindOf(v))
	}
	d := fields{obj: obj}
	a.Reject = d.boolean(keyReject)
	a.Reason = d.text(keyReason)
	a.Timeout = d.timeout()
	a.Number = d.text(keyNumber)
	a.Tags = d.tags()
	a.Skipped = d.skipped()
	if d.err == nil && !a.Reject && a.Number == "" {
		d.err = invalid("%s has no call_forwarding_number; give one as a string, or answer {\"reject\": true}", entryPoint)
	}
	if d.err != nil {
		return engine.Answer{}, d.err
	}
	return a, nil
}

// fields reads the fields of one object and keeps the first thing wrong.
type fields struct {
	obj ast.Object
	err error
}

func (d *fields) get(name *ast.Term) ast.Value {
	if d.err != nil {
		return nil
	}
	if t := d.obj.Get(name); t != nil {
		return t.Value
	}
	return nil
}

func (d *fields) fail(name *ast.Term, want string, v ast.Value) {
	d.err = invalid("%s must be %s, but it is %s", string(name.Value.(ast.String)), want, kindOf(v))
}

func (d *fields) boolean(name *ast.Term) bool {
	switch v := d.get(name).(type) {
	case nil:
	case ast.Boolean:
		return bool(v)
	default:
		d.fail(name, "true or false", v)
	}
	return false
}

func (d *fields) text(name *ast.Term) string {
	switch v := d.get(name).(type) {
	case nil:
	case ast.String:
		return string(v)
	default:
		d.fail(name, "a string", v)
	}
	return ""
}

func (d *fields) timeout() int64 {
	switch v := d.get(keyTimeout).(type) {
	case nil:
		return 0
	case ast.Number:
		// JSON knows one kind of number: 12.0 is the integer 12.
		f, err := strconv.ParseFloat(string(v), 64)
		if err == nil && f == math.Trunc(f) && f >= 0 && f <= engine.MaxTimeout {
			return int64(f)
		}
		d.err = invalid("call_timeout must be an integer from 0 to %d seconds, but it is %s", engine.MaxTimeout, brief(string(v)))
	default:
		d.fail(keyTimeout, fmt.Sprintf("an integer from 0 to %d seconds", engine.MaxTimeout), v)
	}
	return 0
}

func (d *fields) tags() map[string]string {
	v := d.get(keyTags)
	if v == nil {
		return nil
	}
	obj, ok := v.(ast.Object)
	if !ok {
		d.fail(keyTags, "an object of strings", v)
		return nil
	}
	tags := make(map[string]string, obj.Len())
	obj.Until(func(k, v *ast.Term) bool {
		name, isText := k.Value.(ast.String)
		if !isText {
			d.err = invalid("tags must be an object of strings, but one of its keys is %s", kindOf(k.Value))
			return true
		}
		text, isText := v.Value.(ast.String)
		if !isText {
			d.err = invalid("tags must be an object of strings, but tags[%q] is %s", brief(string(name)), kindOf(v.Value))
			return true
		}
		tags[string(name)] = string(text)
		return false
	})
	return tags
}

func (d *fields) skipped() []engine.Skipped {
	v := d.get(keySkipped)
	if v == nil {
		return nil
	}
	const want = `an array of objects {"number": string, "why": string}`
	var skipped []engine.Skipped
	one := func(t *ast.Term) {
		obj, ok := t.Value.(ast.Object)
		if !ok {
			d.err = invalid("skipped must be %s, but one of them is %s", want, kindOf(t.Value))
			return
		}
		item := fields{obj: obj}
		s := engine.Skipped{Number: item.text(keySkippedNumber), Why: item.text(keyWhy)}
		switch {
		case item.err != nil:
			d.err = invalid("skipped: %s", item.err)
		case s.Number == "":
			d.err = invalid("skipped must be %s, but one of them has no number", want)
		}
		skipped = append(skipped, s)
	}
	switch v := v.(type) {
	case *ast.Array:
		for i := 0; i < v.Len() && d.err == nil; i++ {
			one(v.Elem(i))
		}
	case ast.Set:
		// What a partial rule gathers is a set; JSON shows it as an array.
		for _, t := range v.Slice() {
			if d.err == nil {
				one(t)
			}
		}
	default:
		d.fail(keySkipped, want, v)
	}
	return skipped
}

func invalid(format string, args ...any) error {
	return &engine.InvalidError{Why: fmt.Sprintf(format, args...)}
}

// kindOf names the kind of a value with its article.
func kindOf(v ast.Value) string {
	switch v.(type) {
	case ast.Null:
		return "null"
	case ast.Boolean:
		return "a boolean"
	case ast.Number:
		return "a number"
	case ast.String:
		return "a string"
	case *ast.Array:
		return "an array"
	case ast.Object:
		return "an object"
	case ast.Set:
		return "a set"
	}
	return "a " + ast.ValueName(v)
}

// brief keeps what a policy made up from filling a log line.
func brief(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}
