package console_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"switchboard/server"
	"switchboard/server/access"
)

// click presses what a selector finds, once it is there and htmx, which wires
// what it puts into a page a moment later, is done with it.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.do(chromedp.WaitVisible(chromedp.CSS(selector)))
	b.until("what htmx puts into the page", func() bool {
		return !b.has(".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added")
	})
	b.do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// submit presses what leads to another page, and waits for that.
func (b *tab) submit(selector string) {
	b.t.Helper()
	b.leave(func() { b.click(selector) })
}

// leave does what leads to another page, and waits until that is there whole.
func (b *tab) leave(do func()) {
	b.t.Helper()
	ask[int](b, "window.before = 1")
	do()
	b.until("another page", func() bool {
		gone, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("!window.before && document.readyState === 'complete'"))
		return err == nil && gone
	})
	b.do(chromedp.WaitReady(chromedp.CSS("main")))
}

// enter types into a field.
func (b *tab) enter(selector, text string) {
	b.t.Helper()
	b.do(chromedp.SendKeys(chromedp.CSS(selector), text, chromedp.NodeVisible))
}

// set gives a field a value, as a choice or a paste does.
func (b *tab) set(selector, value string) {
	b.t.Helper()
	b.do(chromedp.SetValue(chromedp.CSS(selector), value))
}

func (b *tab) has(selector string) bool {
	b.t.Helper()
	return ask[bool](b, "!!document.querySelector("+quote(selector)+")")
}

func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `\'`) + "'" }

// A call that comes is on the live page, and then in the lists, by any spelling
// of its number, with the reasons for where it went.
func TestFlowSeeACallAndExplainIt(t *testing.T) {
	w := begin(t, nil)
	b := browse(w)
	b.visit("/")
	b.sees("No calls yet")
	if got := w.ring("call-1", ravi); got != anna {
		t.Fatalf("rang %s", got)
	}
	b.sees("…2345")
	b.sees("in flight")
	w.hangUp("call-1", ravi, anna)
	b.until("the call is answered", func() bool { return b.has(".calls .pill.good") })
	b.visit("/calls")
	b.enter("#q", "+91 (0) 99889-12345")
	b.click("#filters button.primary")
	b.sees("as caller")
	if path := ask[string](b, "location.search"); !strings.Contains(path, "q=") {
		t.Errorf("the search is not in the address: %q", path)
	}
	b.submit(".calls tbody a")
	b.sees("Why it went there")
	b.sees("The policies sent the call to …3210, reason “first free”.")
	b.sees("repeated exactly")
	b.click("[hx-get^='/call/history']")
	b.sees("There was nothing.")
	b.shoot("flow-call")
	b.accessible("the explained call")
	if !strings.Contains(ask[string](b, "document.querySelector('.source .here').innerText"), "first_free") {
		t.Error("the rule's line is not the one that is marked")
	}
	b.click("form[action='/call/recording'] button")
	b.sees("https://records.example/call-1-")
	b.submit("button[value='show']")
	b.sees(ravi)
	b.visit("/system")
	b.sees("console.reveal")
	b.clean("the flow")
}

// The live page holds still while it is paused, and catches up.
func TestFlowPauseTheLivePage(t *testing.T) {
	w := begin(t, nil)
	b := browse(w)
	w.ring("call-1", ravi)
	b.visit("/")
	b.sees("…2345")
	b.until("the stream is open", func() bool {
		return strings.Contains(ask[string](b, "document.getElementById('stream').innerText"), "Live")
	})
	b.click("#pause")
	w.ring("call-2", "9988900000")
	b.until("the board has come", func() bool { return w.store.Status().Decisions == 2 })
	if strings.Contains(b.page(), "…0000") {
		t.Error("the page moved although it was paused")
	}
	b.click("#pause")
	b.do(chromedp.MouseEvent("mouseMoved", 1, 1))
	b.sees("…0000")
	b.clean("the flow")
}

func TestFlowPauseAnAgent(t *testing.T) {
	w := begin(t, nil)
	b := browse(w)
	b.visit("/people")
	b.enter(".agents tbody tr:first-child input[name='why']", "lunch")
	b.submit(".agents tbody tr:first-child .small")
	b.sees("the next call goes to somebody else")
	b.sees("lunch")
	if got := w.ring("call-1", ravi); got != bela {
		t.Errorf("rang %s", got)
	}
	b.visit("/call?id=call-1")
	b.sees("The policies passed over …3210: paused: lunch.")
	b.visit("/people")
	b.submit("form[action='/people/resume'] button")
	b.sees("Back in the rotation")
	if got := w.ring("call-2", "9988900000"); got != anna {
		t.Errorf("rang %s", got)
	}
	b.enter("#session", "order-17")
	b.enter("#first", ravi)
	b.enter("#second", "+91 98765 43212")
	b.submit("form[action='/people/session'] .primary")
	b.sees("order-17")
	b.submit("button[aria-label='End session order-17']")
	b.sees("The session has ended")
	b.clean("the flow")
}

