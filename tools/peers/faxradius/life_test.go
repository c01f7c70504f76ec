package faxradius

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/faxcard"
	"tipring/tools/peers/faxend"
	"tipring/tools/peers/freeradius"
	"tipring/tools/peers/netlab"
)

// provider is what freeradius answers. It knows the account's password, and numbers by what is to
// happen to them.
const provider = `
acct	FB-Command == Get-Account, FB-Context == Account-Login, Cleartext-Password := "geheim"
	FB-Account-Type := Queue-Private-Send-Receive,
	FB-Call-Ahead-Mode := Dynamic

acct	FB-Command == Get-Account, FB-Context == Pre-Send-Session, FB-Dial-Number == "6091", Auth-Type := Reject

acct	FB-Command == Get-Account, FB-Context == Pre-Send-Session, FB-Dial-Number == "6092", Auth-Type := Accept
	FB-Snd-From-Account := 0

acct	FB-Command == Get-Account, FB-Context == Pre-Send-Session, FB-Dial-Number == "6093", Auth-Type := Accept
	FB-Snd-Time-Expired := 1

acct	FB-Command == Get-Account, FB-Context == Pre-Send-Session, FB-Dial-Number == "6095", Auth-Type := Accept
	FB-Save-CDR := 0

acct	FB-Command == Get-Account, FB-Context == Pre-Send-Session, FB-Dial-Number == "6001", Auth-Type := Accept
	FB-CDR-Info := "cost centre 7",
	FB-Customer := "a customer",
	FB-Source := "a source",
	FB-Snd-ANI := "5551111"

acct	FB-Command == Get-Account, FB-Context == Pre-Send-Session, FB-Dial-Number == "6003", Auth-Type := Accept
	FB-Snd-TSID := "5553333"

acct	FB-Command == Get-Account, FB-Context == Pre-Send-Session, Auth-Type := Accept
	FB-Snd-From-Account := 1

acct	FB-Command == Get-Account, FB-Context == Pre-Receive-Session, FB-Dial-Number == "9009", Auth-Type := Reject

acct	FB-Command == Get-Account, FB-Context == Pre-Receive-Session, FB-Dial-Number == "9010", Auth-Type := Accept
	FB-Rcv-To-Account := 0

acct	FB-Command == Get-Account, FB-Context == Pre-Receive-Session, FB-Dial-Number == "9011", Auth-Type := Accept
	FB-Rcv-Time-Expired := 1

acct	FB-Command == Get-Account, FB-Context == Pre-Receive-Session, FB-Dial-Number == "1005", Auth-Type := Accept
	FB-Rcv-CSID := "5555555",
	FB-CDR-Info := "mailbox"

acct	FB-Command == Get-Account, FB-Context == Pre-Receive-Session, FB-Dial-Number == "9012", Auth-Type := Accept
	FB-Save-CDR := 0

acct	FB-Command == Get-Account, FB-Context == Pre-Receive-Session, Auth-Type := Accept
	FB-Rcv-To-Account := 1

7007	FB-Command == Get-DID, FB-Context == Pre-Send-Session, Auth-Type := Reject

3003	FB-Command == Get-DID, FB-Context == Pre-Send-Session, Auth-Type := Accept
	User-Name := "acct",
	FB-Queue-Profile := '<QPXml Op="1" Dn="0" Ndn="0" />',
	FB-Snd-ANI := "3903"

3903	FB-Command == Get-DID, FB-Context == Pre-Send-Session, Auth-Type := Reject

DEFAULT	FB-Command == Get-DID, FB-Context == Pre-Send-Session, Auth-Type := Accept

6003	FB-Command == Get-Call-Ahead-Mode, FB-Context == Pre-Send-Session, Auth-Type := Accept
	FB-Call-Ahead-Mode := Never

DEFAULT	FB-Command == Get-Call-Ahead-Mode, FB-Context == Pre-Send-Session, Auth-Type := Accept
`

