package agent

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tipring/internal/faxback"
	"tipring/tools/lab"
	"tipring/webui/api"
)

const radiusSecret = "R-A-D-I-U-S"

// asking is a [radius] section for a server.
func asking(addr fmt.Stringer, more string) string {
	return fmt.Sprintf("[radius]\nservers = %v\nsecret = %s\ntimeout_ms = 1000\ntries = 1\n%s", addr, radiusSecret, more)
}

// lookUp posts a question and returns status and body.
func (r *rig) lookUp(question string) string {
	w := r.http("POST", "/radius/lookup", question)
	return fmt.Sprint(w.Code, " ", strings.TrimSpace(w.Body.String()))
}

// What the servers say to each question, over the interface.
func TestLookups(t *testing.T) {
	s, err := lab.NewRadius(netip.MustParseAddr("127.0.0.1"), lab.RadiusConfig{
		Secret: radiusSecret,
		Accounts: []lab.Account{{
			Name: "acct", Password: hush, MAC: "00908F1D37F0", Serial: "77", Type: faxback.QueuePrivate,
			Argument: "sip1.auth_password=" + hush, DIDs: []lab.AccountDID{{Number: "1111", ANI: "555"}, {Number: "2222"}},
		}},
		CallAhead: map[string]uint32{"600": 0},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := start(t, base+asking(s.Addr(), "account = acct\npassword = "+hush+"\n"))
	r.until("logged in by itself", func() bool { return strings.Contains(r.log.String(), "logged in at the provider") })
	var said strings.Builder
	for _, tt := range []struct {
		question string
		want     []string
	}{
		{`{"command":"account","mac":"00:90:8f:1d:37:f0"}`, []string{`200 {"code":"Access-Accept","server":"` + s.Addr().String() + `"`, `{"name":"User-Name","value":"acct"}`, `sip1.auth_password=********`}},
		{`{"command":"account","serial":"77"}`, []string{`200 {"code":"Access-Accept"`, `{"name":"User-Name","value":"acct"}`}},
		{`{"command":"account","serial":"78"}`, []string{`200 {"code":"Access-Reject"`}},
		{`{"command":"account","mac":"00908F"}`, []string{`422`, `wanted a MAC address`}},
		{`{"command":"call-ahead","number":"600"}`, []string{`200 {"code":"Access-Accept"`, `{"name":"FB-Call-Ahead-Mode","value":"0"}`}},
		{`{"command":"dids","account":"acct"}`, []string{`200 {"code":"Access-Accept"`, `{"name":"FB-DID","value":"1111"},{"name":"FB-DID","value":"2222"}`}},
		{`{"command":"did","number":"1111"}`, []string{`200 {"code":"Access-Accept"`, `{"name":"FB-Snd-ANI","value":"555"}`, `"not_numbered":["FB-Line-Num","FB-Line-Id"]`}},
		{`{"command":"login"}`, []string{`200 {"code":"Access-Accept"`, `FB-Account-Type`}},
	} {
		got := r.lookUp(tt.question)
		said.WriteString(got)
		for _, part := range tt.want {
			if !strings.Contains(got, part) {
				t.Errorf("%s: %s\nwant %s", tt.question, got, part)
			}
		}
	}
	known := get[api.Radius](r, "/radius")
	if v := known.Servers; len(v) != 1 || v[0].Address != s.Addr().String() || v[0].State != "alive" || v[0].Since.IsZero() || v[0].Answers < 7 || v[0].Requests < v[0].Answers || known.Account != "acct" {
		t.Errorf("%+v", known)
	}
	// A server that is silent is told, and not what it answered before.
	s.Silence(true)
	if got := r.lookUp(`{"command":"account","serial":"77"}`); !strings.HasPrefix(got, "504 ") || !strings.Contains(got, s.Addr().String()) {
		t.Error(got)
	}
	if v := get[api.Radius](r, "/radius").Servers[0]; v.State != "dead" || v.Timeouts == 0 || v.Since.Before(known.Servers[0].Since.Time) {
		t.Errorf("%+v", v)
	}
	r.reload(base + asking(s.Addr(), ""))
	if v := get[api.Radius](r, "/radius").Servers[0]; v.State != "unknown" || v.Requests != 0 || !v.Since.IsZero() || v.LastAnswerMS != nil {
		t.Errorf("%+v", v)
	}
	if got := r.lookUp(`{"command":"login"}`); !strings.HasPrefix(got, "409 ") || !strings.Contains(got, "has no account") {
		t.Error(got)
	}
	r.reload(base)
	if got := r.lookUp(`{"command":"login"}`); !strings.HasPrefix(got, "409 ") || !strings.Contains(got, "has no servers") {
		t.Error(got)
	}
	if all := said.String() + r.log.String(); strings.Contains(all, hush) || strings.Contains(all, radiusSecret) {
		t.Errorf("a secret is told: %s", all)
	}
}

// A liar signs every answer and puts a sub-attribute of a vendor into it that is longer than
// what holds it.
func liar(t *testing.T, vendor uint32) net.Addr {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 4096)
		for {
			_, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			answer := append([]byte{2, buf[1], 0, 0}, buf[4:20]...)
			answer = append(append(answer, 80, 18), make([]byte, 16)...)
			answer = append(answer, 1, 6, 'a', 'c', 'c', 't')
			answer = append(answer, binary.BigEndian.AppendUint32([]byte{26, 9}, vendor)...)
			answer = append(answer, 57, 200, 'x')
			binary.BigEndian.PutUint16(answer[2:], uint16(len(answer)))
			mac := hmac.New(md5.New, []byte(radiusSecret)) // RFC 3579 section 3.2
			mac.Write(answer)
			copy(answer[22:], mac.Sum(nil))
			sum := md5.Sum(append(answer[:len(answer):len(answer)], radiusSecret...))
			copy(answer[4:], sum[:])
			_, _ = conn.WriteTo(answer, from)
		}
	}()
	t.Cleanup(func() { conn.Close(); <-done })
	return conn.LocalAddr()
}

// Whose attributes must be well formed is the dictionary's to say.
func TestAttributesOfTheDictionarysVendor(t *testing.T) {
	const other = 4242
	dictionary := filepath.Join(t.TempDir(), "dictionary")
	text := fmt.Sprintf("VENDOR FaxBack %d\nBEGIN-VENDOR FaxBack\nATTRIBUTE FB-Command 1 integer\nATTRIBUTE FB-Context 2 integer\nATTRIBUTE FB-Fax-ATA-Type 58 integer\nATTRIBUTE FB-Queue-Profile 57 string\nEND-VENDOR FaxBack\n", other)
	if err := os.WriteFile(dictionary, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, more string
		vendor     uint32
		want       string
	}{
		{"the built-in dictionary's", "", 30694, "504 "},
		{"a stranger's", "", other, "200 "},
		{"another dictionary's", "dictionary = " + dictionary + "\n", other, "504 "},
		{"that of the built-in one, which is a stranger then", "dictionary = " + dictionary + "\n", 30694, "200 "},
	} {
		r := start(t, base+asking(liar(t, tt.vendor), tt.more))
		if got := r.lookUp(`{"command":"account","mac":"00908F1D37F0"}`); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
