package lab

import (
	"crypto/md5"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"tipring/etc"
	"tipring/internal/aaa"
	"tipring/internal/faxback"
)

const radiusSecret = "lab secret"

var labAccounts = []Account{{
	Name: "acct", Password: "swordfish", MAC: "00908F1D37F0", Serial: "27482734", Type: faxback.QueuePrivate,
	Argument: "https://h.example/" + strings.Repeat("x", 280), Profile: `<QPXml Tz="Pacific*"/>`,
	DIDs: []AccountDID{{Number: "1111", Line: 2, Label: "Front desk", ANI: "5551111"}, {Number: "2222"}},
}, {Name: "off", Serial: "0", Password: "x", Disabled: true}}

// A radiusRig is a server, a client and what the server told.
type radiusRig struct {
	server    *Radius
	directory *faxback.Directory

	mu     sync.Mutex
	events []RadiusEvent
}

func newRadiusRig(t *testing.T) *radiusRig {
	dictionary, err := faxback.ParseDictionary("d", []byte(etc.Dictionary+`
BEGIN-VENDOR FaxBack
ATTRIBUTE FB-Line-Num 73 integer
ATTRIBUTE FB-Line-Id 74 string
ATTRIBUTE FB-Snd-From-Account 4 integer
ATTRIBUTE FB-Rcv-To-Account 5 integer
END-VENDOR FaxBack`))
	if err != nil {
		t.Fatal(err)
	}
	rig := &radiusRig{}
	rig.server, err = NewRadius(netip.MustParseAddr("127.0.0.1"), RadiusConfig{
		Secret: radiusSecret, Accounts: labAccounts, Dictionary: dictionary, CallAhead: map[string]uint32{"600": 0, "601": 1},
		Hook: func(e RadiusEvent) { rig.mu.Lock(); rig.events = append(rig.events, e); rig.mu.Unlock() },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rig.server.Close() })
	rig.directory = &faxback.Directory{Dictionary: dictionary, Asker: rig.client(t, rig.server.Addr(), radiusSecret)}
	return rig
}

