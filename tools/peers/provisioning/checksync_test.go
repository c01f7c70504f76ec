package provisioning

import (
	"cmp"
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/icholy/digest"

	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
)

// A provider's NOTIFY asks a user's device to look for settings. It goes by the proxy, as
// a provider's does, and the challenge is answered by what its sender takes for the
// password.
type notify struct {
	t         *testing.T
	from      *netlab.Host
	to        string // host:port
	uri       string // of the user
	user      string
	password  string
	algorithm string
	wait      time.Duration // for an answer; 0: there must be one
}

var challenge = regexp.MustCompile(`(?m)^WWW-Authenticate: (.*)\r$`)

// send tells the final answer's status.
func (n notify) send() string {
	n.t.Helper()
	var c net.Conn
	err := n.from.Do(func() (err error) { c, err = net.Dial("udp", n.to); return err })
	if err != nil {
		n.t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	id := time.Now().UnixNano()
	answer := n.exchange(c, fmt.Sprintf("%d@provider", id), 1, "")
	if !strings.HasPrefix(answer, "SIP/2.0 401") {
		return status(answer)
	}
	if to := regexp.MustCompile(`(?m)^To: (.*)\r$`).FindString(answer); !strings.Contains(to, ";tag=") {
		n.t.Errorf("a challenge without a To tag (RFC 3261 section 8.2.6.2): %s", to)
	}
	for _, m := range challenge.FindAllStringSubmatch(answer, -1) {
		asked, err := digest.ParseChallenge(m[1])
		if err != nil {
			n.t.Fatalf("%v: %s", err, m[1])
		}
		if asked.Algorithm != n.algorithm {
			continue
		}
		given, err := digest.Digest(asked, digest.Options{Method: "NOTIFY", URI: n.uri, Username: n.user, Password: n.password, Count: 1})
		if err != nil {
			n.t.Fatal(err)
		}
		return status(n.exchange(c, fmt.Sprintf("%d@provider", id), 2, "Authorization: "+given.String()+"\r\n"))
	}
	n.t.Fatalf("no challenge with %s:\n%s", n.algorithm, answer)
	return ""
}

func status(answer string) string {
	line, _, _ := strings.Cut(answer, "\r\n")
	return strings.TrimPrefix(line, "SIP/2.0 ")
}

// exchange sends a request until there is a final answer.
func (n notify) exchange(c net.Conn, id string, seq int, more string) string {
	n.t.Helper()
	b := make([]byte, 4000)
	for end := time.Now().Add(cmp.Or(n.wait, patience)); time.Now().Before(end); {
		_, err := fmt.Fprintf(c, "NOTIFY %s SIP/2.0\r\nVia: SIP/2.0/UDP %v;branch=z9hG4bK%s%d;rport\r\nMax-Forwards: 70\r\n"+
			"From: <sip:provider@tipring.test>;tag=p%s\r\nTo: <%s>\r\nCall-ID: %s\r\nCSeq: %d NOTIFY\r\nContact: <sip:provider@%v>\r\n%s"+
			"Event: check-sync;reboot=true\r\nSubscription-State: active\r\nContent-Length: 0\r\n\r\n",
			n.uri, c.LocalAddr(), id[:19], seq, id[:19], n.uri, id, seq, c.LocalAddr(), more)
		if err != nil {
			n.t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
		for {
			k, err := c.Read(b)
			if err != nil {
				break
			}
			if answer := string(b[:k]); !strings.HasPrefix(answer, "SIP/2.0 1") && strings.Contains(answer, fmt.Sprintf("CSeq: %d NOTIFY", seq)) {
				return answer
			}
		}
	}
	if n.wait == 0 {
		n.t.Fatal("no answer to a NOTIFY")
	}
	return ""
}

// A NOTIFY by the line's own server has the device look for settings, when its sender knows
// the line's password. One that does not know it, and one by somebody else, is refused.
func TestCheckSync(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("1001.ini", w.line(1, "1001"))
	d := begin(t, w.host, "02:00:00:00:00:01", own(), w.factory("static").Set("provisioning", "url", https("1001.ini")))
	d.registered("primary", 1)
	first := d.good()
	w.put("1001.ini", w.line(1, "1001")+"display_name = New\n")

	n := notify{
		t: t, from: w.lan.Host("provider", 7), to: w.pbx.Host.Addr.String() + ":5060", uri: "sip:1001@" + w.pbx.Host.Addr.String(),
		user: "1001", password: "PLANTED", algorithm: "MD5",
	}
	wrong, stranger := n, n
	if got := wrong.send(); got != "401 Unauthorized" {
		t.Errorf("with a wrong password: %s", got)
	}
	// Somebody on the device's network, past the proxy, who even knows the password.
	stranger.to, stranger.uri, stranger.password, stranger.wait = "10.9.0.10:5060", "sip:1001@10.9.0.10", kamailio.Password("1001"), time.Second
	if got := stranger.send(); got != "" {
		t.Errorf("to a stranger: %s", got)
	}
	if p := d.status(); p.Attempt != 1 {
		t.Errorf("nobody who may has asked: %+v", p)
	}
	n.password = kamailio.Password("1001")
	if got := n.send(); got != "200 OK" {
		t.Fatalf("with the right password: %s", got)
	}
	d.until("looked", func(p provisioned) bool { return p.Finished == 2 })
	if p := d.good(); p.Generation == first.Generation {
		t.Errorf("%+v", p)
	}
	d.wants(map[string][2]string{"sip1.display_name": {"New", https("1001.ini") + ":7"}})
	d.says("check-sync", "line=1")
	d.silent(kamailio.Password("1001"), "PLANTED")
}

// A NOTIFY that comes soon after another is put off, also when it is by SHA-256.
func TestCheckSyncTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("1001.ini", w.line(1, "1001"))
	d := begin(t, w.host, "02:00:00:00:00:01", own(), w.factory("static").Set("provisioning", "url", https("1001.ini")))
	d.registered("primary", 1)
	d.good()
	n := notify{
		t: t, from: w.lan.Host("provider", 7), to: w.pbx.Host.Addr.String() + ":5060", uri: "sip:1001@" + w.pbx.Host.Addr.String(),
		user: "1001", password: kamailio.Password("1001"), algorithm: "SHA-256",
	}
	if got := n.send(); got != "200 OK" {
		t.Fatalf("the first: %s", got)
	}
	d.until("looked", func(p provisioned) bool { return p.Finished == 2 })
	// RFC 3261 section 16.7 item 6 has a proxy make a 500 of the device's 503.
	if got := n.send(); !strings.HasPrefix(got, "500") {
		t.Errorf("the second: %s", got)
	}
	if p := d.status(); p.Attempt != 2 || p.State != "good" {
		t.Errorf("%+v", p)
	}
}
