package main

import (
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A first start where the database can't be made: calls are answered at once,
// status says what to do, and the database is made when that is done.
func TestAFirstStartWithoutADatabase(t *testing.T) {
	for name, hinder := range map[string]func(t *testing.T, disk string) (mend func()){
		"on a full disk": fill,
		"in a folder that can only be read": func(t *testing.T, disk string) func() {
			remount := func(flags uintptr) {
				if err := syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT|flags, ""); err != nil {
					t.Skipf("the file system can't be made read-only here: %v", err)
				}
			}
			remount(syscall.MS_RDONLY)
			return func() { remount(0) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			disk := smallDisk(t, "96m")
			mend := hinder(t, disk)
			db := filepath.Join(disk, "switchboard.db")
			s := startProcess(t, t.TempDir(), "--db", db)
			s.mustBeCalled(t, http.DefaultClient, "first")
			if status, body := s.reported(t, "first"); status != http.StatusServiceUnavailable {
				t.Errorf("a report that is not on disk is answered %d %s", status, body)
			}
			st := s.status(t)
			if !strings.Contains(st.Store.Error, "no database yet") || !strings.Contains(strings.Join(st.Warnings, "\n"), "make room") {
				t.Errorf("status does not tell: %+v", st)
			}
			mend()
			poll(t, "the database", func() bool {
				st := s.status(t)
				return st.Store.Error == "" && st.Store.Unsaved == 0 && st.Store.Queue == 0
			})
			if status, body := s.reported(t, "first"); status != http.StatusOK {
				t.Errorf("the report again: %d %s", status, body)
			}
			s.kill(t)
			again := startProcess(t, t.TempDir(), "--db", db)
			resp, err := http.Get(again.private + "/api/v1/calls/first")
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Errorf("the first call is not there: %v %v", resp, err)
			}
			again.terminate(t)
			if out, err := exec.Command(switchboardBinary(t), "db", "verify", db).CombinedOutput(); err != nil {
				t.Errorf("db verify: %v\n%s", err, out)
			}
		})
	}
}