// TestLife has every kind of fax go its way: each question is asked as the manual says, and each
// session told of with all of the attributes.
func TestLife(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := newLab(t, dictionary(t), provider, func(number string, nth int) faxend.Script {
		switch number {
		case "6004":
			return faxend.Script{Ring: time.Second} // a person
		case "6095", "6096":
			return faxend.Script{Status: 486}
		}
		return faxend.Script{Switch: faxend.AtOnce, Recv: filepath.Join(dir, "far-"+number), Options: []string{"--ident", "far " + number}}
	})
	l.port(1, "ani", "2001")
	l.port(2, "ani", "2002")
	l.port(3, "ani", "3003", "fax_mode", "spool")
	l.port(4, "fax_mode", "spool")
	l.port(5, "driver", "none")
	l.port(6)
	l.port(7, "ani", "7007")
	l.port(8, "fax_mode", "spool")
	for n := 9; n <= 12; n++ {
		l.port(n, "ani", fmt.Sprint(9000+n), "driver", "none")
	}
	l.run(12)
	t.Run("faxes", func(t *testing.T) {
		for name, test := range map[string]func(*testing.T, *lab){
			"login": login, "relay sends": relaySends, "relay receives": relayReceives, "spool": spool, "a person answers": person,
			"mailbox": mailbox, "not kept": notKept, "refused": refusedSends, "the line is refused": refusedLine, "receiving is refused": refusedReceives,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, l)
				if t.Failed() {
					t.Logf("asked: %v", freeradius.Records(l.asked.Asked()))
				}
			})
		}
	})
	if !netlab.Until(settle, func() bool { return l.kept() == 0 }) {
		t.Errorf("%d accounts still wait on the disk", l.kept())
	}
	if strings.Contains(l.accounts.Accounted(), "9012") {
		t.Errorf("an account is kept where none is wanted:\n%s", l.accounts.Accounted())
	}
	for id, s := range l.sessions() {
		if s.start == nil || len(s.stops) != 1 {
			t.Errorf("session %s: %v, with %d Stops", id, s.start, len(s.stops))
		}
	}
	if missing, _ := l.agent.Plain("radius", "dictionary", "-c", l.agent.File(), "--json"); !strings.Contains(missing, `"not_numbered":[]`) {
		t.Errorf("the dictionary numbers all, and tipring radius dictionary says %s", missing)
	}
}

// ask is a question: the names of its attributes but for those of RADIUS itself, and their values.
func (l *lab) ask(t *testing.T, want freeradius.Record) freeradius.Record {
	t.Helper()
	var found freeradius.Record
	for _, r := range freeradius.Records(l.asked.Asked()) {
		if !differs(r, want, "User-Password", "Acct-Session-Id") {
			found = r
		}
	}
	if found == nil {
		t.Errorf("nobody asked %v", want)
	}
	return found
}

// differs compares FaxBack's attributes, the account and the status: all must be there that are
// wanted, and no others, but for those of free. A wanted "~…" is an expression. Freeradius passes
// over texts that are empty.
func differs(got, want freeradius.Record, free ...string) bool {
	return fault(got, want, free...) != ""
}

func fault(got, want freeradius.Record, free ...string) string {
	var faults []string
	for name, value := range want {
		pattern, isPattern := strings.CutPrefix(value, "~")
		switch is, ok := got[name]; {
		case !ok && value != "" && value != "~.*":
			faults = append(faults, name+" is missing")
		case !ok:
		case isPattern && !regexp.MustCompile("^("+pattern+")$").MatchString(is), !isPattern && is != value:
			faults = append(faults, fmt.Sprintf("%s is %q, want %q", name, is, value))
		}
	}
	for _, name := range append(got.Of(), "User-Name", "User-Password", "Acct-Session-Id", "Acct-Status-Type", "Acct-Delay-Time") {
		if _, wanted := want[name]; !wanted && got[name] != "" && !slices.Contains(free, name) {
			faults = append(faults, fmt.Sprintf("%s is %q, and not wanted", name, got[name]))
		}
	}
	slices.Sort(faults)
	return strings.Join(faults, "; ")
}

