package main

import (
	"bytes"
	"encoding/json"
	"net"
	"os/exec"
	"testing"
)

// TestHangUpThroughTheServer hangs up a call that the emulator plays, through
// the server's API.
func TestHangUpThroughTheServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	provider := l.Addr().String()
	l.Close() // the emulator takes it in a moment; the server has to be told before
	p := startProcess(t, t.TempDir(), "--alohaa-url", "http://"+provider, "--alohaa-key", "metro-key")

	sim := exec.Command(buildEmulator(t), "--target", p.public, "--calls", "1", "--prefix", "long", "--answer-rate", "1",
		"--talk", "1h", "--speed", "1", "--hangup-listen", provider, "--hangup-key", "metro-key", "--json")
	var report, complaints bytes.Buffer
	sim.Stdout, sim.Stderr = &report, &complaints
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Process.Kill() })
	var last []byte
	poll(t, "the call to be hung up", func() bool {
		last, err = exec.Command(switchboardBinary(t), "calls", "hangup", "long-000000", "--server", p.private).CombinedOutput()
		return err == nil
	})
	if err := sim.Wait(); err != nil {
		t.Fatalf("%v\n%s%s\n%s", err, &report, &complaints, last)
	}
	var played struct {
		HungUp int `json:"calls_hung_up"`
		Played int `json:"calls_played"`
	}
	if err := json.Unmarshal(report.Bytes(), &played); err != nil || played.HungUp != 1 || played.Played != 1 {
		t.Errorf("the emulator reports %s (%v)", &report, err)
	}
	// The provider has no such call any more.
	out, err := exec.Command(switchboardBinary(t), "calls", "hangup", "long-000000", "--server", p.private).CombinedOutput()
	if err == nil {
		t.Errorf("hung up twice: %s", out)
	}
	p.terminate(t)
}
