package giveway_test

import (
	"errors"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"

	"switchboard/engine/giveway"
)

func TestAsideReturnsWhenItsFunctionHas(t *testing.T) {
	n := 0
	giveway.Aside(func() { n++ })
	if n != 1 {
		t.Errorf("it ran %d times", n)
	}
}

// panicsHere is a name to find in a stack.
func panicsHere(v any) { panic(v) }

func panicOf(f func()) (v any) {
	defer func() { v = recover() }()
	f()
	return nil
}

func TestAsidePanicsAsItsFunctionDoes(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("a plain call")
	}
	v := panicOf(func() { giveway.Aside(func() { panicsHere("a broken rule") }) })
	p, ok := v.(*giveway.Panic)
	if !ok || p.Value != "a broken rule" || !strings.Contains(string(p.Stack), "panicsHere") {
		t.Fatalf("the panic was %v", v)
	}
	if text := p.Error(); !strings.HasPrefix(text, "a broken rule") || !strings.Contains(text, "panicsHere") {
		t.Errorf("it says %q", text)
	}
	if p.Unwrap() != nil {
		t.Error("a text became an error")
	}
	v = panicOf(func() { giveway.Aside(func() { giveway.Aside(func() { panicsHere(io.ErrUnexpectedEOF) }) }) })
	if err, ok := v.(error); !ok || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("an error became %v", v)
	}
	if v = panicOf(func() { giveway.Aside(func() { panicsHere(nil) }) }); v == nil {
		t.Error("a panic with nil was lost")
	}
	giveway.Aside(func() {
		if v := panicOf(func() { giveway.Aside(func() { panicsHere(1) }) }); v != 1 {
			t.Errorf("a nested call panicked with %v", v)
		}
	})
}

// t.FailNow and t.SkipNow end their goroutine so.
func TestAsideEndsItsCallerWithItsFunction(t *testing.T) {
	for name, f := range map[string]func(){
		"plain":  runtime.Goexit,
		"nested": func() { giveway.Aside(runtime.Goexit) },
	} {
		went := make(chan bool, 1)
		go func() {
			on := false
			defer func() { went <- on }()
			giveway.Aside(f)
			on = true
		}()
		if <-went {
			t.Errorf("%s: the caller went on", name)
		}
	}
}

func TestAsideManyAtOnce(t *testing.T) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	n := 0
	for range 50 {
		wg.Go(func() {
			giveway.Aside(func() {
				giveway.Now()
				mu.Lock()
				defer mu.Unlock()
				n++
			})
		})
	}
	wg.Wait()
	if n != 50 {
		t.Errorf("%d of 50 ran", n)
	}
}
