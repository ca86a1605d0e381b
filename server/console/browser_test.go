package console_test

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// axe is committed rather than fetched, so that everybody's test run holds the
// pages against the same rules, also without a network.
//
//go:embed testdata/axe.min.js
var axe string

// chromium finds the browser. Without one these tests skip, but not in CI, where
// .ci/run installs it.
func chromium(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const sentence = "there is no Chromium to test the console in; install Debian's package chromium"
	if os.Getenv("CI") == "true" {
		t.Fatal(sentence)
	}
	t.Skip(sentence)
	return ""
}

// tab is a browser's tab that notes what goes wrong on its pages.
type tab struct {
	*world
	ctx context.Context
	mu  sync.Mutex
	bad []string // console errors and exceptions
	got int64    // bytes received since the last visit
}

// browse opens a browser on a world.
func browse(w *world) *tab {
	w.t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium(w.t)), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("no-first-run", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	w.t.Cleanup(func() { cancel(); stop() })
	b := &tab{world: w, ctx: ctx}
	b.must(chromedp.Listen(ctx, b.note))
	call(b, network.Enable, network.EnableParams{})
	call(b, log.Enable, cdp.Empty{})
	call(b, runtime.Enable, cdp.Empty{})
	return b
}

// call runs a command of the browser's protocol.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, command, params)
	b.must(err)
}

// note keeps what a person would find in the browser's console.
func (b *tab) note(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.bad = append(b.bad, fmt.Sprintf("exception: %s %v", e.ExceptionDetails.Text, e.ExceptionDetails.Exception))
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			b.bad = append(b.bad, fmt.Sprintf("console %s: %v", e.Type, e.Args[0].Value))
		}
	case *log.EventEntryAdded:
		b.bad = append(b.bad, fmt.Sprintf("%s %s: %s %s", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL))
	case *network.EventLoadingFinished:
		b.got += int64(e.EncodedDataLength)
	case *network.EventRequestWillBeSent:
		// The browser's own icons are data.
		if url := e.Request.URL; !strings.HasPrefix(url, b.private) && !strings.HasPrefix(url, "about:") && !strings.HasPrefix(url, "data:") {
			b.bad = append(b.bad, "a request to "+url)
		}
	}
}

// do runs steps in the tab, within a bound that only a hang reaches.
func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%v; the page shows\n%s", err, b.page())
	}
}

// ask runs JavaScript in the tab.
func ask[T any](b *tab, script string, options ...chromedp.EvaluateOption) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script, options...))
	b.must(err)
	return v
}

// page is what the tab shows.
func (b *tab) page() string {
	text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.body.innerText"))
	return text
}

// visit goes to a page.
func (b *tab) visit(path string) {
	b.t.Helper()
	b.mu.Lock()
	b.got = 0
	b.mu.Unlock()
	b.do(chromedp.Navigate(b.private+path), chromedp.WaitReady("main"))
}

// sees waits until the page shows a text.
func (b *tab) sees(text string) {
	b.t.Helper()
	b.until(text, func() bool { return strings.Contains(b.page(), text) })
}

// until waits for something to come true. It looks every few milliseconds; the
// bound is for what never does.
func (b *tab) until(what string, met func() bool) {
	b.t.Helper()
	for late := time.Now().Add(time.Minute); !met(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(late) {
			b.t.Fatalf("%q does not come; the page shows\n%s", what, b.page())
		}
	}
}

// clean fails for everything that went wrong so far.
func (b *tab) clean(where string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, line := range b.bad {
		b.t.Errorf("%s: %s", where, line)
	}
	b.bad = nil
}

// accessible holds the page against axe-core's rules. The rules are run by the
// debugger, which the page's Content-Security-Policy does not bind.
func (b *tab) accessible(where string) {
	b.t.Helper()
	ask[int](b, axe+";0")
	found := ask[[]string](b, `axe.run(document, {resultTypes: ["violations"]}).then(r =>
		r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + n.target + ": " + n.failureSummary)))`, chromedp.EvalAwaitPromise)
	for _, line := range found {
		b.t.Errorf("%s: %s", where, line)
	}
}

// fits fails where the page is wider than the window.
func (b *tab) fits(where string) {
	b.t.Helper()
	if over := ask[int](b, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
		b.t.Errorf("%s: the page is %d px wider than the window", where, over)
	}
}

// shoot keeps a picture where CONSOLE_SHOTS names a folder.
func (b *tab) shoot(name string) {
	b.t.Helper()
	folder := os.Getenv("CONSOLE_SHOTS")
	if folder == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	b.must(err)
	b.must(os.WriteFile(filepath.Join(folder, name+".png"), png, 0o600))
}

// looks sets the window's width and the colours that the system asks for.
func (b *tab) looks(width int64, scheme string) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, 900))
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
}

// everyPage are the console's pages, with what shows that they are there.
var everyPage = []struct{ name, path, shows string }{
	{"live", "/", "Newest calls"},
	{"calls", "/calls", "Number or call ID"},
	{"call", "/call?id=call-1", "Why it went there"},
	{"policies", "/policies", "In force"},
	{"try", "/try", "Who would be rung?"},
	{"people", "/people", "Put a pair through"},
	{"statistics", "/statistics", "By hour of the day"},
	{"system", "/system", "policies.activate"},
	{"missing", "/calls/nowhere", "There is no such page"},
}

// maxPage is how many bytes a page may cost a browser that has nothing yet.
const maxPage = 300_000

func TestEveryPageInABrowser(t *testing.T) {
	w := begin(t, nil)
	w.hangUp("call-1", ravi, w.ring("call-1", ravi))
	for i := range 12 {
		w.ring(fmt.Sprintf("call-%d", i+2), fmt.Sprintf("99889%05d", i))
	}
	for _, look := range []struct {
		name   string
		width  int64
		scheme string
	}{{"wide-light", 1440, "light"}, {"wide-dark", 1440, "dark"}, {"narrow-light", 360, "light"}, {"narrow-dark", 360, "dark"}} {
		t.Run(look.name, func(t *testing.T) {
			b := browse(&world{t: t, dir: w.dir, public: w.public, private: w.private, client: w.client})
			b.looks(look.width, look.scheme)
			call(b, network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true})
			for _, page := range everyPage {
				b.visit(page.path)
				b.sees(page.shows)
				b.shoot(page.name + "-" + look.name)
				b.fits(page.name)
				b.accessible(page.name)
				if page.name == "missing" {
					b.mu.Lock() // the browser notes the 404 itself
					b.bad = nil
					b.mu.Unlock()
				}
				b.clean(page.name)
				b.mu.Lock()
				if b.got > maxPage || b.got == 0 {
					t.Errorf("%s: %d bytes were transferred, the budget is %d", page.name, b.got, maxPage)
				}
				b.mu.Unlock()
			}
		})
	}
}

// On a laptop's screen no list is cut off.
func TestListsFitALaptop(t *testing.T) {
	w := begin(t, nil)
	for i := range 12 {
		w.ring(fmt.Sprintf("call-%d", i+1), fmt.Sprintf("99889%05d", i))
	}
	b := browse(w)
	b.looks(1280, "light")
	for _, page := range everyPage {
		if page.name == "missing" {
			continue
		}
		b.visit(page.path)
		b.sees(page.shows)
		for _, list := range ask[[]string](b, `[...document.querySelectorAll(".scroll, .card")].filter(e => e.scrollWidth > e.clientWidth).map(e => e.innerText.slice(0, 40))`) {
			t.Errorf("%s: a list is wider than its place: %q", page.name, list)
		}
	}
}
