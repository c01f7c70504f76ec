package provider

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"tipring/agent/fax"
	"tipring/internal/aaa"
	"tipring/internal/faxback"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// dictionary is the program's own with numbers for what FaxBack numbers and nobody knows: for
// tests alone.
func dictionary(t *testing.T) *faxback.Dictionary {
	t.Helper()
	text, err := os.ReadFile("../../../etc/dictionary.faxback")
	if err != nil {
		t.Fatal(err)
	}
	more := "BEGIN-VENDOR FaxBack\n"
	for i, a := range []string{"FB-Snd-From-Account integer", "FB-Snd-Time-Expired integer", "FB-Snd-TSID string", "FB-Rcv-To-Account integer", "FB-Rcv-Time-Expired integer",
		"FB-Rcv-CSID string", "FB-Save-CDR integer", "FB-Customer string", "FB-Source string", "FB-Fax-Error-Code integer", "FB-Related-Id string", "FB-Port-Used string"} {
		name, kind, _ := strings.Cut(a, " ")
		more += fmt.Sprintf("ATTRIBUTE %s %d %s\n", name, 200+i, kind)
	}
	d, err := faxback.ParseDictionary("test", append(text, []byte(more+"END-VENDOR FaxBack\n")...))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// A server answers by command: "pre-send", "pre-receive", "line", "call-ahead". What it has no
// answer for gets an empty Accept; "silent" none at all, after so long.
type server struct {
	dict    *faxback.Dictionary
	answers map[string]string // "reject", or NAME=VALUE lines
	silent  bool
	asked   []string
	wait    time.Duration
}

func (s *server) Exchange(ctx context.Context, r aaa.Request) (aaa.Response, error) {
	subs, err := aaa.Walk(r.Attributes, s.dict.Vendor)
	if err != nil {
		return aaa.Response{}, err
	}
	say := map[string]string{}
	for _, sub := range subs {
		name, _ := s.dict.Name(sub.Type)
		say[name] = string(sub.Value)
	}
	selector := [2]uint32{binary.BigEndian.Uint32([]byte(say["FB-Command"])), binary.BigEndian.Uint32([]byte(say["FB-Context"]))}
	question := map[[2]uint32]string{{1, 3}: "pre-send", {1, 4}: "pre-receive", {8, 3}: "line", {5, 3}: "call-ahead"}[selector]
	user, _ := r.Attributes.Lookup(aaa.UserName)
	text := question + " " + string(user)
	if n := say["FB-Dial-Number"]; n != "" {
		text += " " + n + " " + fmt.Sprint(say["FB-Transfer-Type"][3])
	}
	s.asked = append(s.asked, text)
	select {
	case <-time.After(min(s.wait, r.Budget)):
	case <-ctx.Done():
		return aaa.Response{}, ctx.Err()
	}
	if s.silent || s.wait > r.Budget {
		return aaa.Response{}, aaa.ErrNoAnswer
	}
	return s.answer(s.answers[question]), nil
}

func (s *server) answer(text string) aaa.Response {
	if text == "reject" {
		return aaa.Response{Code: aaa.AccessReject, Server: "r"}
	}
	res := aaa.Response{Code: aaa.AccessAccept, Server: "r"}
	for _, line := range strings.Fields(text) {
		name, value, _ := strings.Cut(line, "=")
		n, ok := s.dict.Number(name)
		if !ok {
			panic(name)
		}
		octets := []byte(value)
		if number, isNumber := strings.CutPrefix(value, "#"); isNumber {
			octets = binary.BigEndian.AppendUint32(nil, uint32(number[0]-'0'))
		}
		res.Attributes = append(res.Attributes, aaa.VSA(s.dict.Vendor, aaa.SubAttribute{Vendor: s.dict.Vendor, Type: n, Value: octets}))
	}
	return res
}

// A ledger keeps what a journal is given.
type ledger struct {
	dict    *faxback.Dictionary
	got     []string
	unended []string
}

func (l *ledger) Offer(a aaa.Attributes) { l.got = append(l.got, l.text(a)) }
func (l *ledger) Begin(a aaa.Attributes) func(aaa.Attributes) {
	l.unended = append(l.unended, l.text(a))
	return l.Offer
}

// text is the status and those of FaxBack's attributes that the tests look at.
func (l *ledger) text(a aaa.Attributes) string {
	status, _ := a.Lookup(aaa.AcctStatusType)
	text := map[byte]string{1: "start", 2: "stop", 3: "alive"}[status[3]]
	user, _ := a.Lookup(aaa.UserName)
	text += " " + string(user)
	subs, _ := aaa.Walk(a, l.dict.Vendor)
	for _, sub := range subs {
		name, _ := l.dict.Name(sub.Type)
		switch name {
		case "FB-Dial-Number", "FB-Per-Fax-CDR-Info", "FB-CDR-Info", "FB-Customer", "FB-SIP-Call-Id", "FB-Related-Id", "FB-Port-Used", "FB-Description":
			text += " " + strings.TrimPrefix(name, "FB-") + "=" + string(sub.Value)
		case "FB-Page-Count", "FB-Called-Number-Result", "FB-Fax-Error-Code", "FB-CDR-Type", "FB-Msg-Type", "FB-Is-Send", "FB-Total-Seconds":
			text += fmt.Sprintf(" %s=%d", strings.TrimPrefix(name, "FB-"), binary.BigEndian.Uint32(sub.Value))
		}
	}
	return text
}

// A rig is a clerk between a server and a ledger.
type rig struct {
	*Clerk
	server  *server
	ledger  *ledger
	account string
	profile string
	mode    *uint32 // the account's own call-ahead mode, where it decides
	log     bytes.Buffer
}

func newRig(t *testing.T) *rig {
	d := dictionary(t)
	r := &rig{server: &server{dict: d, answers: map[string]string{}}, ledger: &ledger{dict: d}, account: "acme"}
	r.Clerk = New(Config{
		Directory: func() *faxback.Directory { return &faxback.Directory{Asker: r.server, Dictionary: d} },
		Account:   func() string { return r.account },
		Called:    func(line int) string { return fmt.Sprint("line", line) },
		Profile: func() (faxback.QueueProfile, bool) {
			return faxback.ParseQueueProfile(r.profile), r.profile != ""
		},
		Journal: func() (Journal, *faxback.Dictionary) { return r.ledger, d },
		Ahead:   func(int) *uint32 { return r.mode },
		Budget:  func() time.Duration { return 3 * time.Second },
		Device:  func() string { return "device" },
		Log:     slog.New(slog.NewTextHandler(&r.log, nil)),
	})
	return r
}

var attempt = fax.Attempt{Port: 1, Line: 1, Send: true, Queue: true, Number: "600", Info: "77", ANI: "5550001", CSID: "me", Stage: fax.FromMachine}

func TestSending(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answers map[string]string
		queue   bool
		want    string // the permit
		asked   string
	}{
		{"nothing is said", nil, true, "ani 5550001 csid me ahead true", "pre-send acme 600 2, line 5550001, call-ahead 600"},
		{"real time asks no call-ahead", nil, false, "ani 5550001 csid me", "pre-send acme 600 1, line 5550001"},
		{"rejected", map[string]string{"pre-send": "reject"}, true, "refused: the provider does not let this account send", "pre-send acme 600 2"},
		{"switched off", map[string]string{"pre-send": "FB-Snd-From-Account=#0"}, true, "refused: the provider has switched off sending for this account", "pre-send acme 600 2"},
		{"expired", map[string]string{"pre-send": "FB-Snd-Time-Expired=#1"}, true, "refused: the account's sending time has expired", "pre-send acme 600 2"},
		{"another number and identification", map[string]string{"pre-send": "FB-Snd-ANI=777 FB-Snd-TSID=them"}, false, "ani 777 csid them", "pre-send acme 600 1, line 5550001"},
		{"the line's number", map[string]string{"line": "FB-Snd-ANI=888"}, false, "ani 888 csid me", "pre-send acme 600 1, line 5550001"},
		{"the account's before the line's", map[string]string{"pre-send": "FB-Snd-ANI=777", "line": "FB-Snd-ANI=888"}, false, "ani 777 csid me", "pre-send acme 600 1, line 5550001"},
		{"the line is rejected", map[string]string{"line": "reject"}, true, "refused: the provider does not let this line send", "pre-send acme 600 2, line 5550001"},
		{"call-ahead 0 at once", map[string]string{"pre-send": "FB-Call-Ahead-Mode=#0"}, true, "ani 5550001 csid me ahead false", "pre-send acme 600 2, line 5550001"},
		{"call-ahead 1 at once", map[string]string{"pre-send": "FB-Call-Ahead-Mode=#1"}, true, "ani 5550001 csid me ahead true", "pre-send acme 600 2, line 5550001"},
		{"call-ahead 0 by number", map[string]string{"call-ahead": "FB-Call-Ahead-Mode=#0"}, true, "ani 5550001 csid me ahead false", "pre-send acme 600 2, line 5550001, call-ahead 600"},
		{"call-ahead rejected", map[string]string{"call-ahead": "reject"}, true, "ani 5550001 csid me ahead true", "pre-send acme 600 2, line 5550001, call-ahead 600"},
	} {
		r := newRig(t)
		if tt.answers != nil {
			r.server.answers = tt.answers
		}
		a := attempt
		a.Queue = tt.queue
		if got := show(r.Begin(t.Context(), a)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
		if got := strings.Join(r.server.asked, ", "); got != tt.asked {
			t.Errorf("%s: asked %s, want %s", tt.name, got, tt.asked)
		}
	}
}

// The account's own mode asks for no number.
func TestAccountsOwnMode(t *testing.T) {
	for mode, want := range map[uint32]string{0: "ani 5550001 csid me ahead false", 2: "ani 5550001 csid me ahead true"} {
		r := newRig(t)
		r.mode = &mode
		r.server.answers["pre-send"] = fmt.Sprintf("FB-Call-Ahead-Mode=#%d", 1-mode/2) // is not heard
		if got := show(r.Begin(t.Context(), attempt)); got != want {
			t.Errorf("mode %d: %s, want %s", mode, got, want)
		}
		if got := strings.Join(r.server.asked, ", "); got != "pre-send acme 600 2, line 5550001" {
			t.Errorf("mode %d: asked %s", mode, got)
		}
	}
}

// The later way of a fax, and a notice, are in the account, and nobody is asked.
func TestLaterWay(t *testing.T) {
	r := newRig(t)
	for _, n := range []fax.Notice{fax.NoNotice, fax.FailureNotice} {
		a := attempt
		a.Send, a.Stage, a.Related, a.Notice = false, fax.ToMachine, "s0", n
		s := r.Account(a)
		s.Stop(fax.Outcome{OK: true})
	}
	want := []string{
		"start acme Dial-Number=600 Is-Send=0",
		"stop acme CDR-Info= Per-Fax-CDR-Info=77 Customer= Is-Send=0 Dial-Number=600 Total-Seconds=0 Page-Count=0 Port-Used=port1 SIP-Call-Id= Msg-Type=0 CDR-Type=3 Description= Related-Id=s0 Fax-Error-Code=0",
		"start acme Dial-Number=600 Is-Send=0",
		"stop acme CDR-Info= Per-Fax-CDR-Info=77 Customer= Is-Send=0 Dial-Number=600 Total-Seconds=0 Page-Count=0 Port-Used=port1 SIP-Call-Id= Msg-Type=2 CDR-Type=3 Description= Related-Id=s0 Fax-Error-Code=0",
	}
	if !slices.Equal(r.ledger.got, want) || len(r.server.asked) > 0 {
		t.Errorf("asked %q\ngot  %q\nwant %q", r.server.asked, r.ledger.got, want)
	}
}

// A fax that follows the voice which a call ahead had found is one in real time, and points to the
// account of the call ahead.
func TestFaxBehindAVoice(t *testing.T) {
	r := newRig(t)
	a := attempt
	a.Stage, a.Related = fax.RealTime, "s0"
	s := r.Account(a)
	s.Alive()
	s.Stop(fax.Outcome{OK: true, CalledResult: fax.Success, Pages: []fax.Page{{N: 1, Result: "confirmed"}}})
	if got := r.ledger.got; len(got) != 3 || !strings.HasPrefix(got[0], "start acme") || !strings.HasPrefix(got[1], "alive acme") ||
		!strings.Contains(got[2], "Page-Count=1") || !strings.Contains(got[2], "CDR-Type=0") || !strings.Contains(got[2], "Related-Id=s0") {
		t.Errorf("%q", got)
	}
}

func show(p fax.Permit) string {
	if p.Refused != "" {
		return "refused: " + p.Refused
	}
	text := "ani " + p.ANI + " csid " + p.CSID
	if p.CallAhead != nil {
		text += fmt.Sprint(" ahead ", *p.CallAhead)
	}
	return text
}

func TestReceiving(t *testing.T) {
	for _, tt := range []struct{ answer, want string }{
		{"", "ani 5550001 csid me"},
		{"reject", "refused: the provider does not let this account receive"},
		{"FB-Rcv-To-Account=#0", "refused: the provider has switched off receiving for this account"},
		{"FB-Rcv-Time-Expired=#1", "refused: the account's receiving time has expired"},
		{"FB-Rcv-CSID=them", "ani 5550001 csid them"},
	} {
		r := newRig(t)
		r.server.answers["pre-receive"] = tt.answer
		a := attempt
		a.Send = false
		if got := show(r.Begin(t.Context(), a)); got != tt.want {
			t.Errorf("%q: %s, want %s", tt.answer, got, tt.want)
		}
		if got := strings.Join(r.server.asked, ", "); got != "pre-receive acme 600 2" {
			t.Errorf("%q: asked %s", tt.answer, got)
		}
	}
}

// Servers that do not answer forbid nothing, and cost the budget at most once over.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.server.silent, r.server.wait = true, time.Hour
		began := time.Now()
		p := r.Begin(t.Context(), attempt)
		if got := show(p); got != "ani 5550001 csid me" {
			t.Error(got)
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("it took %v", took)
		}
		p.Session.Stop(fax.Outcome{})
		if len(r.ledger.got) != 2 {
			t.Errorf("accounting: %q", r.ledger.got)
		}
	})
}

