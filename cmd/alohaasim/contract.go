package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// promise names one thing that the server promises.
type promise string

// The promises that a run checks, as they are named in the report.
const (
	noAnswer           promise = "no_answer"
	answerStatus       promise = "answer_status"
	answerContentType  promise = "answer_content_type"
	answerShape        promise = "answer_shape"
	answerNumber       promise = "answer_number"
	answerLoop         promise = "answer_loop"
	answerRejected     promise = "answer_rejected"
	answerSlow         promise = "answer_slow"
	retryDiffers       promise = "retry_differs"
	completionStatus   promise = "completion_status"
	completionType     promise = "completion_content_type"
	completionShape    promise = "completion_shape"
	completionResult   promise = "completion_result"
	duplicateMisjudged promise = "duplicate_misjudged"
)

// fault is one broken promise, in a sentence.
type fault struct {
	promise promise
	detail  string
}

// answer is what the server decided.
type answer struct {
	rejected bool
	number   string // empty where the call was rejected or the reply is broken
}

// readAnswer checks the reply to an initiation, strictly: the provider's parser
// is not known, so nothing but the documented form is safe.
func readAnswer(r reply, c *call) (answer, []fault) {
	if r.status == http.StatusForbidden {
		return answer{rejected: true}, nil
	}
	if r.status != http.StatusOK {
		return answer{}, []fault{{answerStatus, fmt.Sprintf("HTTP %d instead of 200: %s", r.status, excerpt(r.body))}}
	}
	var faults []fault
	if !isJSON(r.contentType) {
		faults = append(faults, fault{answerContentType, fmt.Sprintf("Content-Type %q instead of %s", r.contentType, jsonType)})
	}
	number, err := readForwarding(r.body)
	if err != nil {
		return answer{}, append(faults, fault{answerShape, fmt.Sprintf("%v: %s", err, excerpt(r.body))})
	}
	switch digits := strings.TrimPrefix(number, "+"); {
	case number == "":
		return answer{rejected: true}, faults
	case len(digits) < 3 || len(digits) > 15 || strings.Trim(digits, "0123456789") != "":
		faults = append(faults, fault{answerNumber, "call_forwarding_number is no number: " + excerpt(r.body)})
	case digits == c.did || spell(digits, 0) == spell(c.did, 0):
		faults = append(faults, fault{answerLoop, "the call is forwarded to the DID that was called"})
	case spell(digits, 0) == c.caller:
		faults = append(faults, fault{answerLoop, "the call is forwarded to its own caller"})
	}
	return answer{number: number}, faults
}

// readForwarding reads {"response": {"call_forwarding_number": "...",
// "call_timeout": 0}}, exactly these keys.
func readForwarding(body []byte) (string, error) {
	outer, err := readObject(body, "response")
	if err != nil {
		return "", err
	}
	inner, err := readObject(outer["response"], "call_forwarding_number", "call_timeout")
	if err != nil {
		return "", fmt.Errorf("response: %w", err)
	}
	number, ok := text(inner["call_forwarding_number"])
	if !ok {
		return "", errors.New("call_forwarding_number is not a string")
	}
	timeout, err := strconv.ParseInt(string(inner["call_timeout"]), 10, 64)
	if err != nil || timeout < 0 || timeout > 86400 {
		return "", errors.New("call_timeout is not an integer from 0 to 86400")
	}
	return number, nil
}

// Results of a completion.
const (
	resultStored    = "stored"
	resultDuplicate = "duplicate"
	resultUpdated   = "updated"
)

// readResult checks the reply to a completion. The result is empty where the
// completion was not acknowledged.
func readResult(r reply) (string, []fault) {
	if r.status != http.StatusOK {
		return "", []fault{{completionStatus, fmt.Sprintf("HTTP %d instead of 200: %s", r.status, excerpt(r.body))}}
	}
	var faults []fault
	if !isJSON(r.contentType) {
		faults = append(faults, fault{completionType, fmt.Sprintf("Content-Type %q instead of %s", r.contentType, jsonType)})
	}
	members, err := readObject(r.body, "status")
	if err != nil {
		return "", append(faults, fault{completionShape, fmt.Sprintf("%v: %s", err, excerpt(r.body))})
	}
	result, ok := text(members["status"])
	if !ok || !slices.Contains([]string{resultStored, resultDuplicate, resultUpdated}, result) {
		return "", append(faults, fault{completionShape, "status is none of stored, duplicate, updated: " + excerpt(r.body)})
	}
	return result, faults
}

// readObject reads one JSON object that has exactly the wanted keys, each once,
// and nothing behind it. encoding/json's own decoding would let other cases,
// repetitions and strangers pass.
func readObject(data []byte, want ...string) (map[string]json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	members := make(map[string]json.RawMessage, len(want))
	for dec.More() {
		token, err := dec.Token()
		key, ok := token.(string)
		if err != nil || !ok {
			return nil, errors.New("not valid JSON")
		}
		if _, twice := members[key]; twice || !slices.Contains(want, key) {
			return nil, fmt.Errorf("key %q is one too many, want exactly %s", key, strings.Join(want, ", "))
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, errors.New("not valid JSON")
		}
		members[key] = value
	}
	if _, err := dec.Token(); err != nil {
		return nil, errors.New("not valid JSON")
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("something follows the JSON object")
	}
	for _, key := range want {
		if _, ok := members[key]; !ok {
			return nil, fmt.Errorf("key %q is missing", key)
		}
	}
	return members, nil
}

// text is the string that raw holds; null is no string.
func text(raw json.RawMessage) (string, bool) {
	var s *string
	if json.Unmarshal(raw, &s) != nil || s == nil {
		return "", false
	}
	return *s, true
}

func isJSON(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && media == jsonType
}

// excerpt is the beginning of a body, for a person to read.
func excerpt(body []byte) string {
	const most = 160
	line := strings.Join(strings.Fields(strings.ToValidUTF8(string(body), "?")), " ")
	if line == "" {
		return "(empty)"
	}
	if len(line) > most {
		line = strings.ToValidUTF8(line[:most], "") + "…"
	}
	return line
}
