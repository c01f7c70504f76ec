package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tipring/webui/api"
)

// An outbox is the faxes of the device behind the socket.
type outbox struct {
	*box
	dir string
}

func (o outbox) Faxes() []api.Fax {
	yes := true
	return []api.Fax{
		{ID: "f1", Direction: "out", Kind: "document", Line: api.Number(1), Peer: "600", State: "sent", Tries: 2, PageCount: api.Number(1),
			Created: api.At(time.Date(2026, 3, 1, 9, 0, 0, 0, time.Local)), Ended: api.At(time.Date(2026, 3, 1, 9, 2, 0, 0, time.Local)), CalledNumberResult: "success", SIPCallID: "c@h",
			Pages: []api.FaxPage{{N: 1, Result: "confirmed", Rows: api.Number(2300), Rate: api.Number(14400), Resolution: "fine", ECMRepairs: 2, What: "2 repairs"}},
			Rate:  api.Number(14400), ECM: &yes, Transport: "t38", RemoteID: "+1 555\x1b"},
		{ID: "f2", Direction: "in", Kind: "mailbox", Port: api.Number(2), State: "failed", Error: "the far end hung up"},
		{ID: "f3", Direction: "out", Kind: "document", Port: api.Number(1), Line: api.Number(1), State: "queued", PageCount: api.Number(3), NextTry: api.At(time.Date(2026, 3, 1, 9, 5, 0, 0, time.Local))},
	}
}

func (o outbox) Fax(id string) (api.Fax, bool) {
	for _, f := range o.Faxes() {
		if f.ID == id {
			return f, true
		}
	}
	return api.Fax{}, false
}

func (o outbox) CalledNumbers() []api.CalledNumber { return nil }

func (o outbox) SendFax(_ context.Context, order api.FaxOrder) (string, error) {
	text, err := io.ReadAll(order.File)
	if err != nil {
		return "", err
	}
	id := "f1"
	if order.To == "601" {
		id = "f2"
	}
	return id, o.do("send port %d line %d to %s %s %s", order.Port, order.Line, order.To, order.Name, text)
}

func (o outbox) ResendFax(_ context.Context, id, to string) (string, error) {
	return "f4", o.do("resend %s to %s", id, to)
}

func (o outbox) ForgetFax(id string) error { return o.do("forget %s", id) }

func (o outbox) ForgetNumber(number string) error { return o.do("forget %s", number) }

func (o outbox) CancelFax(_ context.Context, id string) error { return o.do("cancel %s", id) }

func (o outbox) FaxDocument(_ context.Context, id, view string, w io.Writer) error {
	_, err := fmt.Fprintf(w, "%s of %s", view, id)
	return err
}

func (o outbox) FaxPage(_ context.Context, id string, n, _ int, w io.Writer) error {
	_, err := fmt.Fprintf(w, "page %d of %s", n, id)
	return err
}

func (o outbox) UploadDir() (dir string, free int64) { return o.dir, 1 << 30 }

// startFaxes serves b and its faxes in a new state directory.
func startFaxes(t *testing.T, b *box) (dir string) {
	dir, err := os.MkdirTemp("", "tipring")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	log := slog.New(slog.DiscardHandler)
	routes := api.New(b, nil, log)
	routes.HandleFaxes(outbox{b, t.TempDir()})
	socket, err := api.ServeSocket(nil, dir, routes.Behind(api.Open{}), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close(context.Background()) })
	return dir
}

