package faxradius

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/faxcard"
	"tipring/tools/peers/faxend"
	"tipring/tools/peers/freeradius"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/phone"
	"tipring/tools/peers/spandsp"
)

func TestMain(m *testing.M) {
	netlab.Main(agent.Build, func() int {
		flag.Parse()
		if err := flag.Set("test.parallel", "64"); err != nil { // they wait, mostly
			panic(err)
		}
		return m.Run()
	})
}

// patience bounds the wait for a whole fax.
const patience = 3 * time.Minute

// unknown are the names that nobody knows a number of.
const unknown = `
	FB-RTP-Count integer, FB-Snd-On-Behalf-Of integer, FB-Related-Id string, FB-Line-Num integer, FB-Line-Id string,
	FB-Account-Login-Group string, FB-Rule-Group string, FB-Customer string, FB-Source string, FB-Save-CDR integer,
	FB-Snd-From-Account integer, FB-Snd-Time-Expired integer, FB-Snd-TSID string, FB-Snd-Email string, FB-Rcv-To-Account integer,
	FB-Rcv-Time-Expired integer, FB-Rcv-CSID string, FB-Rcv-Format integer, FB-Rcv-Failover-Account-Id string, FB-Rcv-Failover-Mode integer,
	FB-DID-Enabled integer, FB-Last-Modified-Time integer, FB-Connect-BPS integer, FB-Fax-Error-Code integer, FB-Extended-Error-Code integer,
	FB-ECM-Frame-Error-Count integer, FB-V21-Frame-Error-Count integer, FB-RTN-Count integer, FB-Port-Used string, FB-Rcv-Account-Id string`

