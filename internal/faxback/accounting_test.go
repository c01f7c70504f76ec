package faxback

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"tipring/internal/aaa"
)

// every is a dictionary that numbers every name, for tests alone: most of FaxBack's numbers
// are not known.
func every(t testing.TB) *Dictionary {
	t.Helper()
	var b strings.Builder
	b.WriteString("VENDOR FaxBack 30694\nBEGIN-VENDOR FaxBack\n")
	for i, a := range attributes {
		kind := map[kind]string{number: "integer", date: "date", uuid: "octets"}[a.kind]
		if kind == "" {
			kind = "string"
		}
		fmt.Fprintf(&b, "ATTRIBUTE %s %d %s\n", a.name, 100+i, kind)
	}
	b.WriteString("END-VENDOR FaxBack\n")
	d, err := ParseDictionary("every", []byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// decoded is what the attributes say, NAME=value each.
func decoded(t *testing.T, d *Dictionary, all aaa.Attributes) []string {
	t.Helper()
	var out []string
	for _, a := range all {
		switch a.Type {
		case aaa.AcctStatusType:
			out = append(out, fmt.Sprint("Acct-Status-Type=", binary.BigEndian.Uint32(a.Value)))
		case aaa.UserName:
			out = append(out, "User-Name="+string(a.Value))
		case aaa.AcctSessionID:
			out = append(out, "Acct-Session-Id="+string(a.Value))
		case aaa.VendorSpecific:
			subs, err := aaa.Walk(aaa.Attributes{a}, d.Vendor)
			if err != nil || len(subs) != 1 {
				t.Fatalf("%x: %v, %v: each attribute is alone", a.Value, subs, err)
			}
			name, _ := d.Name(subs[0].Type)
			value := string(subs[0].Value)
			if attributeNamed(name).kind.isNumber() {
				value = fmt.Sprint(binary.BigEndian.Uint32(subs[0].Value))
			}
			out = append(out, name+"="+value)
		}
	}
	return out
}

// The Alive of the manual has 113 octets, of which 20 are the header.
func TestAliveOfTheManual(t *testing.T) {
	all, missing, err := Default().Accounting(Accounting{
		Status: AcctAlive, Account: "account", SessionID: "443291238e274109be990cf1ccd3d4b2", Number: "912345551234", Send: true, Start: time.Unix(0x49247728, 0),
	})
	if err != nil || missing != nil {
		t.Fatal(missing, err)
	}
	size := 20
	for _, a := range all {
		size += 2 + len(a.Value)
	}
	if size != 113 {
		t.Errorf("%d octets, want 113: %q", size, decoded(t, Default(), all))
	}
	want := []string{"Acct-Status-Type=3", "User-Name=account", "FB-Dial-Number=912345551234", "FB-Is-Send=1", "FB-Start-Time=1227126568", "Acct-Session-Id=443291238e274109be990cf1ccd3d4b2"}
	if got := decoded(t, Default(), all); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

var stop = Accounting{
	Status: AcctStop, Account: "account", SessionID: "s1", Number: "600", Send: true, Start: time.Unix(1700000000, 0),
	ClientAccount: "account", CDRInfo: "cdr", PerFaxCDRInfo: "77", Customer: "c", Source: "s", LocalCSID: "me", RemoteCSID: "you",
	Total: 61500 * time.Millisecond, Pages: 3, PortServer: "device", ConnectionServer: "sip", PortUsed: "port1", SIPCallID: "id@host",
	CalledResult: 0, Capabilities: 1 | 4, ErrorCode: 28502, ConnectBPS: 14400, ECMErrors: 2, V21Errors: 1, RTN: 1, RTP: 2, CDRType: CDRStageCompleted,
	Description: "busy", RelatedID: "s0", ReceiveAccount: "other", ExtendedError: 5,
}

func TestStop(t *testing.T) {
	d := every(t)
	all, missing, err := d.Accounting(stop)
	if err != nil || missing != nil {
		t.Fatal(missing, err)
	}
	want := []string{
		"Acct-Status-Type=2", "User-Name=account", "FB-CDR-Info=cdr", "FB-Per-Fax-CDR-Info=77", "FB-Customer=c", "FB-Source=s", "FB-Connection-Server=sip", "FB-Client-Account-Id=account",
		"FB-Is-Send=1", "FB-Dial-Number=600", "FB-Local-CSID=me", "FB-Remote-CSID=you", "FB-Start-Time=1700000000", "FB-Total-Seconds=61", "FB-Page-Count=3",
		"FB-Port-Server=device", "FB-Port-Used=port1", "FB-Dial-Prefix-Used=", "FB-SIP-Call-Id=id@host", "FB-Called-Number-Result=0", "FB-Fax-Capabilities=5",
		"FB-Connect-BPS=14400", "FB-ECM-Frame-Error-Count=2", "FB-V21-Frame-Error-Count=1", "FB-RTN-Count=1", "FB-RTP-Count=2", "FB-Msg-Type=0", "FB-CDR-Type=6",
		"FB-Description=busy", "FB-Related-Id=s0", "FB-Rcv-Account-Id=other", "FB-Extended-Error-Code=5", "FB-Fax-Error-Code=28502", "Acct-Session-Id=s1",
	}
	if got := decoded(t, d, all); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// What a fax has no result of is left out; a received fax has its caller and no result.
func TestStopWithoutResult(t *testing.T) {
	d := every(t)
	for _, tt := range []struct {
		change func(*Accounting)
		want   string // of all that may be absent, what is there
	}{
		{func(*Accounting) {}, "FB-Called-Number-Result=0 FB-Related-Id=s0 FB-Rcv-Account-Id=other"},
		{func(a *Accounting) { a.CalledResult = CalledNumberUnknown }, "FB-Related-Id=s0 FB-Rcv-Account-Id=other"},
		{func(a *Accounting) { a.RelatedID, a.ReceiveAccount = "", "" }, "FB-Called-Number-Result=0"},
		{func(a *Accounting) { a.Send, a.CallerID = false, "555" }, "FB-Caller-Id=555 FB-Related-Id=s0 FB-Rcv-Account-Id=other"},
	} {
		a := stop
		tt.change(&a)
		all, _, err := d.Accounting(a)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, line := range decoded(t, d, all) {
			name, _, _ := strings.Cut(line, "=")
			if slices.Contains([]string{"FB-Called-Number-Result", "FB-Related-Id", "FB-Rcv-Account-Id", "FB-Caller-Id"}, name) {
				got = append(got, line)
			}
		}
		if text := strings.Join(got, " "); text != tt.want {
			t.Errorf("got %q, want %q", text, tt.want)
		}
	}
}

// What the dictionary does not number is not sent.
func TestAccountingNumbersOnly(t *testing.T) {
	all, missing, err := Default().Accounting(stop)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range missing {
		if _, ok := Default().Number(name); ok {
			t.Errorf("%s has a number, and is said to have none", name)
		}
	}
	for _, name := range []string{"FB-Fax-Error-Code", "FB-Related-Id", "FB-RTP-Count", "FB-Customer"} {
		if !slices.Contains(missing, name) {
			t.Errorf("%s is not numbered, and not named", name)
		}
	}
	if got, whole := len(decoded(t, Default(), all)), 34; got != whole-len(missing) {
		t.Errorf("%d attributes, and %d without number, of %d", got, len(missing), whole)
	}
}

// Texts from the far end and the account cannot break a record.
func TestAccountingCuts(t *testing.T) {
	d := every(t)
	for _, s := range []string{strings.Repeat("é", 400), "a\r\nb\x00\x7f", "\xff\xfe", strings.Repeat("x", 5000)} {
		a := stop
		for _, p := range []*string{&a.Account, &a.SessionID, &a.Number, &a.CDRInfo, &a.RemoteCSID, &a.LocalCSID, &a.SIPCallID, &a.Description, &a.PortServer, &a.RelatedID} {
			*p = s
		}
		all, _, err := d.Accounting(a)
		if err != nil {
			t.Fatalf("%.20q: %v", s, err)
		}
		for _, line := range decoded(t, d, all) {
			name, value, _ := strings.Cut(line, "=")
			bound := attributeNamed(name)
			if bound == nil || bound.kind.isNumber() {
				continue
			}
			if err := bound.check(value); err != nil {
				t.Errorf("%.20q: %v", s, err)
			}
			if !utf8.ValidString(value) {
				t.Errorf("%s is %q", name, value)
			}
		}
	}
}