func TestFaxCommands(t *testing.T) {
	document := filepath.Join(t.TempDir(), "page.pdf")
	if err := os.WriteFile(document, []byte("%PDF"), 0o600); err != nil {
		t.Fatal(err)
	}
	saved := filepath.Join(t.TempDir(), "saved")
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args   string
		status int
		stdout string
		stderr string
		did    string
	}{
		{"faxes", 0, "f1", "", ""},
		{"fax list", 0, "f2", "", ""},
		{"fax list --json", 0, `[{"id":"f1"`, "", ""},
		{"fax show f1", 0, "sent, try 2, 1 of 1 pages, 14400 bit/s, t38\ntaken 2026-03-01 09:00:00, line 1, over 2026-03-01 09:02:00, number success, call c@h\nthe far machine calls itself +1 555?\nPAGE", "", ""},
		{"fax show f3", 0, ", port 1, line 1, next try 2026-03-01 09:05:00\n", "", ""},
		{"fax list", 0, "queued  0      0/3 ", "", ""},
		{"fax show f1", 0, "2 repairs", "", ""},
		{"fax show f9", 1, "", "404 Not Found: there is no fax f9", ""},
		{"fax save f1 " + saved + ".pdf", 0, "", "", ""},
		{"fax save f1 " + saved + ".TIFF", 0, "", "", ""},
		{"fax save f1 " + saved + ".png", 0, "", "", ""},
		{"fax save f1 " + saved + ".doc", 2, "", "wanted a name that ends in", ""},
		{"fax save f9 " + saved + ".pdf", 1, "", "404", ""},
		{"fax cancel f1", 0, "fax f1 is cancelled", "", "cancel f1"},
		{"fax send --line 1 --to 600 " + document, 0, "fax f1 to 600 is taken", "", "send port 0 line 1 to 600 page.pdf %PDF"},
		{"fax send --port 2 --to 600 --json " + document, 0, `{"id":"f1"}`, "", "send port 2 line 0 to 600 page.pdf %PDF"},
		{"fax send --port 2 --to 600 --wait " + document, 0, "fax f1 sent, try 2, 1 of 1 pages", "", "send port 2"},
		{"fax send --port 2 --to 600 --wait --json " + document, 0, `{"id":"f1"`, "", "send port 2"},
		{"fax send --port 2 --to 601 --wait " + document, 1, "fax f2 failed: the far end hung up", "fax f2 failed: the far end hung up", "send port 2"},
		{"fax send --port 2 --line 1 --to 600 " + document, 2, "", "--port N or --line N", ""},
		{"fax send --to 600 " + document, 2, "", "--port N or --line N", ""},
		{"fax send --line 1 " + document, 2, "", "--to NUMBER", ""},
		{"fax send --line 1 --to 600", 2, "", "send what file?", ""},
		{"fax send --line 1 --to 600 /no/such.pdf", 1, "", "no such file", ""},
		{"fax send --line 1 --to 600 /", 1, "", "/ is not a file", ""},
		{"fax send --line 1 --to 600 " + pipe, 1, "", "pipe is not a file", ""},
		{"fax", 2, "", "send, list, show, save or cancel is wanted", ""},
		{"fax burn f1", 2, "", `there is no "burn"`, ""},
		{"fax show", 2, "", "show which fax?", ""},
		{"fax list f1", 2, "", `what is "f1" for?`, ""},
		{"fax list --to 600", 2, "", "go with send", ""},
	} {
		b := &box{}
		dir := startFaxes(t, b)
		status, stdout, stderr := runWith(Hooks{}, append(strings.Fields(tt.args), "--state-dir", dir)...)
		if status != tt.status || !strings.Contains(stdout, tt.stdout) || !strings.Contains(stderr, tt.stderr) {
			t.Errorf("%s: %d\n%s%s\nwant %d %s %s", tt.args, status, stdout, stderr, tt.status, tt.stdout, tt.stderr)
		}
		if got := strings.Join(b.did, ", "); !strings.HasPrefix(got, tt.did) || tt.did == "" && got != "" {
			t.Errorf("%s: did %q, want %q", tt.args, got, tt.did)
		}
	}
	for name, want := range map[string]string{".pdf": "pdf of f1", ".TIFF": "tiff of f1", ".png": "page 1 of f1"} {
		if got, err := os.ReadFile(saved + name); err != nil || !bytes.Equal(got, []byte(want)) {
			t.Errorf("%s: %q %v, want %q", name, got, err, want)
		}
	}
}
