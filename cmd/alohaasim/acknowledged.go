package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
)

// acknowledgement is one line of the --acknowledged file. It holds no person's
// number.
type acknowledgement struct {
	CallID string `json:"call_id"`
	DID    string `json:"did"`
	Kind   string `json:"kind"`   // initiation or completion
	Status string `json:"status"` // forward, rejected; stored, duplicate, updated
}

// ackLog appends acknowledgements to a file, one write a line and nothing
// buffered: what the server promised stands there when either side is killed.
// Its nil value takes lines and keeps none.
type ackLog struct {
	mu     sync.Mutex
	file   *os.File
	failed error
}

func openAckLog(path string) (*ackLog, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("--acknowledged cannot be written; name a file in a folder that exists: %w", err)
	}
	return &ackLog{file: file}, nil
}

// add writes one line. It reports false once a write has failed: a list with
// holes proves nothing, so the run had better end.
func (l *ackLog) add(a acknowledgement) bool {
	if l == nil {
		return true
	}
	line, err := json.Marshal(a)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil && l.failed == nil {
		_, err = l.file.Write(append(line, '\n'))
	}
	if err != nil && l.failed == nil {
		l.failed = fmt.Errorf("--acknowledged could not be written to its end: %w", err)
	}
	return l.failed == nil
}

// close returns the first failure of a write or of the closing.
func (l *ackLog) close() error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.file.Close(); err != nil && l.failed == nil {
		l.failed = err
	}
	return l.failed
}
