package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
)

// The directory of the load runs: so many DIDs, and callers who call them.
const (
	loadDIDs    = 1000
	loadCallers = 10_000
)

// BenchmarkLoad plays initiations over loopback against the whole program and
// against its peers, one after the other, with the callers and DIDs varied and
// no call_id twice:
//
//	go test -run '^$' -bench Load -benchtime 30000x ./cmd/switchboard
//
// The peers store nothing: gin with one fixed answer is what the given parts
// cost, `opa run --server` decides by the same policies without a history.
// Generator and server share the machine, so ratios within one run count.
func BenchmarkLoad(b *testing.B) {
	folder := loadPolicies(b)
	opa := opaServer(b, folder)
	for _, peer := range []struct {
		name    string
		address string
		request func(i int) []byte
	}{
		{"gin, fixed answer", ginServer(b), initiationRequest},
		{"switchboard", strings.TrimPrefix(startProcess(b, b.TempDir(), "--policies", folder).public, "http://"), initiationRequest},
		{"opa run --server", opa, opaRequest},
	} {
		for _, conns := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("%s/conns=%d", peer.name, conns), func(b *testing.B) {
				if peer.address == "" {
					b.Skip("OPA's own server could not be built here")
				}
				load(b, peer.address, conns, peer.request)
			})
		}
	}
}

// load sends b.N requests over so many connections.
func load(b *testing.B, address string, conns int, request func(i int) []byte) {
	var next atomic.Int64
	var mu sync.Mutex
	took := make([]time.Duration, 0, b.N)
	var wg sync.WaitGroup
	base := int(loaded.Add(int64(b.N))) - b.N
	b.ResetTimer()
	for range conns {
		wg.Go(func() {
			l, err := dialLine(address)
			if err != nil {
				b.Error(err)
				return
			}
			defer l.conn.Close()
			var mine []time.Duration
			for i := int(next.Add(1)); i <= b.N; i = int(next.Add(1)) {
				wait, err := l.ask(request(base + i))
				if err != nil {
					b.Error(err)
					return
				}
				mine = append(mine, wait)
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, mine...)
		})
	}
	wg.Wait()
	b.StopTimer()
	if len(took) == 0 {
		return
	}
	slices.Sort(took)
	b.ReportMetric(float64(len(took))/b.Elapsed().Seconds(), "req/s")
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}

// loaded counts requests over all runs, so that no call_id comes twice.
var loaded atomic.Int64

// line is a connection to a server that requests follow each other on.
type line struct {
	conn    net.Conn
	answers *bufio.Reader
}

func dialLine(address string) (*line, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &line{conn, bufio.NewReader(conn)}, nil
}

// ask sends a request and returns how long its answer took.
func (l *line) ask(request []byte) (time.Duration, error) {
	began := time.Now()
	if _, err := l.conn.Write(request); err != nil {
		return 0, err
	}
	err := readAnswer(l.answers)
	return time.Since(began), err
}

// readAnswer reads one answer of 200 with a length.
func readAnswer(r *bufio.Reader) error {
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK || !bytes.Contains(body, []byte(`"call_forwarding_number"`)) {
		return fmt.Errorf("answered %d %s", resp.StatusCode, body)
	}
	return nil
}

func post(path, body string) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
}

func loadCall(i int) (caller, did, id string) {
	r := rand.New(rand.NewPCG(uint64(i), 0))
	return fmt.Sprintf("99%08d", r.IntN(loadCallers)), loadDID(r.IntN(loadDIDs)), fmt.Sprintf("load-%d", i)
}

func loadDID(i int) string { return fmt.Sprintf("91806973%04d", i) }

func initiationRequest(i int) []byte {
	caller, did, id := loadCall(i)
	return post("/alohaa/get-receiver-details", fmt.Sprintf(`{"caller_number": %q, "did": %q, "call_id": %q}`, caller, did, id))
}

func opaRequest(i int) []byte {
	caller, did, id := loadCall(i)
	now := time.Now().UTC()
	body, err := json.Marshal(map[string]any{"input": map[string]any{
		"call_id": id, "caller_number": caller, "did": did,
		"caller": map[string]any{"raw": caller, "e164": "+91" + caller, "country": "IN", "valid": true, "anonymous": false},
		"time": map[string]any{"unix": now.Unix(), "ns": now.UnixNano(), "rfc3339": now.Format(time.RFC3339), "zone": "UTC",
			"date": now.Format(time.DateOnly), "weekday": strings.ToLower(now.Weekday().String()),
			"hour": now.Hour(), "minute": now.Minute(), "clock": now.Format("15:04")},
		"bucket": i % 10_000, "caller_bucket": i % 10_000,
	}})
	if err != nil {
		panic(err)
	}
	return post("/v1/data/routing/decision", string(body))
}

// loadPolicies is the starter set with a directory of many DIDs, each with a
// team, a sticky receiver and hours.
func loadPolicies(b *testing.B) string {
	b.Helper()
	folder := filepath.Join(b.TempDir(), "policies")
	if out, err := exec.Command(switchboardBinary(b), "policies", "init", folder).CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	var data strings.Builder
	data.WriteString("dids:\n")
	for i := range loadDIDs {
		fmt.Fprintf(&data, "  %q:\n    team: [\"9876%06d\", \"9875%06d\", \"9874%06d\"]\n    sticky_days: 30\n    after_hours: \"9873%06d\"\n    hours:\n",
			loadDID(i), i, i, i, i)
		for _, day := range []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"} {
			fmt.Fprintf(&data, "      %s: [{from: \"00:00\", to: \"24:00\"}]\n", day)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "directory", "data.yaml"), []byte(data.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	return folder
}

// ginServer runs the peer in a process of its own, as the others are.
func ginServer(b *testing.B) string {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fixedAnswer+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(address)
}

// fixedAnswer is the environment variable that makes the test binary the peer.
const fixedAnswer = "SWITCHBOARD_TEST_FIXED_ANSWER"

// serveFixedAnswer is gin as the server uses it, with nothing behind it.
func serveFixedAnswer() error {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.POST("/alohaa/get-receiver-details", func(c *gin.Context) {
		var in struct {
			Caller string `json:"caller_number"`
			DID    string `json:"did"`
			CallID string `json:"call_id"`
		}
		if err := json.NewDecoder(c.Request.Body).Decode(&in); err != nil {
			c.Status(http.StatusBadRequest)
			return
		}
		c.Data(http.StatusOK, "application/json", []byte(`{"response": {"call_forwarding_number": "9876543210", "call_timeout": 0}}`))
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return (&http.Server{Handler: e, ReadHeaderTimeout: time.Minute}).Serve(l)
}

// opaServer is OPA's own server on the policies; empty where it can't be built.
func opaServer(b *testing.B, folder string) string {
	b.Helper()
	bin := b.TempDir()
	build := exec.Command("go", "install", "github.com/open-policy-agent/opa@v1.22.2")
	build.Env = append(os.Environ(), "GOBIN="+bin, "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		b.Logf("%v\n%s", err, out)
		return ""
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	address := l.Addr().String()
	l.Close() // OPA takes it in a moment
	cmd := exec.Command(filepath.Join(bin, "opa"), "run", "--server", "--addr", address, "--log-level", "error", "--disable-telemetry",
		"--ignore", ".*", folder)
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	b.Cleanup(func() { _ = cmd.Process.Kill() })
	poll(b, "OPA's server", func() bool {
		select {
		case err := <-exited:
			b.Fatal(errors.Join(err, errors.New(log.String())))
		default:
		}
		resp, err := http.Get("http://" + address + "/health")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return address
}