// Servers that are slow cost no more: what they have said in time holds, and the rest is as if they
// were silent.
func TestSlowness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.server.answers = map[string]string{"pre-send": "FB-Snd-TSID=them", "line": "FB-Snd-ANI=888"}
		r.server.wait = 2 * time.Second
		began := time.Now()
		if got := show(r.Begin(t.Context(), attempt)); got != "ani 5550001 csid them" {
			t.Error(got)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// Without an account nobody is asked, and nothing is told.
func TestWithoutAccount(t *testing.T) {
	r := newRig(t)
	r.account = ""
	p := r.Begin(t.Context(), attempt)
	p.Session.Alive()
	p.Session.Stop(fax.Outcome{})
	if len(r.server.asked) > 0 || len(r.ledger.got) > 0 || p.Refused != "" || p.CallAhead != nil {
		t.Errorf("asked %q, told %q, %s", r.server.asked, r.ledger.got, show(p))
	}
}

// The account's profile says whom to tell; the line's stands instead of it.
func TestNotices(t *testing.T) {
	for _, tt := range []struct {
		profile, line     string
		failure, delivery bool
	}{
		{"", "", true, false},
		{`<QPXml Dn="1" Ndn="1" />`, "", true, true},
		{`<QPXml Dn="0" Ndn="0" />`, "", false, false},
		{`<QPXml Dn="0" Ndn="0" />`, `<QPXml Op="1" Dn="1" Ndn="1" />`, true, true},
		{`<QPXml Dn="1" Ndn="0" />`, `<QPXml Dn="0" Ndn="1" />`, false, true},
	} {
		r := newRig(t)
		r.profile = tt.profile
		n, _ := r.server.dict.Number("FB-Queue-Profile")
		a := attempt
		a.Queue = false
		s := &profiled{r.server, aaa.VSA(r.server.dict.Vendor, aaa.SubAttribute{Vendor: r.server.dict.Vendor, Type: n, Value: []byte(tt.line)})}
		r.cfg.Directory = func() *faxback.Directory { return &faxback.Directory{Asker: s, Dictionary: r.server.dict} }
		if p := r.Begin(t.Context(), a); p.TellFailure != tt.failure || p.TellDelivery != tt.delivery {
			t.Errorf("%s %s: failure %v delivery %v, want %v %v", tt.profile, tt.line, p.TellFailure, p.TellDelivery, tt.failure, tt.delivery)
		}
	}
}

// profiled adds a queue profile to each answer.
type profiled struct {
	*server
	profile aaa.Attribute
}

func (s *profiled) Exchange(ctx context.Context, r aaa.Request) (aaa.Response, error) {
	res, err := s.server.Exchange(ctx, r)
	res.Attributes = append(res.Attributes, s.profile)
	return res, err
}

func TestAccounting(t *testing.T) {
	outcome := fax.Outcome{SIPCallID: "c@h", Pages: []fax.Page{{N: 1, Result: "confirmed"}, {N: 2, Result: "lost"}}, ErrorCode: 27983, Reason: "cut"}
	for _, tt := range []struct {
		name    string
		answers map[string]string
		change  func(*fax.Attempt)
		called  fax.CalledNumberResult
		want    []string
	}{
		{"a call ahead that became the fax call", nil, func(*fax.Attempt) {}, fax.FaxError, []string{
			"start acme Dial-Number=600 Is-Send=1", "alive acme Dial-Number=600 Is-Send=1",
			"stop acme CDR-Info= Per-Fax-CDR-Info=77 Customer= Is-Send=1 Dial-Number=600 Total-Seconds=0 Page-Count=1 Port-Used=port1 SIP-Call-Id=c@h Called-Number-Result=1 Msg-Type=0 CDR-Type=0 Description=cut Fax-Error-Code=27983",
		}},
		{"a machine's fax", map[string]string{"pre-send": "FB-CDR-Info=info FB-Customer=c"}, func(*fax.Attempt) {}, fax.Unknown, []string{
			"start acme Dial-Number=600 Is-Send=1", "alive acme Dial-Number=600 Is-Send=1",
			"stop acme CDR-Info=info Per-Fax-CDR-Info=77 Customer=c Is-Send=1 Dial-Number=600 Total-Seconds=0 Page-Count=1 Port-Used=port1 SIP-Call-Id=c@h Msg-Type=0 CDR-Type=2 Description=cut Fax-Error-Code=27983",
		}},
		{"its delivery", nil, func(a *fax.Attempt) { a.Stage, a.Related, a.Port = fax.Delivery, "s0", 0 }, fax.FaxError, []string{
			"start acme Dial-Number=600 Is-Send=1", "alive acme Dial-Number=600 Is-Send=1",
			"stop acme CDR-Info= Per-Fax-CDR-Info=77 Customer= Is-Send=1 Dial-Number=600 Total-Seconds=0 Page-Count=1 Port-Used=line1 SIP-Call-Id=c@h Called-Number-Result=1 Msg-Type=0 CDR-Type=0 Description=cut Related-Id=s0 Fax-Error-Code=27983",
		}},
		{"no accounting is wanted", map[string]string{"pre-send": "FB-Save-CDR=#0"}, func(*fax.Attempt) {}, fax.Unknown, nil},
		{"a session that cannot start has no record", map[string]string{"pre-send": "reject"}, func(*fax.Attempt) {}, fax.Unknown, nil},
	} {
		r := newRig(t)
		if tt.answers != nil {
			r.server.answers = tt.answers
		}
		a := attempt
		tt.change(&a)
		outcome.CalledResult = tt.called
		p := r.Begin(t.Context(), a)
		p.Session.Alive()
		p.Session.Alive()
		p.Session.Stop(outcome)
		p.Session.Stop(outcome)
		p.Session.Alive()
		if !slices.Equal(r.ledger.got, tt.want) {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.name, r.ledger.got, tt.want)
		}
	}
}

