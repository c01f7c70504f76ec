package faxback

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"tipring/internal/aaa"
)

// wire writes attributes as a packet has them; a User-Password is given as it is hidden.
func wire(t *testing.T, attributes aaa.Attributes, hidden string) []byte {
	t.Helper()
	var b []byte
	for _, a := range attributes {
		if a.Type == aaa.UserPassword {
			a.Value = unhex(t, hidden)
		}
		if len(a.Value) > aaa.MaxValue {
			t.Fatalf("attribute %d has %d octets", a.Type, len(a.Value))
		}
		b = append(b, a.Type, byte(2+len(a.Value)))
		b = append(b, a.Value...)
	}
	return b
}

// unwire takes the octets behind a packet's header apart.
func unwire(t *testing.T, b []byte) aaa.Attributes {
	t.Helper()
	var all aaa.Attributes
	for len(b) > 0 {
		if len(b) < 2 || b[1] < 2 || int(b[1]) > len(b) {
			t.Fatalf("attributes %x", b)
		}
		all = append(all, aaa.Attribute{Type: b[0], Value: b[2:b[1]]})
		b = b[b[1]:]
	}
	return all
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The manual's example requests whose octets follow from its print. Identifier and
// authenticator are not this package's.
func TestRequestsAreTheManualsOctets(t *testing.T) {
	const hidden = "1ba64d5f20b23e6e52d3a060c4f5ba1a"
	for _, tt := range []struct {
		name    string
		request Request
		packet  string
	}{
		{"Get-Account/Account-Login", LoginRequest{"account", "secret", ";FV=1.0.0.0;MN=NICKDUO;IP=10.0.0.84"},
			"0183006c6c422a8afa766542a678b82f8db0104f1a12000077e601060000000102060000000101096163636f756e740212011ba64d5f20b23e6e52d3a060c4f5ba1a2b000077e62d253b46563d312e302e302e303b4d4e3d4e49434b44554f3b49503d31302e302e302e3834"},
		{"Get-Account/Pre-Receive-Session", ReceiveRequest{"account", "03bb96b4af2d41f08dd0e46c250c274f", "5551112345", RealTime},
			"0102006fb37e5d1c636e964ca30be83d40617b421a12000077e601060000000102060000000401096163636f756e742c2230336262393662346166326434316630386464306534366332353063323734661a12000077e6220c353535313131323334351a0c000077e63a0600000001"},
		{"Get-Account/For-External-Module", AccountRequest{"account"},
			"0125002f5a91f714e163e849b7553c986ce8bec81a12000077e601060000000102060000000501096163636f756e74"},
		{"Get-Account-From-DID/Pre-Receive-Session", DIDAccountRequest{"5551231234", "1_jGYVe4sNmF9sEp[eEdKoiA"},
			"0102004c3c247e06c09d4d42be1e0135dbb76cfc1a12000077e6010600000002020600000004010c353535313233313233342c1a315f6a4759566534734e6d46397345705b6545644b6f6941"},
		{"by MAC", MACRequest{"00:90:8f:1d:37:f0"},
			"010b004038f79b70099aab4db17c1f4809ffdca81a12000077e6010600000007020600000005010e3030393038463144333746301a0c000077e6420600000000"},
		{"by serial", SerialRequest{"27482734"},
			"010b003c38f79b70099aab4db17c1f4809ffdca81a12000077e6010600000006020600000005010a32373438323733341a0c000077e6420600000000"},
		{"Get-DIDs-For-Account", DIDsRequest{"TEST"},
			"0103002cc9ec4f8daa6d6b43a254e3ae5eb9e60a1a12000077e6010600000009020600000005010654455354"},
	} {
		packet := unhex(t, tt.packet)
		password := hidden
		if i := bytes.Index(packet, []byte{2, 0x12}); i > 0 && tt.name == "Get-Account/Account-Login" {
			password = hex.EncodeToString(packet[i+2 : i+18])
		}
		got := wire(t, encoded(t, tt.request), password)
		if !bytes.Equal(got, packet[20:]) {
			t.Errorf("%s\n%x\nwant\n%x", tt.name, got, packet[20:])
		}
		if length := int(packet[2])<<8 | int(packet[3]); 20+len(got) != length {
			t.Errorf("%s: length %d, printed %d", tt.name, 20+len(got), length)
		}
	}
}

// Examples whose print does not add up, as long as their listed attributes make them.
func TestRequestsThatAreEditedInPrint(t *testing.T) {
	const hidden = "4DFAEAC5A01A6BFFD6955EA3FA4AEFD9"
	for _, tt := range []struct {
		name    string
		request Request
		length  int
	}{
		{"Account-Validate, as listed", ValidateRequest{"account", "secret"}, 65},
		{"Pre-Send, ten digits", SendRequest{Account: "account", SessionID: "ea7a820446d54db8a98f42be08e65b23", DialNumber: "5551231234", Transfer: Queue}, 111},
		{"Pre-Send, the twelve that were masked", SendRequest{Account: "account", SessionID: "ea7a820446d54db8a98f42be08e65b23", DialNumber: "915551231234", Transfer: Queue}, 113},
		{"Get-Call-Ahead-Mode", CallAheadRequest{"5551231234", "1249336279265000"}, 68},
		{"From-DID/External, as listed", DIDMailRequest{"5551231234"}, 50},
		{"Get-DID/Pre-Send", LineRequest{"2222", "1249336279265000"}, 62},
		{"Get-DID/External", DIDRequest{"2222"}, 44},
		{"by sender", SenderRequest{"someone.else@example.co"}, 63},
	} {
		if got := 20 + len(wire(t, encoded(t, tt.request), hidden)); got != tt.length {
			t.Errorf("%s: %d octets, want %d", tt.name, got, tt.length)
		}
	}
	// 107 was printed for a validation: the login it was made of had a client info of 42.
	info := LoginRequest{"account", "secret", strings.Repeat("x", 34)}
	if got := 20 + len(wire(t, encoded(t, info), hidden)); got != 107 {
		t.Errorf("login with 42 octets of client info: %d octets, want 107", got)
	}
}

func encoded(t *testing.T, r Request) aaa.Attributes {
	t.Helper()
	d := &Directory{Dictionary: Default()}
	attributes, err := r.question(d).encode(d.Dictionary)
	if err != nil {
		t.Fatalf("%T: %v", r, err)
	}
	return attributes
}

// A server answers each request with a function of its own.
type server func(aaa.Request) (aaa.Response, error)

func (s server) Exchange(_ context.Context, r aaa.Request) (aaa.Response, error) { return s(r) }

// accepting answers everything with these octets.
func accepting(t *testing.T, octets string) *Directory {
	attributes := unwire(t, unhex(t, octets))
	return &Directory{Dictionary: extended(t), Asker: server(func(aaa.Request) (aaa.Response, error) {
		return aaa.Response{Code: aaa.AccessAccept, Attributes: attributes, Server: "192.0.2.1:1812", Signed: true}, nil
	})}
}

// The manual's example answers.
func TestAnswersOfTheManual(t *testing.T) {
	ctx := t.Context()
	const account = "01096163636f756e74"

	login, err := accepting(t, "1a0c000077e60a0600000004").Login(ctx, LoginRequest{"account", "x", ""})
	if err != nil || login.Type != QueuePrivate || login.CallAhead != 1 || login.UploadLogs != LogsUnsaid || !login.Group.Default {
		t.Errorf("login: %+v, %v", login, err)
	}
	validation, err := accepting(t, "1a0c000077e60a0600000004").Validate(ctx, ValidateRequest{"account", "x"})
	if err != nil || validation.Type != QueuePrivate {
		t.Errorf("validate: %+v, %v", validation, err)
	}

	nothing := accepting(t, "")
	send, err := nothing.Send(ctx, SendRequest{Account: "account", SessionID: "s", DialNumber: "1", Transfer: RealTime})
	if err != nil || !send.CallAhead || !send.Enabled || !send.SaveCDR || send.OnBehalfOf || send.TimeExpired {
		t.Errorf("pre-send: %+v, %v", send, err)
	}
	receive, err := nothing.Receive(ctx, ReceiveRequest{"account", "s", "1", RealTime})
	if err != nil || !receive.Enabled || !receive.SaveCDR || receive.TimeExpired || receive.FailoverMode != 0 {
		t.Errorf("pre-receive: %+v, %v", receive, err)
	}
	if external, err := nothing.Account(ctx, "account"); err != nil || external.Type != Private || external.Format != 0 {
		t.Errorf("external: %+v, %v", external, err)
	}

	if did, err := accepting(t, account).AccountByDID(ctx, "5551231234", "s"); err != nil || did.Account != "account" || !did.Enabled {
		t.Errorf("from DID: %+v, %v", did, err)
	}
	if sender, err := accepting(t, account).AccountBySender(ctx, "a@example.com"); err != nil || sender.Account != "account" || !sender.Enabled {
		t.Errorf("by sender: %+v, %v", sender, err)
	}
	mail, err := accepting(t, account+"1a18000077e60e12"+hex.EncodeToString([]byte("user@example.com"))).MailOfDID(ctx, "5551231234")
	if err != nil || mail.Account != "account" || mail.Email != "user@example.com" {
		t.Errorf("from DID, external: %+v, %v", mail, err)
	}

	const byMAC = account + "1a4c000077e639463c5150586d6c2052663d22302220446e3d223122204e646e3d2231222045613d22222045663d2222204c6e3d22656e2d55532220547a3d22506163696669632a22202f3e"
	for _, ask := range []func() (Account, error){
		func() (Account, error) { return accepting(t, byMAC).AccountByMAC(ctx, "00908F1D37F0") },
		func() (Account, error) { return accepting(t, byMAC).AccountBySerial(ctx, "27482734") },
	} {
		device, err := ask()
		p := device.Profile
		if err != nil || device.Name != "account" || device.Argument != "" || p.Language != "en-US" || p.TimeZone != "Pacific*" ||
			p.Location != "America/Los_Angeles" || !p.Delivered || !p.Undelivered || p.Override || p.Format != 0 || p.Note != "" {
			t.Errorf("device: %+v, %v", device, err)
		}
	}

	ahead, err := accepting(t, "1a0c000077e63d0600000000").CallAhead(ctx, "5551231234", "s")
	if err != nil || !ahead.Said || ahead.Wanted() {
		t.Errorf("call-ahead 0: %+v, %v", ahead, err)
	}
	did, err := accepting(t, "0109746573746174611a12000077e6130c35353531313139393939").DID(ctx, "5551119999")
	if err != nil || did.Account != "testata" || did.ANI != "5551119999" || did.Line != Unsaid || !did.Found() {
		t.Errorf("DID: %+v, %v", did, err)
	}
	dids, err := accepting(t, "1a0c000077e64b06313131311a0c000077e64b0632323232").DIDs(ctx, "TEST")
	if err != nil || strings.Join(dids, " ") != "1111 2222" {
		t.Errorf("DIDs: %q, %v", dids, err)
	}
}

// What the wire may look like besides the manual's examples.
func TestOtherShapesOfAnswers(t *testing.T) {
	ctx := t.Context()
	packed := accepting(t, "1a12000077e64b06313131314b0632323232").Ask
	if r, err := packed(ctx, DIDsRequest{"a"}); err != nil || strings.Join(r.DIDs(), " ") != "1111 2222" {
		t.Errorf("packed: %q, %v", r.DIDs(), err)
	}

	// 300 octets of an argument fit no attribute: parts are joined, empty ones too.
	long := "https://h.example/" + strings.Repeat("x", 282)
	part := func(s string) string {
		return hex.EncodeToString(append([]byte{26, byte(8 + len(s)), 0, 0, 0x77, 0xE6, 67, byte(2 + len(s))}, s...))
	}
	split := accepting(t, part(long[:240])+"010361"+part("")+part(long[240:]))
	if a, err := split.AccountByMAC(ctx, "00908F1D37F0"); err != nil || a.Argument != long {
		t.Errorf("split: %q, %v", a.Argument, err)
	}

	// An empty string counts as left out.
	if a, err := accepting(t, "0102").AccountByMAC(ctx, "00908F1D37F0"); !errors.Is(err, ErrEmpty) {
		t.Errorf("empty User-Name: %+v, %v", a, err)
	}
	if a, err := accepting(t, "1a08000077e61302").DID(ctx, "1"); err != nil || a.ANI != "" || a.Found() {
		t.Errorf("empty FB-Snd-ANI: %+v, %v", a, err)
	}

	// Others' attributes, unknown numbers and other pairs' attributes do no harm.
	strange := "010361" + "1a0c0000000901060000002a" + "1a0a000077e6c8040102" + "1a09000077e6490355" /* FB-Line-Num of one octet */ + "1b06000000ff"
	a, err := accepting(t, strange).AccountByMAC(ctx, "00908F1D37F0")
	if err != nil || a.Name != "a" {
		t.Errorf("strange attributes: %+v, %v", a, err)
	}
	var shown []string
	for _, v := range a.Values {
		shown = append(shown, v.Name+"="+v.Text)
	}
	if got, want := strings.Join(shown, " "), "User-Name=a Attr-26.9=0x01060000002a Attr-26.30694.200=0x0102 FB-Line-Num=0x55 Attr-27=0x000000ff"; got != want {
		t.Errorf("shown %s, want %s", got, want)
	}
}

// What is refused as malformed, and names what is wrong.
func TestMalformedAnswers(t *testing.T) {
	for _, tt := range []struct{ name, octets, want string }{
		{"a length that lies", "1a0c000077e63d0700000000", "a length that lies"},
		{"an integer of three octets", "1a0b000077e63d05000000", "FB-Call-Ahead-Mode: 3 octets; wanted 4 octets"},
		{"an integer twice", "1a0c000077e63d06000000001a0c000077e63d0600000001", "FB-Call-Ahead-Mode: several; wanted one instance"},
		{"two accounts", "010361010362", "User-Name: several; wanted one instance"},
		{"an account of 65 characters", "0143" + strings.Repeat("61", 65), "User-Name: 65 characters; wanted 1 to 64 characters"},
	} {
		ahead, err := accepting(t, tt.octets).CallAhead(t.Context(), "1", "s")
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), tt.want) || !ahead.Wanted() {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	bad := accepting(t, "1a15000077e63b0f"+hex.EncodeToString([]byte("no uuid at al")))
	if _, err := bad.Login(t.Context(), LoginRequest{Account: "a"}); !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), "FB-Account-UUID") {
		t.Errorf("a bad UUID: %v", err)
	}
	challenge := &Directory{Dictionary: Default(), Asker: server(func(aaa.Request) (aaa.Response, error) {
		return aaa.Response{Code: aaa.AccessChallenge}, nil
	})}
	if _, err := challenge.DIDs(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), "Access-Challenge") {
		t.Errorf("a challenge: %v", err)
	}
}
