package agent

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tipring/agent/features"
	"tipring/etc"
	"tipring/lines"
	"tipring/lines/fxs"
	"tipring/lines/fxs/sim"
	"tipring/webui/api"
)

// A telephoneRig is a device with a telephone on port 1, whose own time passes as fast as can be,
// and a server that grants and answers everything.
type telephoneRig struct {
	*rig
	server *registry
	phone  *sim.Phone
}

// telephoned starts one; settings are more lines of [port1], or further sections.
func telephoned(t *testing.T, lineSettings, portSettings string) *telephoneRig {
	t.Helper()
	r := &telephoneRig{server: newRegistry(t)}
	path := socketPath(t)
	r.rig = start(t, base+line(1, r.server.port)+lineSettings+"\n[port1]\ndriver = unix:"+path+"\n"+portSettings)
	r.until("registered", func() bool { return r.registered(1) })
	us, err := fxs.LoadCountry(etc.Tones, "us")
	if err != nil {
		t.Fatal(err)
	}
	r.until("telephone plugged in", func() bool {
		r.phone, err = sim.Connect(context.Background(), sim.Options{Address: "unix:" + path, Country: us, Pace: sim.RealTime})
		return err == nil
	})
	t.Cleanup(func() { _ = r.phone.Close() })
	r.until("card known", func() bool { return r.port(1).show().Card })
	return r
}

// does lifts the handset and dials: keys, and in words the tones that are waited for; then it
// hangs up.
func (r *telephoneRig) does(script ...string) {
	r.t.Helper()
	check := func(what string, err error) {
		if err != nil {
			r.t.Fatalf("%v: %s: %v\n%s", script, what, err, r.log)
		}
	}
	tones := map[string]fxs.Tone{"recall": fxs.RecallTone, "confirmed": fxs.Confirmation, "refused": fxs.Reorder}
	check("lift", r.phone.OffHook())
	check("dial tone", r.phone.WaitTone(fxs.DialTone, 5*time.Second))
	for _, s := range script {
		if tone, ok := tones[s]; ok {
			check(s, r.phone.WaitTone(tone, 5*time.Second))
			continue
		}
		check(s, r.phone.Dial(s))
	}
	check("hang up", r.phone.HangUp())
}

// A callIn is what a call that comes in was answered: the statuses in their order, and the last response.
type callIn struct {
	statuses []string
	last     string
}