func TestFlowTryAnEdit(t *testing.T) {
	w := begin(t, nil)
	w.ring("call-0", "9988900000")
	b := browse(w)
	b.visit("/try")
	b.enter("#caller", ravi)
	b.click("[hx-post='/try/ask']")
	b.sees("…3210")
	b.sees("first_free")
	b.set("#file", "directory/data.yaml")
	b.click("[hx-post='/try/edit']")
	b.sees("numbers are masked")
	b.click(".masked button")
	b.until("the editor", func() bool { return b.has("#edits textarea") })
	b.set("#edits textarea", strings.Replace(set["directory/data.yaml"], `"9876543210", `, "", 1))
	b.click("[hx-post='/try/ask']")
	b.sees("with 1 edited file")
	b.sees(bela)
	b.click("[hx-post='/try/check']")
	b.sees("it could go live")
	b.click("[hx-post='/try/replay']")
	b.sees("Reach somebody else")
	b.sees("100.0 %")
	b.shoot("flow-replay")
	b.accessible("the replay")
	b.set("#edits textarea", "dids: [")
	b.click("[hx-post='/try/check']")
	b.sees("it would be refused")
	b.sees("directory/data.yaml:1")
	b.shoot("flow-try")
	b.accessible("try")
	if got := w.ring("call-1", ravi); got != anna {
		t.Errorf("trying changed what serves: rang %s", got)
	}
	b.clean("the flow")
}

// A broken edit shows at once where it is broken, and goes away when it is
// mended.
func TestFlowBrokenEdit(t *testing.T) {
	w := begin(t, nil)
	b := browse(w)
	b.visit("/")
	b.sees("Reload ok")
	w.save("routing/more.rego", "package routing\n\nbroken := {\n")
	b.sees("was refused")
	b.sees("routing/more.rego:")
	b.sees("keeps serving")
	b.shoot("flow-banner")
	b.accessible("the banner")
	w.save("routing/more.rego", "package routing\n\nbroken := 1\n")
	b.until("the banner goes away", func() bool { return !b.has(".banner") })
	b.clean("the flow")
}

func TestFlowRollBack(t *testing.T) {
	w := begin(t, nil)
	first := w.manager.Status().Revision
	w.save("directory/data.yaml", strings.Replace(set["directory/data.yaml"], `"9876543210", `, "", 1))
	if r := w.manager.Reload(t.Context(), "test"); r.Revision == first {
		t.Fatalf("not loaded: %+v", r)
	}
	if got := w.ring("call-1", ravi); got != bela {
		t.Fatalf("rang %s", got)
	}
	b := browse(w)
	b.visit("/policies?revision=" + first)
	b.sees("What it would change")
	b.click("form[action='/policies/tests'] button")
	b.sees("They cover")
	b.click("form[action='/try/replay'] button")
	b.sees("Reach somebody else")
	b.sees("100.0 %")
	b.shoot("flow-diff")
	b.accessible("the difference")
	b.submit("form[action='/policies/rollback'] button")
	b.sees("The earlier revision serves now")
	b.sees("It holds until the folder's content changes")
	b.visit("/calls")
	b.sees("Rollback in force")
	if got := w.ring("call-2", "9988900000"); got != anna {
		t.Errorf("rang %s", got)
	}
	b.clean("the flow")
}

func TestFlowSignIn(t *testing.T) {
	w := begin(t, func(o *server.Options) {
		o.Tokens = []access.Token{{Name: "boss", Secret: "admin-token"}, {Name: "guest", Secret: "read-token", ReadOnly: true}}
	})
	b := browse(w)
	b.visit("/people")
	b.sees("Sign in with a token")
	b.shoot("flow-login")
	b.accessible("the sign-in page")
	b.leave(func() { b.enter("#token", "read-token"+kb.Enter) })
	b.sees("Agents")
	if b.has("form[action='/people/pause']") {
		t.Error("who may only look can pause")
	}
	b.submit("form[action='/logout'] button")
	b.sees("Sign in with a token")
	b.leave(func() { b.enter("#token", "admin-token"+kb.Enter) })
	b.sees("Switchboard")
	b.visit("/people")
	if !b.has("form[action='/people/pause']") {
		t.Error("an admin cannot pause")
	}
	b.clean("the flow")
}

// The keyboard reaches the content in one step, and the theme's choice stays.
func TestKeyboardAndTheme(t *testing.T) {
	b := browse(begin(t, nil))
	b.looks(1440, "light")
	b.visit("/calls")
	b.do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Enter))
	if at := ask[string](b, "document.activeElement.id"); at != "main" {
		t.Errorf("the skip link leads to %q", at)
	}
	light := ask[string](b, "getComputedStyle(document.body).backgroundColor")
	b.click("#theme")
	dark := ask[string](b, "getComputedStyle(document.body).backgroundColor")
	b.visit("/people")
	if kept := ask[string](b, "getComputedStyle(document.body).backgroundColor"); light == dark || kept != dark {
		t.Errorf("light %s, chosen %s, on the next page %s", light, dark, kept)
	}
	b.clean("the flow")
}

// The charts are drawn, drawn anew in the other theme's colours, and saved.
func TestFlowCharts(t *testing.T) {
	w := begin(t, nil)
	w.hangUp("call-1", ravi, w.ring("call-1", ravi))
	b := browse(w)
	b.looks(1440, "light")
	b.visit("/statistics")
	pixel := func() string {
		return ask[string](b, "document.querySelector('#chart-days canvas')?.toDataURL() ?? ''")
	}
	b.until("a chart", func() bool { return pixel() != "" })
	light := pixel()
	b.click("#theme")
	b.until("the chart in dark", func() bool { return pixel() != light })
	if n := ask[int](b, "document.querySelectorAll('.chart canvas').length"); n != 2 {
		t.Errorf("there are %d charts", n)
	}
	ask[int](b, `HTMLAnchorElement.prototype.click = function () { window.saved = this.download; }; 0`)
	b.click("[data-picture='chart-days']")
	b.until("the picture", func() bool { return ask[string](b, "window.saved ?? ''") == "switchboard-days.png" })
	b.clean("the flow")
}
