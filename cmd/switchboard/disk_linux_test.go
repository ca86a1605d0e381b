package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// smallDisk mounts a file system of its own in memory; the test is skipped where
// that is not allowed.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("no file system can be mounted here (%v); run as root to test a full disk", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmounting: %v", err)
		}
	})
	return dir
}

// fill writes a file until the disk is full.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for size := 1 << 20; size > 0; size /= 2 {
		block := make([]byte, size)
		for err = nil; err == nil; {
			_, err = f.Write(block)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// reported sends a completion and returns the status.
func (p *process) reported(t *testing.T, id string) (int, string) {
	t.Helper()
	resp, err := http.Post(p.public+"/alohaa/send-call-details", "application/json", strings.NewReader(fmt.Sprintf(
		`{"caller_number": "9988912345", "receiver_number": "9876543210", "did_number": "918645658689", "call_id": %q, "call_status": "answered", "call_duration": 5}`, id)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// mustHaveNoRoomForABackup fails the test unless a backup is refused with what to do.
func (p *process) mustHaveNoRoomForABackup(t *testing.T) {
	t.Helper()
	resp, err := http.Get(p.private + "/api/v1/backup")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusInsufficientStorage || !strings.Contains(string(body), "Make room or let it be written") {
		t.Errorf("a backup: %d %s %v", resp.StatusCode, body, err)
	}
}

// answer sends an initiation, a retry most likely, and returns what it is answered.
func (p *process) answer(t *testing.T, id string) string {
	t.Helper()
	resp, err := http.Post(p.public+"/alohaa/get-receiver-details", "application/json", strings.NewReader(fmt.Sprintf(
		`{"caller_number": "9988912345", "did": "918645658689", "call_id": %q}`, id)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s %v", id, resp.StatusCode, body, err)
	}
	return string(body)
}

// A disk that fills up while calls come in: each gets its number in time, status
// says what to do, what was acknowledged is there afterwards, and the server
// recovers by itself.
func TestTheDiskFillsUp(t *testing.T) {
	dir := smallDisk(t, "96m") // files grow ahead of what they hold
	s := startProcess(t, dir)
	client := &http.Client{Timeout: 5 * time.Second}
	acknowledged := map[string]bool{} // whether the completion was, too
	calls := 0
	call := func() string {
		calls++
		id := fmt.Sprint("call-", calls)
		began := time.Now()
		s.mustBeCalled(t, client, id)
		if took := time.Since(began); took > 1500*time.Millisecond {
			t.Errorf("%s was answered after %v", id, took)
		}
		return id
	}
	for range 10 {
		id := call()
		if status, body := s.reported(t, id); status != http.StatusOK {
			t.Fatalf("%s: %d %s", id, status, body)
		}
		acknowledged[id] = true
	}

	free := fill(t, dir)
	poll(t, "the disk to be felt", func() bool { call(); return s.status(t).Store.Error != "" })
	for range 20 {
		call()
	}
	st := s.status(t)
	if !strings.Contains(st.Store.Error, "no space left") || st.Store.Unsaved == 0 || !strings.Contains(strings.Join(st.Warnings, "\n"), "make room") {
		t.Errorf("status does not tell: %+v", st)
	}
	if resp, err := client.Get(s.public + "/readyz"); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("readyz: %v, %v", resp, err)
	}
	s.mustHaveNoRoomForABackup(t)
	refused := call()
	if status, body := s.reported(t, refused); status != http.StatusServiceUnavailable {
		t.Errorf("a report that is not on disk is answered %d %s", status, body)
	}

	free()
	poll(t, "the recovery", func() bool {
		st := s.status(t)
		return st.Store.Error == "" && st.Store.Unsaved == 0 && st.Store.Queue == 0
	})
	if status, body := s.reported(t, refused); status != http.StatusOK {
		t.Errorf("the retry: %d %s", status, body)
	}
	acknowledged[refused] = true
	for range 5 {
		acknowledged[call()] = false
	}
	s.kill(t)

	again := startProcess(t, dir)
	for id, completed := range acknowledged {
		resp, err := client.Get(again.private + "/api/v1/calls/" + id)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || completed != strings.Contains(string(body), `"status":"answered"`) {
			t.Errorf("%s: %d %s %v", id, resp.StatusCode, body, err)
		}
	}
	again.terminate(t)
	if out, err := exec.Command(switchboardBinary(t), "db", "verify", filepath.Join(dir, "switchboard.db")).CombinedOutput(); err != nil {
		t.Errorf("db verify: %v\n%s", err, out)
	}
}

// A start on a file system that can only be read: calls are answered by the history
// as it stands, status says what to do, the files stay as they are, commands that
// change something are refused, and the server recovers by itself.
func TestTheDiskIsReadOnly(t *testing.T) {
	dir := smallDisk(t, "96m")
	s := startProcess(t, dir)
	s.mustBeCalled(t, http.DefaultClient, "before")
	answer := s.answer(t, "before")
	s.terminate(t)
	db := filepath.Join(dir, "switchboard.db")
	before, err := os.ReadFile(db)
	if err != nil {
		t.Fatal(err)
	}
	remount := func(flags uintptr) {
		if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|flags, ""); err != nil {
			t.Skipf("the file system can't be made read-only here: %v", err)
		}
	}
	remount(syscall.MS_RDONLY)
	for _, args := range [][]string{{"db", "verify", db}, {"calls", "list", "--db", db}, {"db", "backup", "--db", db, filepath.Join(t.TempDir(), "copy.db")}} {
		if out, err := exec.Command(switchboardBinary(t), args...).CombinedOutput(); err != nil {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
	for _, args := range [][]string{{"db", "compact", db}, {"db", "rebuild", db}, {"calls", "forget", "9988912345", "--db", db}} {
		if out, err := exec.Command(switchboardBinary(t), args...).CombinedOutput(); err == nil || !strings.Contains(string(out), "read-only") {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}

	s = startProcess(t, t.TempDir(), "--db", db)
	s.mustBeCalled(t, http.DefaultClient, "during")
	if again := s.answer(t, "before"); again != answer {
		t.Errorf("a retry is answered %s, and not %s", again, answer)
	}
	if status, body := s.reported(t, "during"); status != http.StatusServiceUnavailable {
		t.Errorf("a report that is not on disk is answered %d %s", status, body)
	}
	st := s.status(t)
	if !strings.Contains(st.Store.Error, "can only be read") || !strings.Contains(st.Store.Error, "read-only file system") || st.Store.Unsaved != 1 || !strings.Contains(strings.Join(st.Warnings, "\n"), "let it be written") {
		t.Errorf("status does not tell: %+v", st)
	}
	s.mustHaveNoRoomForABackup(t)
	out, err := exec.Command(switchboardBinary(t), "serve", "--listen", "127.0.0.1:0", "--private-listen", "127.0.0.1:0", "--db", db, "--fallback", "9000000009").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "in use by another process") {
		t.Errorf("a second server: %v\n%s", err, out)
	}
	if after, err := os.ReadFile(db); err != nil || string(after) != string(before) {
		t.Errorf("the file changed: %v", err)
	}

	remount(0)
	poll(t, "the recovery", func() bool {
		st := s.status(t)
		return st.Store.Error == "" && st.Store.Unsaved == 0 && st.Store.Queue == 0 && st.Store.Dirty == 0
	})
	if status, body := s.reported(t, "during"); status != http.StatusOK {
		t.Errorf("the report again: %d %s", status, body)
	}
	s.kill(t)
	again := startProcess(t, t.TempDir(), "--db", db)
	for _, id := range []string{"before", "during"} {
		if resp, err := http.Get(again.private + "/api/v1/calls/" + id); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%s is not there: %v %v", id, resp, err)
		}
	}
	again.terminate(t)
	if out, err := exec.Command(switchboardBinary(t), "db", "verify", db).CombinedOutput(); err != nil {
		t.Errorf("db verify: %v\n%s", err, out)
	}
}
