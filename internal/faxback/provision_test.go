package faxback

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tipring/internal/aaa"
)

// A directoryServer answers by command and key: "by MAC 00908F1D37F0". A key that is not
// there is rejected.
type directoryServer struct {
	t       *testing.T
	answers map[string]*accept
	silent  string // the key that nobody answers
	asked   []string
}

var errSilence = errors.New("no server answered")

func (s *directoryServer) directory() *Directory {
	return &Directory{Dictionary: extended(s.t), Asker: server(s.answer)}
}

func (s *directoryServer) answer(r aaa.Request) (aaa.Response, error) {
	subs, err := aaa.Walk(r.Attributes, 30694)
	if err != nil || subs[0].Type != 1 || subs[1].Type != 2 {
		s.t.Fatalf("request %+v, %v", r, err)
	}
	command := Command(subs[0].Value[3])
	word := map[Command]string{GetAccountFromMAC: "MAC", GetAccountFromSerial: "serial", GetDIDsForAccount: "DIDs", GetDID: "DID"}[command]
	user, _ := r.Attributes.Lookup(aaa.UserName)
	key := word + " " + string(user)
	s.asked = append(s.asked, key)
	if key == s.silent {
		return aaa.Response{}, errSilence
	}
	if a := s.answers[key]; a != nil {
		return a.response(), nil
	}
	return rejects(s.t).response(), nil
}

// settings are those of a device with two ports, one a line.
func settings(p Provisioned, ports int) string {
	all, notes := p.Settings(ports)
	var b strings.Builder
	for _, s := range all {
		fmt.Fprintf(&b, "%s.%s=%s\n", s.Section, s.Key, s.Value)
	}
	for _, n := range slices.Concat(p.Notes, notes) {
		b.WriteString("note: " + n + "\n")
	}
	return b.String()
}

func TestProvisionByMAC(t *testing.T) {
	s := &directoryServer{t: t, answers: map[string]*accept{
		"MAC 00908F1D37F0": accepts(t).user("acct").text("FB-Provisioning-Arg", "https://h.example/{mac}.ini"),
		"DIDs acct":        accepts(t).text("FB-DID", "5551111").text("FB-DID", "5552222").text("FB-DID", "5553333"),
		"DID 5551111":      accepts(t).user("ACCT").number("FB-Line-Num", 2).text("FB-Line-Id", "Front desk").text("FB-Snd-ANI", "5550000"),
		"DID 5552222":      accepts(t).user("acct").number("FB-Line-Num", 1),
		"DID 5553333":      accepts(t).user("acct").number("FB-Line-Num", 3).text("FB-Line-Id", "Spare"),
	}}
	p, err := s.directory().Provision(t.Context(), "00-90-8f-1d-37-f0", "S1")
	if err != nil {
		t.Fatal(err)
	}
	if p.Account.Name != "acct" || p.BySerial || p.Argument.URL != "https://h.example/{mac}.ini" || p.Source() != "radius:192.0.2.1:1812" {
		t.Errorf("%+v", p)
	}
	const want = `sip1.username=5552222
port1.line=1
port1.ani=5552222
sip2.username=5551111
sip2.display_name=Front desk
port2.line=2
port2.ani=5550000
sip3.username=5553333
sip3.display_name=Spare
`
	if got := settings(p, 2); got != want {
		t.Errorf("settings\n%s\nwant\n%s", got, want)
	}
	if got := strings.Join(s.asked, ", "); got != "MAC 00908F1D37F0, DIDs acct, DID 5551111, DID 5552222, DID 5553333" {
		t.Errorf("asked %s", got)
	}
}

