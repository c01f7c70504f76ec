package agent

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tipring/internal/ua/transport"
	"tipring/t38/t30"
	"tipring/t38/t4/document"
	"tipring/t38/t4/pdf"
	"tipring/tools/lab"
	"tipring/webui/api"
)

// A faxLab is a provider with a fax machine at the far end, and one account.
type faxLab struct {
	*lab.Lab
	t *testing.T
}

func newFaxLab(t *testing.T) *faxLab {
	t.Helper()
	l, err := lab.Start(lab.Config{
		Users:  map[string]string{"201": "a", "202": "b"},
		Radius: &lab.RadiusConfig{Secret: "between us", Accounts: []lab.Account{{Name: "acme", Password: "p"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return &faxLab{l, t}
}

// device has two mailboxes of an account: one on a line without a server, one on a user's.
func (l *faxLab) device(account, user, password string) *rig {
	l.t.Helper()
	r := start(l.t, base+fmt.Sprintf(`[sip1]
username = 1001
register_addr = 127.0.0.1
register_port = 9
keepalive = none
[sip2]
username = %s
auth_password = %s
register_addr = 127.0.0.1
register_port = %d
[port1]
kind = fax
line = 1
driver = none
csid = 555
[port2]
kind = fax
line = 2
driver = none
csid = 556
[radius]
servers = %v
acct_servers = %v
secret = between us
account = %s
password = p
timeout_ms = 300
tries = 2
call_budget_ms = 1500
dead_s = 0
`, user, password, l.Primary.Addr(transport.UDP).Port(), l.Radius.Addr(), l.Radius.AcctAddr(), account))
	r.until("registered", func() bool { return r.registered(2) })
	return r
}

// accounts are what an account's faxes were told of, each as the letters of its records: Start,
// Alive, enD.
func (l *faxLab) accounts(user string) (list []string) {
	ids := []string{}
	told := map[string]string{}
	for _, x := range l.Radius.Records() {
		if x.User != user {
			continue
		}
		if !slices.Contains(ids, x.SessionID) {
			ids = append(ids, x.SessionID)
		}
		told[x.SessionID] += map[uint32]string{1: "S", 2: "D", 3: "A"}[x.Status]
	}
	for _, id := range ids {
		list = append(list, told[id])
	}
	return list
}

func (r *rig) sendFax(port int, to, file string) string {
	r.t.Helper()
	f, err := os.Open(file)
	if err != nil {
		r.t.Fatal(err)
	}
	defer f.Close()
	id, err := faxes{r.Agent}.SendFax(r.t.Context(), api.FaxOrder{Port: port, To: to, File: f})
	if err != nil {
		r.t.Fatal(err)
	}
	return id
}

// settled waits for the end of a fax.
func (r *rig) settled(id string) api.Fax {
	r.t.Helper()
	r.within(time.Minute, "the end of the fax", func() bool { x, _ := faxes{r.Agent}.Fax(id); return !x.Ended.IsZero() })
	x, _ := faxes{r.Agent}.Fax(id)
	return x
}

// inbox are the faxes that came in, by their ends.
func (r *rig) inbox() (list []api.Fax) {
	for _, x := range (faxes{r.Agent}).Faxes() {
		if x.Direction == "in" && !x.Ended.IsZero() {
			list = append(list, x)
		}
	}
	return list
}

// A fax whose own line has no server goes over another one; its account has a beginning, one sign
// of life and an end; and its number is known afterwards. One that is cancelled in mid-call has
// its end told, too, and teaches nothing. A change of the line that carries a fax waits for its end.
func TestFaxGoesOverAnotherLine(t *testing.T) {
	t.Parallel()
	l := newFaxLab(t)
	r := l.device("acme", "201", "a")
	file := picture(t).Name()
	id := r.sendFax(1, lab.FaxUser, file)
	r.within(time.Minute, "the fax is on its way", func() bool { y, _ := faxes{r.Agent}.Fax(id); return y.State == "sending" })
	// Its rate, the far machine and its call are known while it goes, and before its end.
	var live api.Fax
	r.within(time.Minute, "its rate is told", func() bool { live, _ = faxes{r.Agent}.Fax(id); return live.Rate != nil })
	if live.State != "sending" || !live.Ended.IsZero() || live.Transport == "" || live.ECM == nil || live.RemoteID != lab.FaxUser || live.SIPCallID == "" {
		t.Errorf("on its way: %+v", live)
	}
	text, err := os.ReadFile(r.file)
	if err != nil {
		t.Fatal(err)
	}
	r.reload(edit(string(text), "[sip2]\ndisplay_name = x\n[port1]\ncsid = 777")) // of the line that is in use
	if w := r.waits(); w != "[{sip2 the end of the calls of line 2}]" {
		t.Errorf("waiting: %s", w)
	}
	x := r.settled(id)
	if x.State != "sent" || x.Tries != 1 || x.Transport != "t38" || x.RemoteID != lab.FaxUser || *x.Line != 1 || x.CalledNumberResult != "success" || x.SIPCallID == "" || len(x.Pages) != 1 || x.Pages[0].Rows == nil {
		t.Errorf("%+v", x)
	}
	r.until("its account", func() bool { return fmt.Sprint(l.accounts("acme")) == "[SAD]" })
	if n := (faxes{r.Agent}).CalledNumbers(); len(n) != 1 || n[0].Number != lab.FaxUser || n[0].Result != "success" {
		t.Errorf("called numbers: %+v", n)
	}
	got, err := l.Far.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if f, err := got.Fax(t.Context()); err != nil || f.Result.Code != t30.OK || f.Result.Peer.Ident != "555" {
		t.Errorf("the far machine: %+v, %v", f.Result, err)
	}

	r.until("the changed line is registered", func() bool { return r.waits() == "[]" && r.registered(2) })
	id = r.sendFax(2, lab.FaxUser, file)
	r.within(time.Minute, "the fax is on its way", func() bool { y, _ := faxes{r.Agent}.Fax(id); return y.State == "sending" })
	if err := (faxes{r.Agent}).CancelFax(t.Context(), id); err != nil {
		t.Error(err)
	}
	if y := r.settled(id); y.State != "cancelled" || y.Error == "" {
		t.Errorf("%+v", y)
	}
	r.until("the account of what was cancelled", func() bool { a := l.accounts("acme"); return len(a) == 2 && strings.Contains(a[1], "D") })
	if a := l.accounts("acme")[1]; strings.Count(a, "D") != 1 || strings.Count(a, "A") > 1 {
		t.Errorf("accounts: %s", a)
	}
}

// Whom the provider rejects makes no call, and answers none; nothing is accounted for.
func TestFaxesThatTheProviderRefuses(t *testing.T) {
	t.Parallel()
	l := newFaxLab(t)
	r := l.device("nobody", "202", "b")
	x := r.settled(r.sendFax(2, lab.FaxUser, picture(t).Name()))
	if x.State != "failed" || x.Tries != 1 || !strings.Contains(string(x.Error), "the provider does not let this account send") {
		t.Errorf("%+v", x)
	}
	if n := len((device{r.Agent}).Calls()); n != 0 {
		t.Errorf("%d calls", n)
	}
	if _, err := l.farSends(t.Context(), "202"); err == nil || !strings.Contains(err.Error(), "480") {
		t.Errorf("the caller: %v", err)
	}
	if in := r.inbox(); len(in) != 0 {
		t.Errorf("stored: %+v", in)
	}
	if a := l.accounts("nobody"); len(a) != 0 {
		t.Errorf("accounts: %v", a)
	}
}

func (l *faxLab) farSends(ctx context.Context, user string) (*lab.FarCall, error) {
	d, err := document.Open(ctx, picture(l.t).Name(), pdf.Poppler{})
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { d.Close() })
	return l.Far.SendFax(ctx, l.Primary.Addr(transport.UDP), user, d)
}

// A mailbox asks before it answers, and keeps what comes. A caller that gives up while a provider is
// silent leaves no fax and no account without an end; so does one that says nothing.
func TestMailbox(t *testing.T) {
	t.Parallel()
	l := newFaxLab(t)
	r := l.device("acme", "201", "a")
	call, err := l.farSends(t.Context(), "201")
	if err != nil {
		t.Fatal(err)
	}
	if f, err := call.Fax(t.Context()); err != nil || f.Result.Code != t30.OK || f.Result.Peer.Ident != "556" {
		t.Errorf("the far machine: %+v, %v", f.Result, err)
	}
	r.until("the fax is stored", func() bool { return len(r.inbox()) == 1 })
	if x := r.inbox()[0]; x.State != "received" || x.Kind != "mailbox" || *x.PageCount != 1 || *x.Port != 2 || x.RemoteID != lab.FaxUser || x.Peer == "" || x.Error != "" {
		t.Errorf("%+v", x)
	}
	r.until("its account", func() bool { return fmt.Sprint(l.accounts("acme")) == "[SAD]" })

	l.Radius.Silence(true)
	asking, giveUp := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer giveUp()
	if _, err := l.farSends(asking, "201"); err == nil {
		t.Error("a mailbox answers before its provider has, or is late")
	}
	r.within(time.Minute, "a fax that nobody sent", func() bool { return len(r.inbox()) == 2 })
	l.Radius.Silence(false)
	if x := r.inbox()[0]; x.State != "failed" || x.PageCount != nil || x.Error == "" {
		t.Errorf("%+v", x)
	}
	r.within(time.Minute, "the end of its account", func() bool { a := l.accounts("acme"); return len(a) == 2 && strings.HasSuffix(a[1], "D") })

	if call, err = l.Far.Call(t.Context(), l.Primary.Addr(transport.UDP), "201"); err != nil {
		t.Fatal(err)
	}
	r.until("it is told as a fax that comes", func() bool {
		return slices.ContainsFunc((faxes{r.Agent}).Faxes(), func(x api.Fax) bool { return x.State == "receiving" })
	})
	call.Hangup()
	r.until("its end", func() bool { return len(r.inbox()) == 3 })
	r.until("the end of its account", func() bool { a := l.accounts("acme"); return len(a) == 3 && strings.HasSuffix(a[2], "D") })
	if left, _ := filepath.Glob(filepath.Join(r.dir, faxesDir, "*", "document.tiff")); len(left) != 1 {
		t.Errorf("documents: %v", left)
	}
}

// A page that tells a machine of a document which was not delivered has an account, as those
// about the machine's own faxes have: it points to the first account of the document.
func TestNoticeAboutADocumentHasAnAccount(t *testing.T) {
	t.Parallel()
	l, path := newFaxLab(t), socketPath(t)
	r := start(t, base+fmt.Sprintf(`[sip1]
username = 201
auth_password = a
register_addr = 127.0.0.1
register_port = %d
[port1]
kind = fax
fax_mode = spool
driver = unix:%s
[radius]
servers = %v
acct_servers = %v
secret = between us
account = acme
password = p
`, l.Primary.Addr(transport.UDP).Port(), path, l.Radius.Addr(), l.Radius.AcctAddr()))
	r.until("registered", func() bool { return r.registered(1) })
	m := newMachine(r, path)
	var box counter
	m.answer = t30.Config{Sink: &box, ECM: true, Ident: "222"}
	m.run("the card is there", func() bool { return r.port(1).port.Snapshot().Card })
	id := r.sendFax(1, "299", picture(t).Name()) // nobody has that number
	m.run("the machine is told", func() bool { return m.faxes == 1 })
	if x := r.settled(id); x.State != "failed" || x.Tries != 1 || box.pages != 1 {
		t.Errorf("%+v; %d pages at the machine", x, box.pages)
	}
	r.within(time.Minute, "both accounts are over", func() bool { return len(l.Radius.Stops()) == 2 })
	about, notice := l.Radius.Stops()[0], l.Radius.Stops()[1]
	if about.Stage != 0 || !about.Send || about.Number != "299" || about.Pages != 0 {
		t.Errorf("the account of the document: %+v", about)
	}
	if notice.Stage != 3 || notice.Send || notice.Pages != 1 || notice.Account != "acme" {
		t.Errorf("the account of the notice: %+v", notice)
	}
	first, err := r.fax.store.Get(id)
	if err != nil || first.Session != about.Session {
		t.Errorf("the document remembers the account %q, %v; want %q", first.Session, err, about.Session)
	}
	for _, x := range r.fax.store.List() {
		if x.About == id && x.Related != about.Session {
			t.Errorf("the notice points to %q, want %q", x.Related, about.Session)
		}
	}
}