// told holds a session to what is wanted of its Stop; Start and Alive have their six attributes.
func told(t *testing.T, id string, s *session, alive bool, stop freeradius.Record) {
	t.Helper()
	six := freeradius.Record{
		"User-Name": "acct", "FB-Dial-Number": stop["FB-Dial-Number"], "FB-Is-Send": stop["FB-Is-Send"], "FB-Start-Time": "~.+", "Acct-Session-Id": "~[0-9a-f]{32}",
	}
	check := func(what string, r *freeradius.Record, status string, want freeradius.Record) {
		t.Helper()
		want = maps.Clone(want)
		want["Acct-Status-Type"] = status
		if r == nil {
			t.Errorf("session %s has no %s", id, what)
		} else if text := fault(*r, want, "Acct-Delay-Time"); text != "" {
			t.Errorf("%s of session %s: %s", what, id, text)
		}
	}
	check("Start", s.start, "Start", six)
	if alive {
		check("Alive", s.alive, "Interim-Update", six)
	} else if s.alive != nil {
		t.Errorf("session %s is alive: %v", id, *s.alive)
	}
	whole := freeradius.Record{
		"FB-Client-Account-Id": "acct", "FB-CDR-Info": "", "FB-Per-Fax-CDR-Info": "", "FB-Customer": "", "FB-Source": "", "FB-Connection-Server": "primary",
		"FB-Dial-Prefix-Used": "", "FB-Port-Server": "tipring 020000000001", "FB-Total-Seconds": "~[0-9]+", "FB-SIP-Call-Id": "~.+", "FB-Remote-CSID": "~.*",
		"FB-Fax-Capabilities": "~.+", "FB-ECM-Frame-Error-Count": "~[0-9]+", "FB-V21-Frame-Error-Count": "~[0-9]+", "FB-RTN-Count": "0", "FB-RTP-Count": "0",
		"FB-Extended-Error-Code": "~[0-9]+", "FB-Fax-Error-Code": "0", "FB-Msg-Type": "Message", "FB-CDR-Type": "Realtime", "FB-Description": "",
		"FB-Page-Count": "1", "FB-Connect-BPS": "14400",
	}
	maps.Copy(whole, six)
	maps.Copy(whole, stop)
	if len(s.stops) != 1 {
		t.Errorf("session %s has %d Stops", id, len(s.stops))
	}
	check("Stop", &s.stops[0], "Stop", whole)
}

// only is the one session of a map.
func only(t *testing.T, all map[string]*session) (id string, s *session) {
	t.Helper()
	for id, s = range all {
		return id, s
	}
	t.FailNow()
	return "", nil
}

const settle = 20 * time.Second

func login(t *testing.T, l *lab) {
	want := freeradius.Record{"FB-Command": "Get-Account", "FB-Context": "Account-Login", "User-Name": "acct", "User-Password": "geheim", "FB-Client-Info": "~;FV=[^;]+;MN=020000000001"}
	netlab.Until(settle, func() bool { return strings.Contains(l.asked.Asked(), "Account-Login") })
	l.ask(t, want)
	if !netlab.Until(settle, func() bool {
		return len(l.agent.LogLines("logged in at the provider", `"type":4`)) > 0 || len(l.agent.LogLines("logged in at the provider", "type=4")) > 0
	}) {
		t.Errorf("the agent does not know that it is logged in: %v", l.agent.LogLines("provider"))
	}
}

func relaySends(t *testing.T, l *lab) {
	c := l.card(t, 1, faxcard.Send(document(t, 1), "6001*4711#", "--ident", "machine 1"))
	if r := c.Wait(patience, 1); !r.OK {
		t.Errorf("the machine: %+v", r)
	}
	f := l.far.WaitFax(time.Second, "6001", 1)
	id, s := only(t, l.waitStops(t, settle, "6001", 1))
	told(t, id, s, true, freeradius.Record{
		"FB-Dial-Number": "6001", "FB-Is-Send": "Send", "FB-Per-Fax-CDR-Info": "4711", "FB-CDR-Info": "cost centre 7", "FB-Customer": "a customer", "FB-Source": "a source",
		"FB-Local-CSID": "machine 1", "FB-Remote-CSID": "far 6001", "FB-Port-Used": "port1", "FB-SIP-Call-Id": f.Call.Invite().CallID(), "FB-Called-Number-Result": "Success",
	})
	q := l.ask(t, freeradius.Record{"FB-Command": "Get-Account", "FB-Context": "Pre-Send-Session", "User-Name": "acct", "FB-Dial-Number": "6001", "FB-Transfer-Type": "Real-Time"})
	if q["Acct-Session-Id"] != id {
		t.Errorf("asked as session %s, told as %s", q["Acct-Session-Id"], id)
	}
	if line := l.ask(t, freeradius.Record{"FB-Command": "Get-DID", "FB-Context": "Pre-Send-Session", "User-Name": "2001"}); line["Acct-Session-Id"] != id {
		t.Errorf("the line is asked for as session %s, told as %s", line["Acct-Session-Id"], id)
	}
	if from := f.Call.Invite().Get("From"); !strings.Contains(from, "5551111") {
		t.Errorf("the call comes from %s, want the provider's number", from)
	}
}