// A fax whose end the device does not see is told of as one that was cut off.
func TestUnended(t *testing.T) {
	r := newRig(t)
	r.server.answers["pre-send"] = "FB-CDR-Info=info"
	r.Begin(t.Context(), attempt)
	want := []string{"stop acme CDR-Info=info Per-Fax-CDR-Info=77 Customer= Is-Send=1 Dial-Number=600 Total-Seconds=0 Page-Count=0 Port-Used=port1 SIP-Call-Id= Msg-Type=0 CDR-Type=2 Description=the device was restarted Fax-Error-Code=27983"}
	if !slices.Equal(r.ledger.unended, want) {
		t.Errorf("got  %q\nwant %q", r.ledger.unended, want)
	}
}

// What has a Start has a Stop, and what has none has none: whatever becomes of [radius] meanwhile.
func TestJournalChanges(t *testing.T) {
	r := newRig(t)
	kept := r.cfg.Journal
	none := func() (Journal, *faxback.Dictionary) { return nil, nil }
	for _, tt := range []struct {
		name          string
		before, after func() (Journal, *faxback.Dictionary)
		records       int
		id            bool
	}{{"taken away", kept, none, 3, true}, {"given", none, kept, 0, false}} {
		r.ledger.got, r.cfg.Journal = nil, tt.before
		s := r.Begin(t.Context(), attempt).Session
		r.cfg.Journal = tt.after
		s.Alive()
		s.Stop(fax.Outcome{})
		if len(r.ledger.got) != tt.records || (s.ID() != "") != tt.id {
			t.Errorf("%s: %q, session %q", tt.name, r.ledger.got, s.ID())
		}
	}
}

