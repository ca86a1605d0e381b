package backfill

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"switchboard/engine"
)

// reported is a line of our own export as the provider would have reported the
// call; any other line stays as it is. Without it the export's names would be
// taken for fields that nobody knows, and every call for one without an outcome.
// The error says of a call that no report of it has come.
func reported(line []byte) ([]byte, error) {
	if !bytes.Contains(line, []byte(`"status"`)) {
		return line, nil
	}
	var call map[string]json.RawMessage
	if json.Unmarshal(line, &call) != nil || !exported(func(name string) bool { _, has := call[name]; return has }) {
		return line, nil
	}
	var status engine.Status
	if json.Unmarshal(call["status"], &status) != nil {
		return line, nil
	}
	switch status {
	case engine.StatusAnswered, engine.StatusNotAnswered, engine.StatusOther:
	case engine.StatusInFlight, engine.StatusExpired, engine.StatusRejected:
		return nil, fmt.Errorf("the export says %q of this call: no report of it has come, and only reports are imported", status)
	default:
		return line, nil
	}
	call["call_status"], call["call_duration"] = call["status"], call["duration_seconds"]
	if at := call["received_at"]; at == nil || string(at) == "null" {
		call["received_at"] = call["routed_at"] // dates the call, as it did where it was exported
	}
	for _, name := range []string{"at", "routed_at", "status", "duration_seconds", "reason", "source"} {
		delete(call, name)
	}
	for name, value := range call {
		if value == nil {
			delete(call, name)
		}
	}
	return json.Marshal(call)
}

// exported reports whether names are an export's, CSV or JSON, and not the
// provider's. An empty cell has no name here, so that one of two moments is
// enough.
func exported(has func(name string) bool) bool {
	return has("status") && (has("routed_at") || has("at")) && !has("call_status")
}

// exportedColumns is exported for a line of names.
func exportedColumns(names []string) bool {
	return exported(func(name string) bool { return slices.Contains(names, name) })
}