// After a Reject and after an Accept without User-Name the serial number is tried; after
// anything else it is not.
func TestProvisionBySerial(t *testing.T) {
	for _, tt := range []struct {
		name        string
		mac, serial *accept
		silent      string
		want        []error
		asked       string
	}{
		{"MAC rejected", rejects(t), accepts(t).user("acct"), "", nil, "MAC 00908F1D37F0, serial S1, DIDs acct"},
		{"MAC empty", accepts(t), accepts(t).user("acct"), "", nil, "MAC 00908F1D37F0, serial S1, DIDs acct"},
		{"both rejected", rejects(t), rejects(t), "", []error{ErrRejected}, "MAC 00908F1D37F0, serial S1"},
		{"one rejected, one empty", rejects(t), accepts(t), "", []error{ErrRejected, ErrEmpty}, "MAC 00908F1D37F0, serial S1"},
		{"serial disabled", rejects(t), accepts(t).user("acct").number("FB-Snd-From-Account", 0), "", []error{ErrDisabled}, "MAC 00908F1D37F0, serial S1"},
		{"serial not answered", rejects(t), nil, "serial S1", []error{errSilence}, "MAC 00908F1D37F0, serial S1"},
		{"MAC not answered", nil, nil, "MAC 00908F1D37F0", []error{errSilence}, "MAC 00908F1D37F0"},
		{"MAC malformed", accepts(t).user("a").user("b"), nil, "", []error{ErrMalformed}, "MAC 00908F1D37F0"},
		{"MAC disabled", accepts(t).user("acct").number("FB-Rcv-To-Account", 0), nil, "", []error{ErrDisabled}, "MAC 00908F1D37F0"},
		{"MAC with an unknown flag", accepts(t).user("acct").number("FB-Account-Type", 99), nil, "", []error{ErrUnknownFlag}, "MAC 00908F1D37F0, DIDs acct"},
	} {
		s := &directoryServer{t: t, silent: tt.silent, answers: map[string]*accept{
			"MAC 00908F1D37F0": tt.mac, "serial S1": tt.serial, "DIDs acct": accepts(t)}}
		p, err := s.directory().Provision(t.Context(), "00908F1D37F0", "S1")
		if (err == nil) != (tt.want == nil) {
			t.Errorf("%s: %v", tt.name, err)
		}
		for _, want := range tt.want {
			if !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", tt.name, err, want)
			}
		}
		if got := strings.Join(s.asked, ", "); got != tt.asked {
			t.Errorf("%s: asked %s, want %s", tt.name, got, tt.asked)
		}
		if err == nil && (p.Account.Name != "acct" || !p.BySerial) {
			t.Errorf("%s: %+v", tt.name, p)
		}
	}
	s := &directoryServer{t: t}
	if _, err := s.directory().Provision(t.Context(), "00908F1D37F0", ""); !errors.Is(err, ErrRejected) || len(s.asked) != 1 {
		t.Errorf("without a serial number: %v, asked %q", err, s.asked)
	}
}

// A server need not support the lookups of numbers, and its data may contradict itself.
func TestProvisionWithGaps(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answers map[string]*accept
		want    string
	}{
		{"no lookup of numbers", nil, "note: Get-DIDs-For-Account/For-External-Module at 192.0.2.1:1812: rejected\n"},
		{"no numbers", map[string]*accept{"DIDs acct": accepts(t)}, ""},
		{"no lookup of one number", map[string]*accept{"DIDs acct": accepts(t).text("FB-DID", "1111").text("FB-DID", "2222")},
			`sip1.username=1111
port1.line=1
port1.ani=1111
sip2.username=2222
port2.line=2
port2.ani=2222
note: DID 1111: Get-DID/For-External-Module at 192.0.2.1:1812: rejected
note: DID 2222: Get-DID/For-External-Module at 192.0.2.1:1812: rejected
`},
		{"two on one line, one out of range, one switched off, one twice, one without a line", map[string]*accept{
			"DIDs acct": accepts(t).text("FB-DID", "1111").text("FB-DID", "2222").text("FB-DID", "3333").text("FB-DID", "4444").text("FB-DID", "4444").text("FB-DID", "5555").text("FB-DID", "6666"),
			"DID 1111":  accepts(t).number("FB-Line-Num", 1),
			"DID 2222":  accepts(t).number("FB-Line-Num", 1),
			"DID 3333":  accepts(t).number("FB-Line-Num", 0),
			"DID 4444":  accepts(t).number("FB-DID-Enabled", 0),
			"DID 5555":  accepts(t).number("FB-Line-Num", 0xFFFFFFFF).user("other"),
			"DID 6666":  accepts(t),
		}, `sip1.username=1111
port1.line=1
port1.ani=1111
sip5.username=6666
note: DID 4444 is told twice
note: DID 4444: Get-DID/For-External-Module at 192.0.2.1:1812: known, but switched off: FB-DID-Enabled is 0
note: DID 5555: its account is other, and not acct
note: DID 2222: line number 1 is that of DID 1111; it is not used
note: DID 3333: line number 0: wanted 1 to 1024; it is not used
note: DID 5555: line number 2147483647: wanted 1 to 1024; it is not used
`},
		{"a number without a line where another's is", map[string]*accept{
			"DIDs acct": accepts(t).text("FB-DID", "1111").text("FB-DID", "2222"),
			"DID 1111":  accepts(t),
			"DID 2222":  accepts(t).number("FB-Line-Num", 1),
		}, `sip1.username=2222
port1.line=1
port1.ani=2222
sip2.username=1111
port2.line=2
port2.ani=1111
note: DID 1111: line 1 is that of DID 2222; it becomes line 2
`},
		{"a label that is too long", map[string]*accept{
			"DIDs acct": accepts(t).text("FB-DID", "1111"),
			"DID 1111":  accepts(t).text("FB-Line-Id", strings.Repeat("x", 65)),
		}, `sip1.username=1111
port1.line=1
port1.ani=1111
note: DID 1111: Get-DID/For-External-Module at 192.0.2.1:1812: malformed answer: FB-Line-Id: 65 octets; wanted at most 64 ASCII octets
`},
	} {
		answers := map[string]*accept{"MAC 00908F1D37F0": accepts(t).user("acct")}
		for key, a := range tt.answers {
			answers[key] = a
		}
		p, err := (&directoryServer{t: t, answers: answers}).directory().Provision(t.Context(), "00908F1D37F0", "")
		if got := settings(p, 2); err != nil || got != tt.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", tt.name, err, got, tt.want)
		}
	}
}

