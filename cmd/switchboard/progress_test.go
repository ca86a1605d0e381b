package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"
)

func TestProgressLines(t *testing.T) {
	p := &progress{what: "backup", unit: "bytes"}
	p.at(50, 200)
	if got, want := p.line(2*time.Second), "backup [=======                       ] 25% of 200 bytes, 25/s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	p.at(300, 200) // more came than was foretold
	if got := p.line(time.Second); !strings.Contains(got, "100% of 200") {
		t.Errorf("got %q", got)
	}
	p.at(0, 0)
	if n, err := (counting{&bytes.Buffer{}, p}).Write(make([]byte, 7)); n != 7 || err != nil {
		t.Fatal(n, err)
	}
	if got := p.line(time.Second); got != "backup: 7 bytes, 7/s" {
		t.Errorf("got %q", got)
	}
}

// A file or a pipe is no place for a line that is drawn again and again.
func TestNoProgressInFiles(t *testing.T) {
	f, err := os.Create(t.TempDir() + "/err")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p := showProgress(stdio{err: f}, "backup", "bytes")
	p.at(1, 2)
	p.stop()
	if info, err := f.Stat(); err != nil || info.Size() != 0 {
		t.Errorf("%v, %v", info, err)
	}
	done := make(chan struct{})
	var drawn bytes.Buffer
	close(done)
	p.draw(&drawn, done)
	if drawn.String() != "\r\x1b[K" {
		t.Errorf("the line is not wiped: %q", drawn.String())
	}
}