func relayReceives(t *testing.T, l *lab) {
	got := filepath.Join(t.TempDir(), "got.tif")
	c := l.card(t, 2, faxcard.Receive(got, "--ident", "machine 2"))
	f, status := l.call(2, faxend.Script{From: "6002", Send: document(t, 1), Options: []string{"--ident", "far 6002"}})
	if r := c.Wait(patience, 1); !r.OK || status != 200 {
		t.Errorf("the machine: %+v, status %d", r, status)
	}
	id, s := only(t, l.waitStops(t, settle, "2002", 1))
	told(t, id, s, true, freeradius.Record{
		"FB-Dial-Number": "2002", "FB-Is-Send": "Receive", "FB-Caller-Id": "6002", "FB-Local-CSID": "machine 2", "FB-Remote-CSID": "far 6002",
		"FB-Port-Used": "port2", "FB-SIP-Call-Id": f.Call.Answered().CallID(),
	})
	if q := l.ask(t, receiving("2002", "Real-Time")); q["Acct-Session-Id"] != id {
		t.Errorf("asked as session %s, told as %s", q["Acct-Session-Id"], id)
	}
}

func receiving(did, transfer string) freeradius.Record {
	return freeradius.Record{"FB-Command": "Get-Account", "FB-Context": "Pre-Receive-Session", "User-Name": "acct", "FB-Dial-Number": did, "FB-Transfer-Type": transfer}
}

