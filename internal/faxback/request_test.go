package faxback

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"tipring/internal/aaa"
)

func TestBadRequestsAreRefused(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	for _, tt := range []struct {
		request Request
		want    string
	}{
		{AccountRequest{""}, "User-Name: 0 characters; wanted 1 to 64 characters"},
		{AccountRequest{long(65)}, "User-Name: 65 characters; wanted 1 to 64 characters"},
		{AccountRequest{"a\x00b"}, "User-Name: a control character; wanted 1 to 64 characters"},
		{AccountRequest{"\xff"}, "User-Name: text that is not UTF-8; wanted 1 to 64 characters"},
		{AccountRequest{strings.Repeat("𝄞", 64)}, "User-Name: 256 octets; wanted at most 253 octets"},
		{LoginRequest{"a", long(65), ""}, "User-Password: 65 characters; wanted at most 64 characters"},
		{LoginRequest{"a", "p", long(129)}, "FB-Client-Info: 129 characters; wanted at most 128 characters"},
		{ValidateRequest{long(65), "p"}, "User-Name: 65 characters"},
		{SendRequest{Account: "a", DialNumber: "1", Transfer: Queue}, "Acct-Session-Id: 0 characters; wanted 1 to 32 ASCII characters"},
		{SendRequest{Account: "a", SessionID: long(33), DialNumber: "1", Transfer: Queue}, "Acct-Session-Id: 33 characters"},
		{SendRequest{Account: "a", SessionID: "ä", DialNumber: "1", Transfer: Queue}, "Acct-Session-Id: a character outside ASCII"},
		{SendRequest{Account: "a", SessionID: "s", DialNumber: "1"}, "FB-Transfer-Type: 0; wanted one of [1 2]"},
		{SendRequest{Account: "a", SessionID: "s", DialNumber: long(65), Transfer: Queue}, "FB-Dial-Number: 65 characters; wanted at most 64 characters"},
		{SendRequest{SessionID: "s", DialNumber: "1", Transfer: Queue}, "User-Name: 0 characters"},
		{ReceiveRequest{"a", "s", "1", 3}, "FB-Transfer-Type: 3; wanted one of [1 2]"},
		{DIDAccountRequest{long(65), "s"}, "User-Name: 65 octets; wanted 1 to 64 octets"},
		{DIDMailRequest{strings.Repeat("ä", 33)}, "User-Name: 66 octets; wanted 1 to 64 octets"},
		{MACRequest{"00908F1D37"}, `User-Name: "00908F1D37"; wanted a MAC address of twelve hex digits`},
		{SerialRequest{"ä"}, "User-Name: a character outside ASCII; wanted 1 to 64 ASCII characters"},
		{CallAheadRequest{"", "s"}, "User-Name: 0 characters"},
		{SenderRequest{long(129)}, "User-Name: 129 characters; wanted 1 to 128 characters"},
		{LineRequest{long(33), "s"}, "User-Name: 33 characters; wanted 1 to 32 ASCII characters"},
		{DIDRequest{""}, "User-Name: 0 octets; wanted 1 to 64 octets"},
		{DIDsRequest{long(65)}, "User-Name: 65 characters"},
		{MembersRequest{"g", ""}, "Acct-Session-Id: 0 characters"},
	} {
		d := &Directory{Dictionary: Default(), Asker: server(func(aaa.Request) (aaa.Response, error) {
			t.Errorf("%+v was sent", tt.request)
			return aaa.Response{}, nil
		})}
		_, err := d.Ask(t.Context(), tt.request)
		if !errors.As(err, new(*BoundError)) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%T: %v\nwant %s", tt.request, err, tt.want)
		}
	}
}

