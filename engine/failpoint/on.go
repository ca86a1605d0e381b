//go:build failpoints

package failpoint

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
)

var (
	file = os.Getenv("FAILPOINTS")
	mu   sync.Mutex
	line string // as the file had it at the last visit
	left int    // visits to let by
)

// armed reports what the file asks for at a point: "fail", "kill", or nothing.
func armed(p Point) string {
	if file == "" {
		return ""
	}
	mu.Lock()
	defer mu.Unlock()
	text, _ := os.ReadFile(file) // no file arms nothing
	var name, action string
	var skip int
	if n, _ := fmt.Sscan(string(text), &name, &action, &skip); n < 2 || name != p.String() {
		return ""
	}
	if now := strings.TrimSpace(string(text)); now != line {
		line, left = now, skip
	}
	if left > 0 {
		left--
		return ""
	}
	hit, err := os.OpenFile(file+".hit", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = fmt.Fprintln(hit, name, action)
	}
	if err != nil {
		panic(err) // a test that would not know what happened is worth nothing
	}
	_ = hit.Close()
	return action
}

// Here is a step that can fail, or be the last.
func Here(p Point) error {
	switch armed(p) {
	case "fail":
		return fmt.Errorf("failpoint %s: %w", p, syscall.ENOSPC)
	case "kill":
		die()
	}
	return nil
}

// Before is Here, and then next unless it fails.
func Before(p Point, next func() error) error {
	if err := Here(p); err != nil {
		return err
	}
	return next()
}

// Pass is a step that can be the last, and can't fail.
func Pass(p Point) {
	if armed(p) == "kill" {
		die()
	}
}

// die ends the process as kill -9 does, at this very step.
func die() {
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Kill()
	}
	select {}
}

// Bound is a bound as it is, usual, or so small that a test comes by what lies
// behind it.
func Bound(usual, small int) int { return small }
