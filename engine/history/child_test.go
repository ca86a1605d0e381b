package history_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"switchboard/engine"
	"switchboard/engine/history"
)

const childEnv = "HISTORY_TEST_CHILD"

// runChild is the program that TestKilledInTheMiddle kills: it writes until it
// dies, and says what was acknowledged.
func runChild() bool {
	path := os.Getenv(childEnv)
	if path == "" {
		return false
	}
	s, err := history.OpenTuned(options(new(testing.T), path))
	if err != nil {
		fmt.Println("error", err)
		return true
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%d-%d-%d", os.Getpid(), w, i)
				v, err := s.View(context.Background(), nil)
				if err != nil {
					return
				}
				c, err := s.Publish(v, decision(id, number(w), number(100), did, v.At()))
				if err != nil {
					return
				}
				<-c.Done()
				said := "decided " + id
				if i%2 == 0 {
					if _, err := s.Complete(context.Background(), completion(id, number(w), number(100), did, v.At())); err != nil {
						return
					}
					said = "completed " + id
				}
				mu.Lock()
				fmt.Println(said)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return true
}

func TestKilledInTheMiddle(t *testing.T) {
	path := newPath(t)
	acknowledged := make(map[string]bool) // id -> completed
	for round := range 3 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			what, id, ok := strings.Cut(lines.Text(), " ")
			if !ok || !slices.Contains([]string{"decided", "completed"}, what) {
				break // a line cut short by the kill
			}
			acknowledged[id] = what == "completed"
			if n == 300+100*round {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("the child ended by itself")
		}
		verify(t, path)
	}
	s := open(t, options(t, path))
	if len(acknowledged) < 1000 {
		t.Errorf("only %d calls were acknowledged", len(acknowledged))
	}
	lost := 0
	for id, completed := range acknowledged {
		if strings.Count(id, "-") != 2 {
			continue
		}
		d, err := s.Call(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if d == nil || d.Decision == nil || completed && d.Call.Status != engine.StatusAnswered {
			lost++
		}
	}
	if lost > 0 {
		t.Errorf("%d of %d acknowledged calls are not there", lost, len(acknowledged))
	}
}