// A server whose UUID mode is off takes 16 octets for an account.
func TestShortNames(t *testing.T) {
	d := &Directory{Dictionary: Default(), ShortNames: true}
	if _, err := (AccountRequest{"sixteen-octets.."}).question(d).encode(d.Dictionary); err != nil {
		t.Error(err)
	}
	_, err := AccountRequest{"sixteen-octets..."}.question(d).encode(d.Dictionary)
	if want := "User-Name: 17 octets; wanted 1 to 16 octets"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// Octets and characters are two things, and one attribute holds 247 octets at most.
func TestLongTextIsCutBetweenCharacters(t *testing.T) {
	info := strings.Repeat("€", 128)
	attributes := encoded(t, LoginRequest{"account", "secret", info})
	subs, err := aaa.Walk(attributes, 30694)
	if err != nil {
		t.Fatal(err)
	}
	var joined []byte
	for _, s := range subs[2:] {
		if s.Type != 45 || len(s.Value) > aaa.MaxVendorSub || !bytes.HasPrefix(s.Value, []byte("€")) {
			t.Errorf("attribute %d of %d octets, %.3q", s.Type, len(s.Value), s.Value)
		}
		joined = append(joined, s.Value...)
	}
	if string(joined) != info || len(subs) != 4 {
		t.Errorf("%d parts: %q", len(subs)-2, joined)
	}
}

// An attribute without number cannot be sent, and the error says which.
func TestWithoutNumberNothingIsSent(t *testing.T) {
	d, err := ParseDictionary("d", []byte("VENDOR FaxBack 30694\nBEGIN-VENDOR FaxBack\nATTRIBUTE FB-Command 1 integer\nATTRIBUTE FB-Context 2 integer\nEND-VENDOR FaxBack"))
	if err != nil {
		t.Fatal(err)
	}
	directory := &Directory{Dictionary: d}
	if _, err := directory.AccountByMAC(t.Context(), "00908F1D37F0"); !errors.Is(err, ErrNotNumbered) || !strings.Contains(err.Error(), "FB-Fax-ATA-Type") {
		t.Errorf("by MAC: %v", err)
	}
	directory.Dictionary, err = ParseDictionary("d", []byte("VENDOR FaxBack 30694"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := directory.DIDs(t.Context(), "a"); !errors.Is(err, ErrNotNumbered) || !strings.Contains(err.Error(), "FB-Command and FB-Context") {
		t.Errorf("DIDs: %v", err)
	}
}

func TestUUIDs(t *testing.T) {
	u := UUID{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}
	for _, text := range []string{string(u[:]), "0x00112233445566778899aabbccddeeff", "0X00112233445566778899AABBCCDDEEFF",
		"00112233-4455-6677-8899-aabbccddeeff", "{00112233-4455-6677-8899-AABBCCDDEEFF}"} {
		if got, err := ParseUUID([]byte(text)); err != nil || got != u {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0x0011", "00112233445566778899aabbccddeeff", "00112233-4455-6677-8899-aabbccddeefg", "00112233+4455-6677-8899-aabbccddeeff"} {
		if got, err := ParseUUID([]byte(text)); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
	for form, want := range map[UUIDForm]string{UUIDBinary: string(u[:]), UUIDHex: "0x00112233445566778899aabbccddeeff", UUIDDashed: "00112233-4455-6677-8899-aabbccddeeff"} {
		d := &Directory{Dictionary: Default(), UUIDs: form}
		q := SendRequest{UUID: &u, SessionID: "s", DialNumber: "1", Transfer: Queue}.question(d)
		attributes, err := q.encode(d.Dictionary)
		if err != nil {
			t.Fatal(err)
		}
		subs, err := aaa.Walk(attributes, 30694)
		if _, named := attributes.Lookup(aaa.UserName); err != nil || named || string(subs[len(subs)-1].Value) != want {
			t.Errorf("form %d: %x, %v", form, subs[len(subs)-1].Value, err)
		}
	}
}

func TestClientInfo(t *testing.T) {
	if got, want := ClientInfo("1.2", "box;UN=x y"), ";FV=1.2;MN=boxUNxy"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := ClientInfo(strings.Repeat("v", 99), strings.Repeat("m", 99)); len(got) > 128 {
		t.Errorf("%d octets", len(got))
	}
}
