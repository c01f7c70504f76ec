// Package baresip runs baresip as the other telephone: registered or not,
// answering by itself, saying a tone from a file and recording what it hears.
package baresip

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"tipring/tools/peers/audio"
	"tipring/tools/peers/netlab"
)

// Options say what baresip is to be.
type Options struct {
	Accounts []string // account lines; see Account
	Freq     float64  // the tone that it says, at -10 dBm0
	Codecs   []string // modules: g711, g722
	Seconds  int      // length of the tone, which is repeated; 60 unless set
	Says     []int16  // said before the tone, each time; G.711 alone
	NoRecord bool     // record nothing
	Bare     bool     // no command interface, nothing but lines: for measurements
	Started  func()   // called just before the program starts
}

// Account makes an account line that answers calls by itself.
func Account(user, server, transport, password string, regint int, extra ...string) string {
	line := fmt.Sprintf("<sip:%s@%s;transport=%s>;answermode=auto;regint=%d", user, server, transport, regint)
	if password != "" {
		line += fmt.Sprintf(";auth_user=%s;auth_pass=%s", user, password)
	}
	return strings.Join(append([]string{line}, extra...), ";")
}

// A Baresip is a running baresip.
type Baresip struct {
	*netlab.Process
	dir  string
	t    netlab.T
	host *netlab.Host
	conn net.Conn

	mu     sync.Mutex
	events []Event
	token  int
}

// An Event is what baresip says about itself.
type Event struct {
	Type  string `json:"type"`
	Class string `json:"class"`
	Param string `json:"param"`
	Peer  string `json:"peeruri"`
}

// Start runs baresip on a host.
func Start(t netlab.T, host *netlab.Host, o Options) *Baresip {
	t.Helper()
	b := &Baresip{dir: netlab.WorkDir(t), t: t, host: host}
	if len(o.Codecs) == 0 {
		o.Codecs = []string{"g711"}
	}
	tone := filepath.Join(b.dir, "tone.wav")
	rate := audio.Rate
	if o.Codecs[0] == "g722" {
		rate *= 2
	}
	if o.Seconds == 0 {
		o.Seconds = 60
	}
	pcm := append(o.Says, audio.Sine(o.Freq*audio.Rate/float64(rate), -10, o.Seconds*rate)...)
	write := func(name string, text []byte) {
		if err := os.WriteFile(filepath.Join(b.dir, name), text, 0o600); err != nil {
			t.Fatalf("baresip: %v", err)
		}
	}
	write("tone.wav", audio.WAV(pcm, rate))
	write("accounts", []byte(strings.Join(o.Accounts, "\n")+"\n"))
	var modules strings.Builder
	for _, c := range o.Codecs {
		fmt.Fprintf(&modules, "module %s.so\n", c)
	}
	if !o.NoRecord && !o.Bare {
		modules.WriteString("module sndfile.so\n")
	}
	if !o.Bare {
		modules.WriteString("module_app ctrl_tcp.so\n")
	}
	write("config", fmt.Appendf(nil, `module_path /usr/lib/baresip/modules
sip_listen %s:5060
%smodule aufile.so
module aubridge.so
module_app account.so
module_app menu.so
ctrl_tcp_listen %s:4444
audio_source aufile,%s
audio_player aubridge,out
audio_alert aubridge,alert
snd_path %s
rtp_ports 20000-20999
call_max_calls 64
`, host.Addr, modules.String(), host.Addr, tone, b.dir))
	if o.Started != nil {
		o.Started()
	}
	name, args := netlab.Measured("baresip", "-f", b.dir, "-v")
	b.Process = host.Start(b.dir, name, args...)
	if o.Bare {
		return b
	}
	if !netlab.Until(15*time.Second, func() bool {
		return host.Do(func() (err error) {
			b.conn, err = net.Dial("tcp", host.Addr.String()+":4444")
			return err
		}) == nil
	}) {
		t.Fatalf("baresip does not take commands:\n%s", b.Tail(20))
	}
	t.Cleanup(func() { _ = b.conn.Close() })
	go b.listen()
	return b
}

// Host is where it runs.
func (b *Baresip) Host() *netlab.Host { return b.host }

// listen reads netstrings of JSON.
func (b *Baresip) listen() {
	r := bufio.NewReader(b.conn)
	for {
		var n int
		if _, err := fmt.Fscanf(r, "%d:", &n); err != nil || n < 0 || n > 1<<20 {
			return
		}
		text := make([]byte, n+1)
		for i := range text {
			c, err := r.ReadByte()
			if err != nil {
				return
			}
			text[i] = c
		}
		var e Event
		if json.Unmarshal(text[:n], &e) == nil && e.Type != "" {
			b.mu.Lock()
			b.events = append(b.events, e)
			b.mu.Unlock()
		}
	}
}

// Command runs one of baresip's menu commands, such as dial or hangup.
func (b *Baresip) Command(command, params string) {
	b.t.Helper()
	b.mu.Lock()
	b.token++
	text, err := json.Marshal(map[string]string{"command": command, "params": params, "token": fmt.Sprint(b.token)})
	b.mu.Unlock()
	if err == nil {
		_, err = fmt.Fprintf(b.conn, "%d:%s,", len(text), text)
	}
	if err != nil {
		b.t.Fatalf("baresip: %s: %v", command, err)
	}
}

// WaitRegistered waits until n accounts have been registered. That may be
// before baresip takes commands, so it is read from the log.
func (b *Baresip) WaitRegistered(limit time.Duration, n int) {
	b.t.Helper()
	if !netlab.Until(limit, func() bool {
		text, err := os.ReadFile(b.Log)
		return err == nil && strings.Count(string(text), "} 200 OK (") >= n
	}) {
		b.t.Fatalf("baresip: not registered within %v; log:\n%s", limit, b.Tail(20))
	}
}

// Wait waits for an event of a type, such as CALL_ESTABLISHED or CALL_CLOSED, counting from 1, or fails the test.
func (b *Baresip) Wait(limit time.Duration, kind string, n int) Event {
	b.t.Helper()
	var found Event
	if !netlab.Until(limit, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		count := 0
		for _, e := range b.events {
			if e.Type == kind {
				if count++; count == n {
					found = e
					return true
				}
			}
		}
		return false
	}) {
		b.t.Fatalf("baresip: no %s (%d) within %v; log:\n%s", kind, n, limit, b.Tail(20))
	}
	return found
}

// Digits are the keys that baresip was told of, by RFC 4733 or INFO.
func (b *Baresip) Digits() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	keys := ""
	for _, e := range b.events {
		if e.Type == "CALL_DTMF_START" {
			keys += e.Param
		}
	}
	return keys
}

// Heard returns what baresip recorded of its last call, at 8000 Hz. The call must have ended.
func (b *Baresip) Heard() []int16 {
	b.t.Helper()
	files, err := filepath.Glob(filepath.Join(b.dir, "dump-*-dec.wav"))
	if err != nil || len(files) == 0 {
		b.t.Fatalf("baresip recorded nothing (%v)", err)
	}
	text, err := os.ReadFile(files[len(files)-1])
	if err != nil {
		b.t.Fatalf("baresip: %v", err)
	}
	pcm, rate, err := audio.FromWAV(text)
	if err != nil {
		b.t.Fatalf("baresip: %v", err)
	}
	if rate == 2*audio.Rate { // G.722: the tones of tests lie below 4000 Hz
		half := make([]int16, len(pcm)/2)
		for i := range half {
			half[i] = int16((int(pcm[2*i]) + int(pcm[2*i+1])) / 2)
		}
		return half
	}
	return pcm
}