func (c callIn) header(name string) string {
	for l := range strings.Lines(c.last) {
		if n, v, ok := strings.Cut(l, ": "); ok && strings.EqualFold(n, name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// ring makes a call to line 1 and reads responses until one that is final, or the one named.
// What rings then is cancelled.
func (r *telephoneRig) ring(from, headers, until string) (c callIn) {
	r.t.Helper()
	target := strings.TrimPrefix(r.server.contact("1001"), "sip:")
	_, address, _ := strings.Cut(target, "@")
	address, _, _ = strings.Cut(address, ";")
	conn, err := net.Dial("udp", address)
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close()
	me := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	send := func(method, body string) {
		fmt.Fprintf(conn, "%s sip:%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%d\r\nMax-Forwards: 70\r\nFrom: %s;tag=1\r\nTo: <sip:1001@127.0.0.1>\r\nCall-ID: %s\r\nCSeq: 1 %s\r\nContact: <sip:x@%s>\r\n%sContent-Length: %d\r\n\r\n%s",
			method, target, me, me.Port(), from, me, method, me, headers, len(body), body)
	}
	headers += "Content-Type: application/sdp\r\n"
	send("INVITE", "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n")
	headers = ""
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	for {
		buf := make([]byte, 65536)
		n, err := conn.Read(buf)
		if err != nil {
			r.t.Fatalf("%v\n%s", err, r.log)
		}
		c.last = string(buf[:n])
		status := strings.Fields(c.last)[1]
		if !slices.Contains(c.statuses, status) {
			c.statuses = append(c.statuses, status)
		}
		switch {
		case status[0] >= '3':
			send("ACK", "")
			return c
		case status == until:
			send("CANCEL", "")
			until = ""
		}
	}
}

const (
	friend = "\"Ann\" <sip:5550001@127.0.0.1>"
	nobody = "\"Anonymous\" <sip:anonymous@anonymous.invalid>"
)

// text is the configuration as it was written.
func (r *telephoneRig) text() string {
	r.t.Helper()
	text, err := os.ReadFile(r.file)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(text)
}

// kept is what the state directory holds of port 1: what a device would find after a power cut.
func (r *telephoneRig) kept() features.Settings {
	return features.Open(features.Config{File: filepath.Join(r.dir, "features.json"), Log: r.Agent.log}).Settings(1)
}

// What is dialled at the telephone decides about the next call, and is on the disk when the
// confirmation tone is heard.
func TestStarCodesOfTheTelephone(t *testing.T) {
	t.Parallel()
	r := telephoned(t, "", "")
	r.does("*78", "confirmed")
	if !r.kept().DND {
		t.Error("*78 is confirmed and not kept")
	}
	if c := r.ring(friend, "", ""); c.statuses[len(c.statuses)-1] != "486" {
		t.Errorf("do not disturb: %v", c.statuses)
	}
	r.does("*79", "confirmed", "*72", "recall", "5551234#", "confirmed")
	if r.kept().ForwardAll != "5551234" {
		t.Errorf("*72 is confirmed, and kept is %+v", r.kept())
	}
	if c := r.ring(friend, "", ""); c.statuses[len(c.statuses)-1] != "302" || !strings.Contains(c.header("Contact"), "5551234@") || !strings.Contains(c.header("Diversion"), "unconditional") {
		t.Errorf("forward all: %v\n%s", c.statuses, c.last)
	}
	r.does("*73", "confirmed")
	r.does("*725552222#", "confirmed")
	if r.kept().ForwardAll != "5552222" {
		t.Errorf("dialled in one go: kept is %+v", r.kept())
	}
	r.does("*73", "confirmed")
	if c := r.ring(friend, "", "180"); !slices.Contains(c.statuses, "180") {
		t.Errorf("forward all off: %v", c.statuses)
	}
	r.does("*99", "refused")
}

// Codes before a call change it: who calls is hidden once, the last caller is called back, the
// last number dialled again.
func TestStarCodesBeforeACall(t *testing.T) {
	t.Parallel()
	r := telephoned(t, "voice_message_number = 8000\n", "star_code_table = redial=*66\n")
	made := func(script ...string) (from, to string) {
		t.Helper()
		before := len(r.server.called())
		r.does(script...)
		r.until("call at the server", func() bool { return len(r.server.called()) > before })
		r.until("call over", func() bool { return r.Agent.calls.count() == 0 })
		return r.server.lastCall()
	}
	for _, tt := range []struct {
		script   []string
		from, to string
	}{
		{[]string{"600#"}, "1001", "600"},
		{[]string{"*67", "recall", "601#"}, "anonymous", "601"},
		{[]string{"602#"}, "1001", "602"},
		{[]string{"*66"}, "1001", "602"},
		{[]string{"*97"}, "1001", "8000"},
		{[]string{"*74", "recall", "2603#", "confirmed", "*752"}, "1001", "603"},
	} {
		if from, to := made(tt.script...); from != tt.from || to != tt.to {
			t.Errorf("%v: %s calls %s, want %s and %s", tt.script, from, to, tt.from, tt.to)
		}
	}
	r.ring(friend, "", "180")
	if _, to := made("*69"); to != "5550001" {
		t.Errorf("*69 calls %s", to)
	}
	r.ring(nobody, "", "180")
	r.does("*69", "refused")
}

// Codes can be left to the server, which is sent them as they are dialled, or refused.
func TestStarCodesOfTheServer(t *testing.T) {
	t.Parallel()
	r := telephoned(t, "", "star_codes = server\n")
	r.does("*72#")
	r.until("the code at the server", func() bool { _, to := r.server.lastCall(); return to == "*72" })
	r.until("call over", func() bool { return r.Agent.calls.count() == 0 })
	text := strings.Replace(r.text(), "star_codes = server", "star_codes = off", 1)
	r.reload(text)
	if r.waits() != "[]" {
		t.Errorf("the port waits: %s", r.waits())
	}
	r.does("*", "refused")
}

// What a telephone has set, and what a caller hears.
func TestCallsThatComeIn(t *testing.T) {
	t.Parallel()
	r := telephoned(t, "", "")
	set := func(s features.Settings) {
		t.Helper()
		if err := r.features.Change(1, func(x *features.Settings) { *x = s }); err != nil {
			t.Fatal(err)
		}
	}
	last := func(c callIn) string { return c.statuses[len(c.statuses)-1] }
	for _, tt := range []struct {
		name          string
		set           features.Settings
		from, headers string
		until, want   string
		to, why       string // of a 302
	}{
		{"rings", features.Settings{}, friend, "", "180", "487", "", ""},
		{"hidden, taken", features.Settings{}, nobody, "", "180", "487", "", ""},
		{"hidden, refused", features.Settings{RejectAnonymous: true}, nobody, "", "", "433", "", ""},
		{"hidden by Privacy, refused", features.Settings{RejectAnonymous: true}, friend, "Privacy: id\r\n", "", "433", "", ""},
		{"not hidden", features.Settings{RejectAnonymous: true}, friend, "", "180", "487", "", ""},
		{"do not disturb", features.Settings{DND: true}, friend, "", "", "486", "", ""},
		{"do not disturb, an emergency calls back", features.Settings{DND: true}, friend, "Priority: psap-callback\r\n", "180", "487", "", ""},
		{"forwarded, an emergency calls back", features.Settings{ForwardAll: "1"}, friend, "Priority: psap-callback\r\n", "180", "487", "", ""},
		{"forwarded too often", features.Settings{ForwardAll: "1"}, friend, "Diversion: <sip:7@x>;counter=5\r\n", "", "480", "", ""},
		{"nobody answers", features.Settings{ForwardNoAnswer: "5559999", NoAnswerS: 1}, friend, "", "", "302", "5559999", "no-answer"},
	} {
		set(tt.set)
		c := r.ring(tt.from, tt.headers, tt.until)
		if last(c) != tt.want || tt.to != "" && (!strings.Contains(c.header("Contact"), tt.to+"@") || !strings.Contains(c.header("Diversion"), tt.why)) {
			t.Errorf("%s: %v, want %s\n%s", tt.name, c.statuses, tt.want, c.last)
		}
		r.until("idle", func() bool { return r.port(1).show().State == "idle" && r.Agent.calls.count() == 0 })
	}
	if n := len(r.answers.timers); n != 0 {
		t.Errorf("%d calls are waited for", n)
	}

	set(features.Settings{ForwardBusy: "5558888"})
	if err := r.phone.OffHook(); err != nil {
		t.Fatal(err)
	}
	r.until("dial tone", func() bool { return r.port(1).show().State == "dialling" })
	if c := r.ring(friend, "", ""); last(c) != "302" || !strings.Contains(c.header("Contact"), "5558888@") || !strings.Contains(c.header("Diversion"), "user-busy") {
		t.Errorf("busy: %v\n%s", c.statuses, c.last)
	}
	set(features.Settings{ForwardNoAnswer: "5557777"})
	_ = r.phone.Close()
	r.until("card gone", func() bool { return !r.port(1).show().Card })
	if c := r.ring(friend, "", ""); last(c) != "302" || !strings.Contains(c.header("Contact"), "5557777@") {
		t.Errorf("no telephone: %v\n%s", c.statuses, c.last)
	}
}

// A telephone rings for as long as its line has it, and the call is missed then.
func TestRingTime(t *testing.T) {
	t.Parallel()
	r := telephoned(t, "ring_time_s = 5\n", "")
	if c := r.ring(friend, "", ""); fmt.Sprint(c.statuses[len(c.statuses)-2:]) != "[180 480]" {
		t.Errorf("%v\n%s", c.statuses, c.last)
	}
	r.until("idle", func() bool { return r.port(1).show().State == "idle" && r.Agent.calls.count() == 0 })
	if m := r.features.Missed(); len(m) != 1 || len(r.answers.timers) != 0 {
		t.Errorf("missed %v, %d timers", m, len(r.answers.timers))
	}
}

// Calls that nobody answered are listed until somebody empties the list; those that were refused
// for what they were, sent on or taken elsewhere are not missed, and without the log none is.
func TestMissedCalls(t *testing.T) {
	t.Parallel()
	r := telephoned(t, "", "")
	r.ring(friend, "", "180")
	r.ring(nobody, "", "180")
	_ = r.features.Change(1, func(s *features.Settings) { s.RejectAnonymous = true })
	r.ring(nobody, "", "")
	_ = r.features.Change(1, func(s *features.Settings) { s.ForwardAll = "1" })
	r.ring(friend, "", "")
	r.until("calls over", func() bool { return r.Agent.calls.count() == 0 })
	m := r.features.Missed()
	if len(m) != 2 || m[0].Number != "" || m[1].Number != "5550001" || m[1].Name != "Ann" || m[1].Line != 1 || m[1].At.IsZero() {
		t.Errorf("missed: %+v", m)
	}
	if err := r.features.ForgetMissed(); err != nil {
		t.Fatal(err)
	}
	_ = r.features.Change(1, func(s *features.Settings) { s.ForwardAll = "" })
	registered := r.unit(1)
	r.reload(strings.Replace(r.text(), "[port1]", "enable_missed_call_log = 0\n[port1]", 1))
	r.ring(friend, "", "180")
	r.until("calls over", func() bool { return r.Agent.calls.count() == 0 })
	if m := r.features.Missed(); len(m) != 0 || r.unit(1) != registered {
		t.Errorf("missed without the log: %+v; line made anew: %v", m, r.unit(1) != registered)
	}
}

// What a page or a program sets is what the telephone has set, and the other way round.
func TestFeaturesOfTheInterface(t *testing.T) {
	t.Parallel()
	r := telephoned(t, "", "[port2]\nkind = fax\ndriver = none\n")
	patch := func(port, body string, want int) string {
		t.Helper()
		w := r.http("PATCH", "/ports/"+port+"/features", body, "Content-Type", "application/json")
		if w.Code != want {
			t.Errorf("%s: %d, want %d\n%s", body, w.Code, want, w.Body)
		}
		return w.Body.String()
	}
	patch("1", `{"forward_busy":"5551234","call_waiting":false,"no_answer_s":30,"speed_dials":{"1":"601"}}`, 200)
	if s := r.kept(); s.ForwardBusy != "5551234" || !s.NoWaiting || s.NoAnswerS != 30 || s.SpeedDials["1"] != "601" {
		t.Errorf("kept: %+v", s)
	}
	r.does("*91", "confirmed")
	f := get[api.Features](r.rig, "/ports/1/features")
	if f.ForwardBusy != "" || f.NoAnswerS != 30 || f.CallWaiting || f.SpeedDials["1"] != "601" || f.StarCodes != "local" || len(f.Codes) == 0 || f.Codes[0] != (api.StarCode{Name: "forward_all", Code: "*72"}) {
		t.Errorf("%+v", f)
	}
	for _, wrong := range []string{`{"forward_all":"sip:x@y"}`, `{"forward_all":"911"}`, `{"no_answer_s":0}`, `{"no_answer_s":121}`, `{"speed_dials":{"11":"1"}}`} {
		patch("1", wrong, 422)
	}
	patch("2", `{"dnd":true}`, 404)
	patch("3", `{"dnd":true}`, 404)
	if w := r.http("POST", "/ports/1/call", `{"to":"*72"}`, "Content-Type", "application/json"); w.Code != 422 {
		t.Errorf("a call of a star code: %d", w.Code)
	}
	r.ring(friend, "", "180")
	r.until("call over", func() bool { return r.Agent.calls.count() == 0 })
	if m := get[[]api.MissedCall](r.rig, "/missed"); len(m) != 1 || m[0].Number != "5550001" {
		t.Errorf("missed: %+v", m)
	}
	if w := r.http("DELETE", "/missed", ""); w.Code != 204 || len(r.features.Missed()) != 0 {
		t.Errorf("the list is not emptied: %d", w.Code)
	}
}

// A line calls no more than it may, whoever asks it to; a warning tells of it, and the telephone
// hears that it is no use.
func TestBoundsOfALine(t *testing.T) {
	t.Parallel()
	r := telephoned(t, "block_prefixes = 0900,+882\nmax_calls_per_hour = 2\n", "dial_plan = (E:112|x.)\n")
	r.does("0900123#", "refused")
	r.until("call over", func() bool { return r.Agent.calls.count() == 0 })
	if _, err := (device{r.Agent}).Call(t.Context(), 1, "sip:%30900123@elsewhere.example"); err != nil {
		t.Fatal(err)
	}
	r.until("call of a program over", func() bool {
		return r.Agent.calls.count() == 0 && r.logged("call not permitted", "elsewhere.example")
	})
	if r.features.Change(1, func(s *features.Settings) { s.ForwardAll = "0900123" }) == nil {
		t.Error("calls may be forwarded to a number that is not called")
	}
	if r.features.Change(1, func(s *features.Settings) { s.ForwardAll = "112" }) == nil {
		t.Error("calls may be forwarded to an emergency number")
	}
	for range 2 {
		if err := r.permit(lines.Request{Line: 1, To: "600", At: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.permit(lines.Request{Line: 1, To: "600", SentOn: true, At: time.Now()}); err != nil {
		t.Errorf("a call that was counted, and is sent on: %v", err)
	}
	if r.permit(lines.Request{Line: 1, To: "sip:0900123@elsewhere.example", SentOn: true, At: time.Now()}) == nil {
		t.Error("a call is sent on to a number that is not called")
	}
	r.does("600#", "refused")
	if err := r.permit(lines.Request{Line: 1, To: "112", At: time.Now()}); err != nil {
		t.Errorf("an emergency: %v", err)
	}
	if n := len(r.server.called()); n != 0 {
		t.Errorf("%d calls at the server", n)
	}
	w := r.warnings()
	i := slices.IndexFunc(w, func(x api.Warning) bool { return x.ID == "bounds-1" })
	if i < 0 || !strings.HasPrefix(string(w[i].Text), "Line 1 did not make 4 calls; the last: the line has made as many calls as it may within an hour (2).") || w[i].Section != "sip1" {
		t.Errorf("warnings: %+v", w)
	}
	r.does("112#")
	r.until("the emergency at the server", func() bool { _, to := r.server.lastCall(); return to == "112" })
}

// The hotline of the line is called when the handset is lifted, after its delay unless a key is
// pressed before.
func TestHotline(t *testing.T) {
	t.Parallel()
	for _, port := range []string{"", "hotline_number = 700\nhotline_delay = 1\n"} { // the port's own goes before the line's
		number := "700"
		if port != "" {
			number = "800"
		}
		testHotline(t, telephoned(t, "enable_hotline = 1\nhotline_number = "+number+"\nhotline_delay = 1\n", port))
	}
}

func testHotline(t *testing.T, r *telephoneRig) {
	for _, tt := range []struct{ keys, to string }{{"", "700"}, {"601#", "601"}} {
		if err := r.phone.OffHook(); err != nil {
			t.Fatal(err)
		}
		if err := r.phone.Dial(tt.keys); err != nil {
			t.Fatal(err)
		}
		r.until("call of "+tt.to, func() bool { _, to := r.server.lastCall(); return to == tt.to })
		if err := r.phone.HangUp(); err != nil {
			t.Fatal(err)
		}
		r.until("call over", func() bool { return r.Agent.calls.count() == 0 && r.port(1).show().State == "idle" })
	}
}