// spool has the machine of port 3 send a fax, which is stored and delivered, and receive one, which
// is stored and delivered to it.
func spool(t *testing.T, l *lab) {
	got := filepath.Join(t.TempDir(), "got.tif")
	c := l.card(t, 3,
		faxcard.Send(document(t, 1), "6003*88#", "--ident", "machine 3"),
		faxcard.Receive(got, "--ident", "machine 3", "--wait", "150"))
	if r := c.Wait(patience, 1); !r.OK {
		t.Errorf("the machine: %+v", r)
	}
	back, _ := l.call(3, faxend.Script{From: "6303", Send: document(t, 1), Options: []string{"--ident", "far 6303"}})
	both := l.waitStops(t, patience, "6003", 2)
	f := l.far.WaitFax(time.Second, "6003", 1)
	upload := ""
	for id, s := range both {
		if s.stops[0]["FB-CDR-Type"] != "SendFromClient" {
			continue
		}
		upload = id
		told(t, id, s, true, freeradius.Record{
			"FB-Dial-Number": "6003", "FB-Is-Send": "Send", "FB-Per-Fax-CDR-Info": "88", "FB-CDR-Type": "SendFromClient", "FB-Local-CSID": "5553333", "FB-Remote-CSID": "machine 3",
			"FB-Port-Used": "port3", "FB-SIP-Call-Id": "", "FB-Connection-Server": "",
		})
	}
	for id, s := range both {
		if id == upload {
			continue
		}
		told(t, id, s, true, freeradius.Record{
			"FB-Dial-Number": "6003", "FB-Is-Send": "Send", "FB-Per-Fax-CDR-Info": "88", "FB-Related-Id": upload, "FB-Local-CSID": "5553333", "FB-Remote-CSID": "far 6003",
			"FB-Port-Used": "port3", "FB-SIP-Call-Id": f.Call.Invite().CallID(), "FB-Called-Number-Result": "Success",
		})
	}
	if q := l.ask(t, freeradius.Record{"FB-Command": "Get-Account", "FB-Context": "Pre-Send-Session", "User-Name": "acct", "FB-Dial-Number": "6003", "FB-Transfer-Type": "Queue"}); q["Acct-Session-Id"] != upload {
		t.Errorf("the upload is asked for as session %s, told as %s", q["Acct-Session-Id"], upload)
	}
	l.ask(t, freeradius.Record{"FB-Command": "Get-Account", "FB-Context": "Pre-Send-Session", "User-Name": "acct", "FB-Dial-Number": "6003", "FB-Transfer-Type": "Real-Time"})
	lines := 0
	for _, r := range freeradius.Records(l.asked.Asked()) {
		if r["FB-Command"] == "Get-DID" && r["User-Name"] == "3003" {
			lines++
		}
	}
	if lines != 2 {
		t.Errorf("the line is asked for %d times by the number of its port, want for the upload and for the delivery", lines)
	}
	l.ask(t, freeradius.Record{"FB-Command": "Get-DID", "FB-Context": "Pre-Send-Session", "User-Name": "3003"})
	if ahead := l.ask(t, freeradius.Record{"FB-Command": "Get-Call-Ahead-Mode", "FB-Context": "Pre-Send-Session", "User-Name": "6003"}); ahead["Acct-Session-Id"] != upload {
		t.Errorf("the call-ahead mode is asked for as session %s, the upload is %s", ahead["Acct-Session-Id"], upload)
	}
	if from := f.Call.Invite().Get("From"); !strings.Contains(from, "3903") {
		t.Errorf("the call comes from %s, want the line's number", from)
	}
	if n := len(l.far.To("6003")); n != 1 {
		t.Errorf("%d calls of a number that is not to be called ahead, want the delivery alone", n)
	}

	if r := c.Wait(patience, 2); !r.OK {
		t.Errorf("the machine: %+v", r)
	}
	came := ""
	both = l.waitStops(t, settle, "3003", 2)
	for id, s := range both {
		if s.stops[0]["FB-CDR-Type"] != "ReceiveToClient" {
			came = id
			told(t, id, s, true, freeradius.Record{
				"FB-Dial-Number": "3003", "FB-Is-Send": "Receive", "FB-Caller-Id": "6303", "FB-Local-CSID": "1003", "FB-Remote-CSID": "far 6303",
				"FB-Port-Used": "port3", "FB-SIP-Call-Id": back.Call.Answered().CallID(),
			})
		}
	}
	for id, s := range both {
		if id != came {
			told(t, id, s, true, freeradius.Record{
				"FB-Dial-Number": "3003", "FB-Is-Send": "Receive", "FB-Caller-Id": "6303", "FB-CDR-Type": "ReceiveToClient", "FB-Related-Id": came, "FB-Local-CSID": "1003",
				"FB-Remote-CSID": "machine 3", "FB-Port-Used": "port3", "FB-SIP-Call-Id": "", "FB-Connection-Server": "",
			})
		}
	}
	l.ask(t, receiving("3003", "Queue"))
}

// person has somebody answer the call ahead.
func person(t *testing.T, l *lab) {
	p := l.phone(t, 4)
	p.OffHook()
	p.WaitTone(10*time.Second, 350, 440)
	p.Dial("6004#")
	p.WaitTone(50*time.Second, 1000)
	p.OnHook()
	f := l.far.WaitFax(time.Second, "6004", 1)
	id, s := only(t, l.waitStops(t, settle, "6004", 1))
	told(t, id, s, false, freeradius.Record{
		"FB-Dial-Number": "6004", "FB-Is-Send": "Send", "FB-CDR-Type": "SendFromClient", "FB-Local-CSID": "1004", "FB-Port-Used": "port4", "FB-SIP-Call-Id": f.Call.Invite().CallID(),
		"FB-Called-Number-Result": "VoiceError", "FB-Fax-Error-Code": "28025", "FB-Page-Count": "0", "FB-Connect-BPS": "0", "FB-Description": "no fax machine answered",
	})
}

