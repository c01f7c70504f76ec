package browser

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"tipring/tools/peers/netlab"
)

// Attach chooses a file in the file control with a label.
func (b *Browser) Attach(legend, label, file string) {
	b.t.Helper()
	b.do("choosing "+file, chromedp.SetUploadFiles(chromedp.ID(b.control(legend, label)), []string{file}))
}

// Save presses a link whose file the browser saves, and returns where.
func (b *Browser) Save(words string) string {
	b.t.Helper()
	dir := netlab.WorkDir(b.t)
	b.do("making a place for downloads", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
			Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: dir,
		})
		return err
	}))
	b.Press(words)
	var file string
	if !netlab.Until(Patience, func() bool {
		all, _ := os.ReadDir(dir)
		for _, e := range all {
			if !strings.HasSuffix(e.Name(), ".crdownload") && !strings.HasPrefix(e.Name(), ".") {
				file = filepath.Join(dir, e.Name())
			}
		}
		return file != "" && len(all) == 1
	}) {
		b.t.Fatalf("%s: nothing is saved\nthe page: %s", words, b.text())
	}
	return file
}

// agree answers a question of the page ("Hang up this call?") with yes, and keeps its words.
func (b *Browser) agree(question string) {
	b.mu.Lock()
	b.asked = append(b.asked, question)
	b.mu.Unlock()
	ctx, cancel := context.WithTimeout(b.ctx, 10*time.Second)
	defer cancel()
	_ = chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})
		return err
	})) // what it asked for does not happen without, and that is seen
}

// Asked are the questions that the page asked so far; each was answered with yes.
func (b *Browser) Asked() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.asked...)
}

// Patiently is Until for what takes longer than Patience.
func (b *Browser) Patiently(limit time.Duration, what, function string, args ...any) {
	b.t.Helper()
	if !netlab.Until(limit, func() bool { return Evaluate[bool](b, what, function, args...) }) {
		b.t.Fatalf("waited in vain for %s\nthe page: %s", what, b.text())
	}
}