// dictionary writes one that numbers all 67 names, out of the product's.
func dictionary(t *testing.T) string {
	t.Helper()
	path, err := freeradius.Dictionary()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all := string(text) + "\nBEGIN-VENDOR FaxBack\n"
	for i, a := range strings.Split(unknown, ",") {
		name, kind, _ := strings.Cut(strings.TrimSpace(a), " ")
		all += fmt.Sprintf("ATTRIBUTE %s %d %s\n", name, 200+i, kind)
	}
	if n := strings.Count(all, "\nATTRIBUTE"); n != 67 {
		t.Fatalf("%d attributes, want 67", n)
	}
	file := filepath.Join(netlab.WorkDir(t), "dictionary.all")
	if err := os.WriteFile(file, []byte(all+"END-VENDOR FaxBack\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// A lab is a device with fax ports, one line each, at one kamailio, a fax machine at the far end
// that has the numbers 6…, and two freeradius.
type lab struct {
	t        *testing.T
	host     *netlab.Host
	server   *netlab.Host
	far      *faxend.End
	config   agent.Ini
	agent    *agent.Agent
	asked    *freeradius.Server // takes Access-Requests
	accounts *freeradius.Server // takes Accounting-Requests
}

// newLab makes the lab; users is what the provider answers, far what the far end does. An empty
// dictionary is the product's.
func newLab(t *testing.T, dictionary, users string, far func(number string, nth int) faxend.Script) *lab {
	t.Helper()
	lan := netlab.New(t)
	l := &lab{t: t, host: lan.Host("agent", 10), server: lan.Host("server", 1)}
	host := lan.Host("far", 20)
	kamailio.Start(t, l.server, kamailio.Options{Far: netip.AddrPortFrom(host.Addr, 5060)})
	o := freeradius.Options{Users: users, Signs: true, Requires: true, Dictionary: dictionary}
	l.asked = freeradius.Start(t, lan.Host("asked", 30), o)
	l.accounts = freeradius.Start(t, lan.Host("accounts", 31), o)
	l.far = faxend.New(t, host, far)
	l.config = agent.Base(500).
		Set("radius", "servers", l.asked.Auth).
		Set("radius", "acct_servers", l.accounts.Acct).
		Set("radius", "secret", freeradius.Secret).
		Set("radius", "account", "acct").
		Set("radius", "password", "geheim").
		Set("radius", "timeout_ms", 500).
		Set("radius", "tries", 2).
		Set("radius", "dead_s", 1).
		Set("fax", "cdr_delimiter", "*")
	if dictionary != "" {
		l.config.Set("radius", "dictionary", dictionary)
	}
	return l
}

// port configures a fax port and its line.
func (l *lab) port(n int, more ...any) {
	line, port, user := fmt.Sprintf("sip%d", n), fmt.Sprintf("port%d", n), user(n)
	l.config.
		Set(line, "username", user).Set(line, "auth_password", kamailio.Password(user)).
		Set(line, "register_addr", l.server.Addr).Set(line, "codecs", "pcmu").
		Set(port, "kind", "fax").Set(port, "fax_mode", "relay").Set(port, "line", n).
		Set(port, "driver", fmt.Sprintf("unix:p%d", n)).Set(port, "csid", user)
	for i := 0; i+1 < len(more); i += 2 {
		l.config.Set(port, more[i].(string), more[i+1])
	}
}

// user is the number of a line.
func user(n int) string { return fmt.Sprint(1000 + n) }

// run starts the agent and registers every line.
func (l *lab) run(lines int) {
	l.t.Helper()
	l.agent = agent.Start(l.t, l.host, l.config)
	l.registered(lines)
}

func (l *lab) registered(lines int) {
	l.t.Helper()
	for n := 1; n <= lines; n++ {
		l.agent.WaitRegistered(20*time.Second, n, "primary")
	}
}

// powerCut ends the agent at once and starts it anew.
func (l *lab) powerCut(lines int) {
	l.t.Helper()
	l.agent.Kill()
	l.agent.Run()
	if !netlab.Until(10*time.Second, func() bool { return l.agent.Get("/api/v1/status", nil) == nil }) {
		l.t.Fatalf("the agent does not come back:\n%s", l.agent.Tail(30))
	}
	l.registered(lines)
}

// card connects a fax machine to a port.
func (l *lab) card(t *testing.T, n int, jobs ...faxcard.Job) *faxcard.Card {
	t.Helper()
	return faxcard.Start(t, "unix:"+filepath.Join(l.agent.Dir, "cards", fmt.Sprintf("p%d", n)), jobs...)
}

// call has the far end call a port, and returns the final status too.
func (l *lab) call(n int, s faxend.Script) (*faxend.Fax, int) {
	if driver := l.config[fmt.Sprintf("port%d", n)]["driver"]; driver != "none" && !netlab.Until(20*time.Second, func() bool { return l.agent.Port(n).Card }) {
		l.t.Errorf("port %d does not say that its card is connected", n)
	}
	return l.far.Call(netip.AddrPortFrom(l.server.Addr, 5060), user(n), 2*time.Minute, s)
}

// phone connects a telephone to a port.
func (l *lab) phone(t *testing.T, n int) *phone.Phone {
	t.Helper()
	return phone.Connect(t, "unix", filepath.Join(l.agent.Dir, "cards", fmt.Sprintf("p%d", n)), "", nil)
}

// refused dials and waits for the tone of a call that does not come about.
func (l *lab) refused(p *phone.Phone, keys string) {
	p.OffHook()
	p.WaitTone(10*time.Second, 350, 440)
	p.Dial(keys)
	p.WaitTone(20*time.Second, 480, 620)
	p.OnHook()
	l.agent.WaitPort(5*time.Second, p.Hello.Port, "idle")
}

// document makes a document of so many pages.
func document(t *testing.T, pages int) string {
	t.Helper()
	file := filepath.Join(netlab.WorkDir(t), "sent.tif")
	var all []spandsp.Page
	for n := range pages {
		all = append(all, spandsp.TextPage(400, 98, uint64(n)))
	}
	if err := spandsp.WriteTIFF(file, "mmr", all...); err != nil {
		t.Fatal(err)
	}
	return file
}

// A session is what was told of one.
type session struct {
	start, alive *freeradius.Record
	stops        []freeradius.Record
}

// sessions are those that the accounting server has been told of, by Acct-Session-Id.
func (l *lab) sessions() map[string]*session {
	all := map[string]*session{}
	for _, r := range freeradius.Records(l.accounts.Accounted()) {
		s := all[r["Acct-Session-Id"]]
		if s == nil {
			s = &session{}
			all[r["Acct-Session-Id"]] = s
		}
		switch r["Acct-Status-Type"] {
		case "Start":
			s.start = &r
		case "Interim-Update", "Alive":
			s.alive = &r
		case "Stop":
			s.stops = append(s.stops, r)
		}
	}
	return all
}

// stopped are the sessions with a Stop about a number.
func (l *lab) stopped(number string) map[string]*session {
	all := l.sessions()
	for id, s := range all {
		if len(s.stops) == 0 || s.stops[0]["FB-Dial-Number"] != number {
			delete(all, id)
		}
	}
	return all
}

// kept is how many accounts of what is over wait on the agent's disk.
func (l *lab) kept() int {
	files, _ := filepath.Glob(filepath.Join(l.agent.Dir, "state", "accounting", "*.acct"))
	return len(files)
}

// waitStops waits until so many sessions have a Stop about a number.
func (l *lab) waitStops(t *testing.T, limit time.Duration, number string, n int) map[string]*session {
	t.Helper()
	var all map[string]*session
	if !netlab.Until(limit, func() bool { all = l.stopped(number); return len(all) >= n }) || len(all) > n {
		t.Errorf("%d sessions about %s have a Stop within %v, want %d", len(all), number, limit, n)
	}
	return all
}