// mailbox has a fax come for a port without a machine, which has no number but its line's.
func mailbox(t *testing.T, l *lab) {
	f, status := l.call(5, faxend.Script{From: "6005", Send: document(t, 1), Options: []string{"--ident", "far 6005"}})
	if r, err := f.Wait(patience); err != nil || !r.OK || status != 200 {
		t.Errorf("%+v, %v, status %d", r, err, status)
	}
	id, s := only(t, l.waitStops(t, settle, "1005", 1))
	told(t, id, s, true, freeradius.Record{
		"FB-Dial-Number": "1005", "FB-Is-Send": "Receive", "FB-Caller-Id": "6005", "FB-Local-CSID": "5555555", "FB-Remote-CSID": "far 6005", "FB-CDR-Info": "mailbox",
		"FB-Port-Used": "port5", "FB-SIP-Call-Id": f.Call.Answered().CallID(),
	})
	l.ask(t, receiving("1005", "Queue"))
}

// notKept are faxes that the provider wants no account of. That none came is seen when every
// other has.
func notKept(t *testing.T, l *lab) {
	f, status := l.call(12, faxend.Script{From: "6012", Send: document(t, 1)})
	if r, err := f.Wait(patience); err != nil || !r.OK || status != 200 {
		t.Errorf("%+v, %v, status %d", r, err, status)
	}
	l.ask(t, receiving("9012", "Queue"))
}

// refusedSends are calls that the provider or the far end does not want.
func refusedSends(t *testing.T, l *lab) {
	p, spooling := l.phone(t, 6), l.phone(t, 8)
	for _, number := range []string{"6091", "6092", "6093"} {
		l.refused(p, number+"#")
		l.ask(t, freeradius.Record{"FB-Command": "Get-Account", "FB-Context": "Pre-Send-Session", "User-Name": "acct", "FB-Dial-Number": number, "FB-Transfer-Type": "Real-Time"})
		l.refused(spooling, number+"#")
		l.ask(t, freeradius.Record{"FB-Command": "Get-Account", "FB-Context": "Pre-Send-Session", "User-Name": "acct", "FB-Dial-Number": number, "FB-Transfer-Type": "Queue"})
		if n := len(l.far.To(number)); n > 0 {
			t.Errorf("%s was called", number)
		}
	}
	l.refused(p, "6095#") // without an account
	l.far.WaitFax(time.Second, "6095", 1)
	l.refused(p, "6096#") // busy
	f := l.far.WaitFax(time.Second, "6096", 1)
	id, s := only(t, l.waitStops(t, settle, "6096", 1))
	told(t, id, s, false, freeradius.Record{
		"FB-Dial-Number": "6096", "FB-Is-Send": "Send", "FB-Local-CSID": "1006", "FB-Port-Used": "port6", "FB-SIP-Call-Id": f.Call.Invite().CallID(),
		"FB-Fax-Error-Code": "28502", "FB-Page-Count": "0", "FB-Connect-BPS": "0", "FB-Description": "~.+", "FB-Fax-Capabilities": "0",
	})
	for _, number := range []string{"6091", "6092", "6093", "6095"} {
		if strings.Contains(l.accounts.Accounted(), number) {
			t.Errorf("an account is kept of %s:\n%s", number, l.accounts.Accounted())
		}
	}
}

func refusedLine(t *testing.T, l *lab) {
	l.refused(l.phone(t, 7), "6094#")
	l.ask(t, freeradius.Record{"FB-Command": "Get-DID", "FB-Context": "Pre-Send-Session", "User-Name": "7007"})
	if n := len(l.far.To("6094")); n > 0 || strings.Contains(l.accounts.Accounted(), "6094") {
		t.Errorf("%d calls, accounts:\n%s", n, l.accounts.Accounted())
	}
}

func refusedReceives(t *testing.T, l *lab) {
	for n := 9; n <= 11; n++ {
		did := fmt.Sprint(9000 + n)
		if _, status := l.call(n, faxend.Script{From: "6009", Send: document(t, 1)}); status != 480 {
			t.Errorf("%s: status %d, want 480", did, status)
		}
		l.ask(t, receiving(did, "Queue"))
		if strings.Contains(l.accounts.Accounted(), did) {
			t.Errorf("an account is kept of %s:\n%s", did, l.accounts.Accounted())
		}
	}
}