// Silence in the middle is no answer: half of a device's numbers would be another
// configuration.
func TestProvisionIsWholeOrAnError(t *testing.T) {
	for _, silent := range []string{"DIDs acct", "DID 2222"} {
		s := &directoryServer{t: t, silent: silent, answers: map[string]*accept{
			"MAC 00908F1D37F0": accepts(t).user("acct"),
			"DIDs acct":        accepts(t).text("FB-DID", "1111").text("FB-DID", "2222"),
			"DID 1111":         accepts(t),
		}}
		if _, err := s.directory().Provision(t.Context(), "00908F1D37F0", "S1"); !errors.Is(err, errSilence) {
			t.Errorf("silence at %s: %v", silent, err)
		}
	}
}

func TestProvisionKnowsHowItsAnswersCame(t *testing.T) {
	for _, tt := range []struct{ secure, stored bool }{{true, false}, {false, false}, {true, true}} {
		s := &directoryServer{t: t, answers: map[string]*accept{"MAC 00908F1D37F0": accepts(t).user("acct"),
			"DIDs acct": accepts(t).text("FB-DID", "1111"), "DID 1111": accepts(t)}}
		n := 0
		d := s.directory()
		d.Asker = server(func(r aaa.Request) (aaa.Response, error) {
			res, err := s.answer(r)
			n++
			res.Secure, res.Stored = n < 3 || tt.secure, n == 2 && tt.stored
			return res, err
		})
		if p, err := d.Provision(t.Context(), "00908F1D37F0", ""); err != nil || p.Secure != tt.secure || p.Stored != tt.stored {
			t.Errorf("%+v: secure %v, stored %v, %v", tt, p.Secure, p.Stored, err)
		}
	}
}

// An argument that is not understood is kept for {arg}, and nothing else is done with it.
func TestProvisionWithABadArgument(t *testing.T) {
	s := &directoryServer{t: t, answers: map[string]*accept{
		"MAC 00908F1D37F0": accepts(t).user("acct").text("FB-Provisioning-Arg", "https://h.example/x sha256=12").text("FB-Queue-Profile", "<nonsense>"),
		"DIDs acct":        accepts(t),
	}}
	p, err := s.directory().Provision(t.Context(), "00908F1D37F0", "")
	if err != nil || p.Argument.URL != "" || p.Argument.Opaque != "https://h.example/x sha256=12" || len(p.Notes) != 2 {
		t.Errorf("%+v, %v", p, err)
	}
}