// Whoever ends a fax without a call says why, and the record has a number for it.
func TestReasonsWithoutACall(t *testing.T) {
	for _, tt := range []struct {
		name string
		o    fax.Outcome
		want string
	}{
		{"the machine hung up", fax.Outcome{Reason: "x"}, "Fax-Error-Code=28503"},
		{"the disk did not take it", fax.Outcome{Reason: "x", Answered: true, Begun: true}, "Fax-Error-Code=27997"},
		{"judged", fax.Outcome{Reason: "x", ErrorCode: 28025, CalledResult: fax.VoiceError}, "Called-Number-Result=2 Msg-Type=0 CDR-Type=2 Description=x Fax-Error-Code=28025"},
		{"well", fax.Outcome{OK: true}, "Fax-Error-Code=0"},
	} {
		r := newRig(t)
		r.Begin(t.Context(), attempt).Session.Stop(tt.o)
		if got := r.ledger.got[len(r.ledger.got)-1]; !strings.HasSuffix(got, tt.want) {
			t.Errorf("%s: %s, want …%s", tt.name, got, tt.want)
		}
	}
}

// A later way of a fax that there is no account of has none.
func TestLaterWayOfNothing(t *testing.T) {
	r := newRig(t)
	r.server.answers["pre-receive"] = "FB-Save-CDR=#0"
	a := attempt
	a.Send = false
	first := r.Begin(t.Context(), a).Session
	a.Related = first.ID()
	later := r.Account(a)
	for _, s := range []fax.Session{first, later} {
		s.Alive()
		s.Stop(fax.Outcome{})
	}
	if len(r.ledger.got)+len(r.ledger.unended) > 0 {
		t.Errorf("told %q, %q", r.ledger.got, r.ledger.unended)
	}
}

// A fax to a port without a number of its own is one to its line's.
func TestNumberOfTheLine(t *testing.T) {
	for _, tt := range []struct{ number, ani, asked string }{
		{"600", "5550001", "600"}, {"", "5550001", "5550001"}, {"", "", "line1"},
	} {
		r := newRig(t)
		a := attempt
		a.Send, a.Number, a.ANI = false, tt.number, tt.ani
		r.Begin(t.Context(), a).Session.Stop(fax.Outcome{})
		if got := strings.Join(r.server.asked, ", "); got != "pre-receive acme "+tt.asked+" 2" {
			t.Errorf("%+v: asked %s", tt, got)
		}
		if got := r.ledger.got[0]; got != "start acme Dial-Number="+tt.asked+" Is-Send=0" {
			t.Errorf("%+v: told %s", tt, got)
		}
	}
}