func (rig *radiusRig) client(t *testing.T, at netip.AddrPort, secret string) *aaa.Client {
	client, err := aaa.New(aaa.Config{Servers: []aaa.Server{{Addr: at.String(), Secret: secret}}, Timeout: 150 * time.Millisecond, Tries: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func (rig *radiusRig) last() RadiusEvent {
	rig.mu.Lock()
	defer rig.mu.Unlock()
	return rig.events[len(rig.events)-1]
}

func TestRadiusProvisionsADevice(t *testing.T) {
	rig := newRadiusRig(t)
	for _, key := range [][2]string{{"00:90:8f:1d:37:f0", ""}, {"00:00:00:00:00:01", "27482734"}} {
		p, err := rig.directory.Provision(t.Context(), key[0], key[1])
		if err != nil || p.Account.Name != "acct" || p.Argument.URL != labAccounts[0].Argument || p.Account.Profile.Location != "America/Los_Angeles" {
			t.Fatalf("%v: %+v, %v", key, p, err)
		}
		if len(p.DIDs) != 2 || p.DIDs[0].Line != 2 || p.DIDs[0].Label != "Front desk" || p.DIDs[0].ANI != "5551111" || p.DIDs[1].Number != "2222" || !p.Account.Signed {
			t.Errorf("%v: %+v", key, p.DIDs)
		}
	}
	if _, err := rig.directory.Provision(t.Context(), "000000000001", "1"); !errors.Is(err, faxback.ErrRejected) {
		t.Errorf("a stranger: %v", err)
	}
	if _, err := rig.directory.Provision(t.Context(), "000000000001", "0"); !errors.Is(err, faxback.ErrDisabled) {
		t.Errorf("an account that is switched off: %v", err)
	}
	rig.server.Put(Account{Name: "new", Serial: "1"})
	if p, err := rig.directory.Provision(t.Context(), "000000000001", "1"); err != nil || p.Account.Name != "new" {
		t.Errorf("one that was added: %+v, %v", p, err)
	}
}

func TestRadiusAnswersTheOtherLookups(t *testing.T) {
	ctx, d := t.Context(), newRadiusRig(t).directory
	if a, err := d.Login(ctx, faxback.LoginRequest{Account: "ACCT", Password: "swordfish"}); err != nil || a.Type != faxback.QueuePrivate {
		t.Errorf("login: %+v, %v", a, err)
	}
	for _, password := range []string{"", "wrong", "swordfish" + strings.Repeat("x", 40)} {
		if _, err := d.Validate(ctx, faxback.ValidateRequest{Account: "acct", Password: password}); !errors.Is(err, faxback.ErrRejected) {
			t.Errorf("password %q: %v", password, err)
		}
	}
	if _, err := d.Login(ctx, faxback.LoginRequest{Account: "off", Password: "x"}); !errors.Is(err, faxback.ErrRejected) {
		t.Errorf("login of a disabled account: %v", err)
	}
	for number, want := range map[string]bool{"600": false, "601": true, "602": true} {
		if a, err := d.CallAhead(ctx, number, "s"); err != nil || a.Wanted() != want {
			t.Errorf("call-ahead %s: %v, %v", number, a.Wanted(), err)
		}
	}
	if a, err := d.Send(ctx, faxback.SendRequest{Account: "acct", SessionID: "s", DialNumber: "600", Transfer: faxback.Queue}); err != nil || a.CallAhead || !a.Enabled {
		t.Errorf("send: %+v, %v", a, err)
	}
	if _, err := d.Receive(ctx, faxback.ReceiveRequest{Account: "off", SessionID: "s", DID: "1", Transfer: faxback.Queue}); !errors.Is(err, faxback.ErrDisabled) {
		t.Errorf("receive of a disabled account: %v", err)
	}
	if a, err := d.AccountByDID(ctx, "2222", "s"); err != nil || a.Account != "acct" {
		t.Errorf("by DID: %+v, %v", a, err)
	}
	if a, err := d.Line(ctx, "5551111", "s"); err != nil || a.Account != "acct" || a.Number != "5551111" {
		t.Errorf("line: %+v, %v", a, err)
	}
	if a, err := d.DID(ctx, "3333"); err != nil || a.Found() {
		t.Errorf("a number that is not known: %+v, %v", a, err)
	}
	if _, err := d.Members(ctx, "acct", "s"); !errors.Is(err, faxback.ErrRejected) {
		t.Errorf("members: %v", err)
	}
}

func TestRadiusTrustsAndIsTrusted(t *testing.T) {
	rig := newRadiusRig(t)
	ask := func() error { _, err := rig.directory.DIDs(t.Context(), "acct"); return err }
	rig.server.Silence(true)
	if err := ask(); !errors.Is(err, aaa.ErrNoAnswer) || rig.last().Why != "silent" {
		t.Errorf("a silent server: %v, %+v", err, rig.last())
	}
	rig.server.Silence(false)
	rig.server.Unsign(true)
	if err := ask(); !errors.Is(err, aaa.ErrNoAnswer) || rig.last().Answer != aaa.AccessAccept {
		t.Errorf("a server that does not sign: %v, %+v", err, rig.last())
	}
	rig.server.Unsign(false)
	if err := ask(); err != nil || rig.last() != (RadiusEvent{Code: aaa.AccessRequest, Asked: "Get-DIDs-For-Account/For-External-Module", User: "acct", Answer: aaa.AccessAccept}) {
		t.Errorf("%v, %+v", err, rig.last())
	}
	rig.directory.Asker = rig.client(t, rig.server.Addr(), "another secret")
	if err := ask(); !errors.Is(err, aaa.ErrNoAnswer) || rig.last().Why != "a wrong Message-Authenticator" {
		t.Errorf("another secret: %v, %+v", err, rig.last())
	}

	conn, err := net.Dial("udp", rig.server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	plain := append([]byte{1, 7, 0, 26}, make([]byte, 22)...)
	copy(plain[20:], "\x01\x06acct")
	for _, packet := range [][]byte{plain, plain[:19], {}} {
		conn.Write(packet)
	}
	buf := make([]byte, 100)
	conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if n, err := conn.Read(buf); err == nil {
		t.Errorf("answered %x", buf[:n])
	}
}

// Accounting is answered, kept once, and teaches which numbers are fax machines.
func TestRadiusAccounting(t *testing.T) {
	rig := newRadiusRig(t)
	conn, err := net.Dial("udp", rig.server.AcctAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	account := func(id byte, secret, number string, result byte) (answered bool) {
		attributes := "\x28\x06\x00\x00\x00\x02\x01\x06acct\x2c\x03" + string('a'+rune(id)) +
			"\x1a" + string(rune(8+len(number))) + "\x00\x00\x77\xe6\x22" + string(rune(2+len(number))) + number +
			"\x1a\x0c\x00\x00\x77\xe6\x3e\x06\x00\x00\x00" + string(rune(result))
		packet := append([]byte{4, id, 0, 0}, make([]byte, 16)...)
		packet = append(packet, attributes...)
		binary.BigEndian.PutUint16(packet[2:], uint16(len(packet)))
		sum := md5.Sum(append(packet[:len(packet):len(packet)], secret...))
		copy(packet[4:], sum[:])
		conn.Write(packet)
		buf := make([]byte, 100)
		conn.SetReadDeadline(time.Now().Add(150 * time.Millisecond))
		n, err := conn.Read(buf)
		return err == nil && n >= 20 && buf[0] == 5 && buf[1] == id
	}
	wanted := func(number string) bool {
		a, err := rig.directory.CallAhead(t.Context(), number, "s")
		if err != nil {
			t.Fatal(err)
		}
		return a.Wanted()
	}
	const success, faxError, voice = 0, 1, 2
	for i, step := range []struct {
		number string
		result byte
		want   bool
	}{
		{"700", success, false}, {"701", faxError, false}, {"702", voice, true}, {"702", success, true},
		{"700", voice, true}, {"700", success, true},
	} {
		for range 2 {
			if !account(byte(i), radiusSecret, step.number, step.result) {
				t.Errorf("record %d is not answered", i)
			}
		}
		if got := wanted(step.number); got != step.want {
			t.Errorf("after result %d, %s is called: %v", step.result, step.number, got)
		}
	}
	if account(99, "another secret", "703", success) {
		t.Error("a record of another secret is answered")
	}
	records := rig.server.Records()
	if len(records) != 6 || records[2].User != "acct" || records[2].SessionID != "c" || records[2].Status != 2 {
		t.Errorf("%d records: %+v", len(records), records)
	}
	stops := rig.server.Stops()
	if want := (Stop{Account: "acct", Session: "c", Number: "702", Called: voice}); len(stops) != 6 || stops[2] != want {
		t.Errorf("%d stops, want the third %+v: %+v", len(stops), want, stops)
	}
	rig.server.Silence(true)
	if account(100, radiusSecret, "700", success) {
		t.Error("a silent server answers")
	}
}
