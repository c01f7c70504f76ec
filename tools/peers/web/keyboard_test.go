package web

import (
	"strings"
	"testing"

	"tipring/tools/peers/browser"
)

// A stop is where the focus goes on a walk through a page by the Tab key.
type stop struct {
	At      int // among the page's controls, in the order they are read; -1: it is none of them
	Name    string
	Visible bool // where the focus is can be seen
	Inside  bool // it is on the screen
}

// A walk is what the Tab key found.
type walk struct {
	Controls []string
	Stops    []stop
}

// look has a page note where the focus goes, and counts the controls that it should go to.
const look = `() => {
	const shows = e => e.checkVisibility({visibilityProperty: true}) && e.getClientRects().length > 0;
	const controls = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")].filter(e => !e.disabled && e.tabIndex >= 0 && shows(e));
	const name = e => e.tagName.toLowerCase() + " " + (e.id || e.innerText || e.name || "").trim().slice(0, 40);
	window.walk = {Controls: controls.map(name), Stops: []};
	window.clicks = 0;
	document.activeElement?.blur();
	document.addEventListener("focusin", e => {
		const s = getComputedStyle(e.target), box = e.target.getBoundingClientRect();
		window.walk.Stops.push({At: controls.indexOf(e.target), Name: name(e.target),
			Visible: s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2,
			Inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth});
	});
	return controls.length;
}`

// byKeyboard walks through a page as somebody without a mouse does.
func byKeyboard(t *testing.T, b *browser.Browser, path string) {
	t.Helper()
	count := browser.Evaluate[int](b, "looking for controls", look)
	b.Keys(strings.Repeat(browser.Tab, count))
	w := browser.Evaluate[walk](b, "the walk", `() => window.walk`)
	at := 0
	for _, s := range w.Stops {
		switch {
		case s.At < 0: // what scrolls can be reached, too
			continue
		case s.At != at && at < len(w.Controls):
			t.Errorf("%s: the focus goes to %s, and not to %s", path, s.Name, w.Controls[at])
			at = s.At
		case !s.Visible:
			t.Errorf("%s: the focus cannot be seen at %s", path, s.Name)
		case !s.Inside:
			t.Errorf("%s: the focus is off the screen at %s", path, s.Name)
		}
		at++
	}
	// What scrolls took some of the keys; the rest of them is for the last controls.
	if at < count-3 {
		t.Errorf("%s: the Tab key comes to %d of %d controls", path, at, count)
	}
	pressed(t, b, path)
}

// pressed finds that each control on a page does by Enter and Space what it does by a click.
func pressed(t *testing.T, b *browser.Browser, path string) {
	t.Helper()
	count := browser.Evaluate[int](b, "counting what can be pressed", `() => {
		window.pressables = [...document.querySelectorAll("main a[href], main button, main summary, main input[type=checkbox]")].filter(e => !e.disabled && e.checkVisibility());
		window.addEventListener("click", e => { window.clicks++; e.preventDefault(); }, true);
		return window.pressables.length;
	}`)
	for i := range count {
		kind := browser.Evaluate[string](b, "going to a control", `i => { const e = window.pressables[i]; e.focus(); window.clicks = 0; return e.tagName; }`, i)
		want := 0
		if kind != "INPUT" {
			b.Keys(browser.Enter)
			want++
		}
		if kind != "A" {
			b.Keys(" ")
			want++
		}
		if got := browser.Evaluate[int](b, "counting clicks", `() => window.clicks`); got != want {
			t.Errorf("%s: %d of %d keys press %s", path, got, want, browser.Evaluate[string](b, "its name", `i => window.pressables[i].outerHTML.slice(0, 100)`, i))
		}
	}
}

// skips takes the way around the menu, which each page has at its beginning.
func skips(t *testing.T, b *browser.Browser) {
	t.Helper()
	b.Keys(browser.Tab + browser.Enter)
	b.Until("the page behind the menu", `() => document.activeElement.id === "main"`)
	b.Keys(browser.Tab)
	if !browser.Evaluate[bool](b, "where the focus is", `() => document.activeElement.closest("main") !== null`) {
		t.Error("the Tab key leads back into the menu")
	}
}

// foldsMenu opens the menu of a telephone by Enter, and closes it by Escape from within.
func foldsMenu(t *testing.T, b *browser.Browser) {
	t.Helper()
	const isOpen = `() => document.querySelector(".fold").open`
	browser.Evaluate[bool](b, "going to the menu", `() => { document.querySelector(".fold summary").focus(); return true; }`)
	b.Keys(browser.Enter)
	b.Until("the menu", isOpen)
	b.Keys(browser.Tab + browser.Tab + browser.Escape)
	if browser.Evaluate[bool](b, "the menu", isOpen) {
		t.Error("Escape does not close the menu")
	}
	if !browser.Evaluate[bool](b, "where the focus is", `() => document.activeElement.matches(".fold summary")`) {
		t.Error("behind Escape the focus is not where the menu was opened")
	}
}

// width judges that nothing on a page is wider than its window.
func width(t *testing.T, b *browser.Browser, path string) {
	t.Helper()
	if wide := browser.Evaluate[string](b, "measuring", `() => {
		const over = document.documentElement.scrollWidth - innerWidth;
		if (over <= 0) return "";
		const e = [...document.querySelectorAll("body *")].find(e => e.getBoundingClientRect().right > innerWidth + 1);
		return over + " pixels too wide: " + (e ? e.outerHTML.slice(0, 200) : "");
	}`); wide != "" {
		t.Errorf("%s: %s", path, wide)
	}
}
