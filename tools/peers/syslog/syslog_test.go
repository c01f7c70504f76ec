package syslog

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/dns"
	"tipring/tools/peers/netlab"
)

func TestMain(m *testing.M) { netlab.Main(agent.Build, m.Run) }

const patience = 20 * time.Second

// A record is a log line, as standard error or as rsyslog has it.
type record struct {
	level, msg, time string
	attrs            map[string]string
}

func (r record) String() string {
	text := r.time + " " + r.level + " " + r.msg
	for _, k := range slices.Sorted(maps.Keys(r.attrs)) {
		text += fmt.Sprintf(" %s=%q", k, r.attrs[k])
	}
	return text
}

// written are the records on standard error, in JSON.
func written(t *testing.T, a *agent.Agent) (all []record) {
	t.Helper()
	text, err := os.ReadFile(a.Log)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var fields map[string]any
		numbers := json.NewDecoder(strings.NewReader(line))
		numbers.UseNumber()
		if err := numbers.Decode(&fields); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		r := record{attrs: map[string]string{}}
		for k, v := range fields {
			switch k {
			case "time":
				r.time = v.(string)
			case "level":
				r.level = v.(string)
			case "msg":
				r.msg = v.(string)
			default:
				if v == nil {
					v = []any{} // a list that is empty
				}
				r.attrs[k] = fmt.Sprint(v)
			}
		}
		all = append(all, r)
	}
	return all
}

// received are the records that rsyslog has. Whatever is not RFC 5424 fails the test.
func received(t *testing.T, s *Server, a *agent.Agent) (all []record) {
	t.Helper()
	levels := map[string]string{"err": "ERROR", "warning": "WARN", "info": "INFO", "debug": "DEBUG"}
	for _, m := range s.Messages() {
		if m.Malformed != "" || m.Version != "1" || m.Facility != "local0" || m.Host != "020000000001" || m.App != "tipring" ||
			m.MsgID != "-" || m.FromHost != a.Host.Addr.String() || levels[m.Severity] == "" || m.ProcID == "-" {
			t.Errorf("message %+v", m)
		}
		at, err := time.Parse(time.RFC3339Nano, m.Time)
		if err != nil {
			t.Error(err)
		}
		r := record{level: levels[m.Severity], msg: strings.TrimPrefix(m.Text, " "), time: at.Format("2006-01-02T15:04:05.000Z07:00"), attrs: map[string]string{}}
		for id, params := range m.Elements {
			if id != "tipring@32473" {
				t.Errorf("element %s", id)
			}
			maps.Copy(r.attrs, params)
		}
		all = append(all, r)
	}
	return all
}

func has(all []record, msg, key, value string) bool {
	return slices.ContainsFunc(all, func(r record) bool { return r.msg == msg && r.attrs[key] == value })
}

// A lab is a device with a line, a name server and two hosts for syslog servers.
type lab struct {
	t      *testing.T
	names  *dns.Server
	hosts  [2]*netlab.Host
	config agent.Ini
	device *netlab.Host
}

func newLab(t *testing.T) *lab {
	lan := netlab.New(t)
	l := &lab{t: t, hosts: [2]*netlab.Host{lan.Host("log1", 21), lan.Host("log2", 22)}, device: lan.Host("device", 2)}
	l.names = dns.Start(t, lan.Host("dns", 53), dns.Records{dns.A("log.test", "10.9.0.21")})
	l.device.UseDNS(l.names.Host.Addr)
	l.config = agent.Base(100).Set("device", "syslog", "log.test").Set("device", "log_format", "json").
		Set("sip1", "username", "201").Set("sip1", "register_addr", "10.9.0.99").Set("sip1", "display_name", `"Büro" [1] \`)
	return l
}

// change changes a key of the line, and waits until the log tells it.
func (l *lab) change(a *agent.Agent, key string, value any) {
	l.t.Helper()
	told := func() int { return len(a.LogLines("configuration changed", "sip1", key)) }
	before := told()
	a.Write(l.config.Set("sip1", key, value).String())
	a.Reload()
	if !netlab.Until(patience, func() bool { return told() > before }) {
		l.t.Fatalf("%s is not reloaded", key)
	}
}

// Everything that the agent writes to standard error at level debug, rsyslog parses as RFC
// 5424 with the same time, severity, message and attributes, from the first line to the last.
func TestEveryRecordArrives(t *testing.T) {
	l := newLab(t)
	s := Start(t, l.hosts[0])
	a := agent.Start(t, l.device, l.config)
	l.change(a, "display_name", "x")
	a.Write("[sip1]\nauth_password = \"geheim\"]\nregister_ttl = \"]\\\n")
	a.Reload()
	if !netlab.Until(patience, func() bool { return len(a.LogLines("configuration refused")) > 0 }) {
		t.Fatal("a fault was not told")
	}
	a.Stop()
	want := written(t, a)
	var got []record
	if !netlab.Until(patience, func() bool { got = received(t, s, a); return len(got) >= len(want) }) {
		t.Errorf("%d of %d records", len(got), len(want))
	}
	if len(want) < 7 { // started, two REGISTERs, changed, refused, ending, stopped
		t.Errorf("only %d records were written", len(want))
	}
	// What two parts of the agent log at once may come in either order.
	byTime := func(a, b record) int { return strings.Compare(a.String(), b.String()) }
	slices.SortFunc(got, byTime)
	slices.SortFunc(want, byTime)
	for i := range min(len(got), len(want)) {
		if got[i].String() != want[i].String() {
			t.Errorf("record %d:\n got %v\nwant %v", i+1, got[i], want[i])
		}
	}
}

// A server that ends loses nothing that is logged once that is noticed: it waits until the
// server is back.
func TestServerComesBack(t *testing.T) {
	l := newLab(t)
	s := Start(t, l.hosts[0])
	a := agent.Start(t, l.device, l.config)
	if !netlab.Until(patience, func() bool { return has(received(t, s, a), "started", "mac", "020000000001") }) {
		t.Fatal("nothing received")
	}
	s.Kill()
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for i := 0; len(a.LogLines("syslog server not reached", "refused")) == 0; i++ {
		if i == 20 {
			t.Fatal("that nobody listens is not noticed")
		}
		l.change(a, "register_ttl", 3000+i)
		<-look.C
	}
	before := len(written(t, a))
	l.change(a, "register_ttl", 4000)
	l.change(a, "username", "300")
	want := written(t, a)[before:]
	s.Restart()
	var lacking string
	if !netlab.Until(patience+30*time.Second, func() bool {
		got := received(t, s, a)
		lacking = ""
		for _, r := range want {
			if !slices.ContainsFunc(got, func(g record) bool { return g.String() == r.String() }) {
				lacking += r.String() + "\n"
			}
		}
		return lacking == ""
	}) {
		t.Errorf("not received:\n%s", lacking)
	}
}

// The server moves to another host under its name.
func TestServerMoves(t *testing.T) {
	l := newLab(t)
	first := Start(t, l.hosts[0])
	a := agent.Start(t, l.device, l.config)
	if !netlab.Until(patience, func() bool { return has(received(t, first, a), "started", "mac", "020000000001") }) {
		t.Fatal("nothing received")
	}
	second := Start(t, l.hosts[1])
	first.Kill()
	l.names.Serve(dns.Records{dns.A("log.test", "10.9.0.22")})
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for i := 0; len(second.Messages()) == 0; i++ {
		if i == 100 {
			t.Fatal("nothing came to where the name points")
		}
		l.change(a, "register_ttl", 3000+i)
		<-look.C
	}
	received(t, second, a)
}
