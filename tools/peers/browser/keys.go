package browser

import "github.com/chromedp/chromedp"

// Keys that are no letters.
const (
	Tab    = "\t"
	Enter  = "\r"
	Escape = "\x1b"
)

// Keys presses keys, one after the other, wherever the focus is.
func (b *Browser) Keys(keys string) {
	b.t.Helper()
	b.do("pressing keys", chromedp.KeyEvent(keys))
}
