package cli

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tipring/etc"
	"tipring/internal/aaa"
	"tipring/internal/config"
	"tipring/internal/faxback"
)

const radiusSecret = "a secret of the servers"

// A radiusServer answers as octets, by what the request's selector and User-Name are.
type radiusServer struct {
	conn     net.PacketConn
	answers  map[string]radiusReply // "7.5 00908F1D37F0"
	unsigned atomic.Bool
	password atomic.Value // string, of the last request that had one
}

type radiusReply struct {
	code       byte
	attributes string // in hex
}

// startRadius serves answers until the test ends.
func startRadius(t *testing.T, answers map[string]radiusReply) *radiusServer {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &radiusServer{conn: conn, answers: answers}
	done := make(chan struct{})
	go func() { defer close(done); s.serve(t) }()
	t.Cleanup(func() { conn.Close(); <-done })
	return s
}

func (s *radiusServer) serve(t *testing.T) {
	buf := make([]byte, 4096)
	for {
		n, from, err := s.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		if reply := s.reply(t, buf[:n]); reply != nil {
			s.conn.WriteTo(reply, from)
		}
	}
}

// reply checks the request's signature and signs the answer (RFC 3579 section 3.2, RFC
// 2865 section 3).
func (s *radiusServer) reply(t *testing.T, request []byte) []byte {
	signed := bytes.Clone(request)
	if signed[20] != 80 || signed[21] != 18 {
		t.Errorf("Message-Authenticator is not the first attribute of %x", request)
		return nil
	}
	clear(signed[22:38])
	if !hmac.Equal(request[22:38], signature(signed)) {
		t.Errorf("a wrong Message-Authenticator in %x", request)
		return nil
	}
	key := fmt.Sprintf("%d.%d ", request[38+11], request[38+17])
	for rest := request[20:]; len(rest) > 2; rest = rest[rest[1]:] {
		switch value := rest[2:rest[1]]; rest[0] {
		case 1:
			key += string(value)
		case 2:
			s.password.Store(reveal(value, request[4:20]))
		}
	}
	answer, ok := s.answers[key]
	if !ok {
		return nil
	}
	attributes, err := hex.DecodeString(answer.attributes)
	if err != nil {
		t.Error(err)
	}
	packet := append([]byte{answer.code, request[1], 0, 0}, request[4:20]...)
	if !s.unsigned.Load() {
		packet = append(append(packet, 80, 18), make([]byte, 16)...)
	}
	packet = append(packet, attributes...)
	binary.BigEndian.PutUint16(packet[2:], uint16(len(packet)))
	if !s.unsigned.Load() {
		copy(packet[22:38], signature(packet))
	}
	sum := md5.Sum(append(bytes.Clone(packet), radiusSecret...))
	copy(packet[4:20], sum[:])
	return packet
}

func signature(packet []byte) []byte {
	mac := hmac.New(md5.New, []byte(radiusSecret))
	mac.Write(packet)
	return mac.Sum(nil)
}

// reveal undoes RFC 2865 section 5.2.
func reveal(hidden, authenticator []byte) string {
	var clear []byte
	for previous := authenticator; len(hidden) >= 16; previous, hidden = hidden[:16], hidden[16:] {
		pad := md5.Sum(append([]byte(radiusSecret), previous...))
		for i, c := range hidden[:16] {
			clear = append(clear, c^pad[i])
		}
	}
	return strings.TrimRight(string(clear), "\x00")
}

// radiusFile is a configuration for servers.
func radiusFile(t *testing.T, servers, more string) string {
	file := filepath.Join(t.TempDir(), "t.ini")
	text := fmt.Sprintf("[radius]\nservers = %s\nsecret = %s\ntimeout_ms = 400\ntries = 1\n%s", servers, radiusSecret, more)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// runRadius asks by UDP as the program does.
func runRadius(t *testing.T, file string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	hooks := Hooks{Version: "1.0", Radius: func(c *config.Config, _ *faxback.Dictionary, log *slog.Logger) (*aaa.Client, error) {
		cfg := aaa.Config{Timeout: time.Duration(c.Radius.TimeoutMS) * time.Millisecond, Tries: c.Radius.Tries, Log: log}
		for _, s := range c.Radius.Servers {
			cfg.Servers = append(cfg.Servers, aaa.Server{Addr: net.JoinHostPort(s.Host, fmt.Sprint(s.Port)), Secret: c.Radius.Secret, Legacy: s.Legacy})
		}
		return aaa.New(cfg)
	}}
	args = slices.Concat([]string{"radius"}, args, []string{"-c", file, "--state-dir", t.TempDir()})
	status, stdout, stderr = runWith(hooks, args...)
	for _, secret := range []string{radiusSecret, "hunter2", "swordfish"} {
		if strings.Contains(stdout+stderr, secret) {
			t.Errorf("%s prints %s: %s%s", args, secret, stdout, stderr)
		}
	}
	return status, stdout, stderr
}

func vsaHex(number byte, value string) string {
	return hex.EncodeToString(append([]byte{26, byte(8 + len(value)), 0, 0, 0x77, 0xE6, number, byte(2 + len(value))}, value...))
}

const acct = "010661636374" // User-Name acct

var radiusAnswers = map[string]radiusReply{
	"7.5 00908F1D37F0": {2, acct + vsaHex(57, `<QPXml Ln="en-US" Tz="Pacific*"/>`) + vsaHex(67, "sip1.auth_password=hunter2;sip1.realm=r") + "1a0a000077e6c8040102"},
	"7.5 00908F1D37F1": {2, vsaHex(67, "x")},
	"7.5 00908F1D37F2": {3, "1209" + hex.EncodeToString([]byte("unknown"))},
	"7.5 00908F1D37F3": {2, acct + vsaHex(10, "\x00\x00\x00\x63")},
	"6.5 27482734":     {2, acct},
	"5.3 5551231234":   {2, vsaHex(61, "\x00\x00\x00\x00")},
	"5.3 5551231235":   {2, vsaHex(61, "\x00\x00\x00\x02")},
	"5.3 5551231236":   {2, ""},
	"9.5 acct":         {2, vsaHex(75, "1111") + vsaHex(75, "2222")},
	"9.5 none":         {2, ""},
	"8.5 1111":         {2, acct + vsaHex(19, "5551111") + vsaHex(73, "\x00\x00\x00\x02") + vsaHex(74, "Front desk")},
	"8.5 2222":         {2, ""},
	"1.1 acct":         {2, vsaHex(10, "\x00\x00\x00\x04") + vsaHex(61, "\x00\x00\x00\x01")},
}

func TestRadius(t *testing.T) {
	s := startRadius(t, radiusAnswers)
	addr := s.conn.LocalAddr().String()
	file := radiusFile(t, addr, "account = acct\npassword = swordfish\n")
	const profile = `<QPXml Ln="en-US" Tz="Pacific*"/>`
	for _, tt := range []struct {
		args   string
		status int
		stdout string
		stderr string
	}{
		{"account --mac 00:90:8f:1d:37:f0", 0, "Access-Accept from " + addr + `, signed
 User-Name acct
 FB-Queue-Profile ` + profile + ` (language en-US, time zone America/Los_Angeles, delivered: told, failed: told)
 FB-Provisioning-Arg sip1.auth_password=********;sip1.realm=r
 Attr-26.30694.200 0x0102
account acct
`, ""},
		{"account --serial 27482734", 0, "Access-Accept from " + addr + ", signed\n User-Name acct\naccount acct\n", ""},
		{"account --mac 00908F1D37F1", 1, "Access-Accept from " + addr + ", signed\n FB-Provisioning-Arg x\n",
			"tipring radius: Get-Account-From-MAC-Address/For-External-Module at " + addr + ": empty Accept: without User-Name\n"},
		{"account --mac 00908F1D37F2", 1, "Access-Reject from " + addr + ", signed\n Reply-Message unknown\n",
			"tipring radius: Get-Account-From-MAC-Address/For-External-Module at " + addr + `: rejected: "unknown"` + "\n"},
		{"account --mac 00908F1D37F3", 1, "Access-Accept from " + addr + ", signed\n User-Name acct\n FB-Account-Type 99\naccount acct\n",
			"tipring radius: Get-Account-From-MAC-Address/For-External-Module at " + addr + ": FB-Account-Type is 99: a value that is not known; known are [0 1 4 5 8 9 10]\n"},
		{"call-ahead 5551231234", 0, "Access-Accept from " + addr + ", signed\n FB-Call-Ahead-Mode 0 (Never)\na fax is taken at once\n", ""},
		{"call-ahead 5551231235", 0, "Access-Accept from " + addr + ", signed\n FB-Call-Ahead-Mode 2 (Always)\nthe number is called before a fax is taken for it\n", ""},
		{"call-ahead 5551231236", 1, "Access-Accept from " + addr + ", signed\nthe number is called before a fax is taken for it, because the answer does not say\n",
			"tipring radius: empty Accept: without FB-Call-Ahead-Mode\n"},
		{"dids acct", 0, "Access-Accept from " + addr + ", signed\n FB-DID 1111\n FB-DID 2222\n2 numbers\n", ""},
		{"dids none", 1, "Access-Accept from " + addr + ", signed\n", "tipring radius: empty Accept: without FB-DID\n"},
		{"did 1111", 0, "Access-Accept from " + addr + ", signed\n User-Name acct\n FB-Snd-ANI 5551111\n Attr-26.30694.73 0x00000002\n Attr-26.30694.74 0x46726f6e74206465736b\naccount acct\n" +
			"without a number in the dictionary, and so never read: FB-Line-Num, FB-Line-Id\n", ""},
		{"did 2222", 1, "Access-Accept from " + addr + ", signed\nwithout a number in the dictionary, and so never read: FB-Line-Num, FB-Line-Id\n",
			"tipring radius: empty Accept: nothing is known of this number\n"},
		{"login", 0, "Access-Accept from " + addr + ", signed\n FB-Account-Type 4 (Queue-Private-Send-Receive)\n FB-Call-Ahead-Mode 1 (Dynamic)\naccount acct may log in\n" +
			"without a number in the dictionary, and so never read: FB-Account-Login-Group\n", ""},
	} {
		status, stdout, stderr := runRadius(t, file, strings.Fields(tt.args)...)
		if status != tt.status || squeeze(stdout) != squeeze(tt.stdout) || stderr != tt.stderr {
			t.Errorf("%s: %d\n%s%s\nwant %d\n%s%s", tt.args, status, stdout, stderr, tt.status, tt.stdout, tt.stderr)
		}
	}
	if got := s.password.Load(); got != "swordfish" {
		t.Errorf("the password came as %q", got)
	}
}

func TestRadiusJSON(t *testing.T) {
	addr := startRadius(t, radiusAnswers).conn.LocalAddr().String()
	file := radiusFile(t, addr, "")
	for _, tt := range []struct {
		args   string
		status int
		want   string
	}{
		{"did 1111", 0, `{"code":"Access-Accept","server":"` + addr + `","attributes":[{"name":"User-Name","value":"acct"},{"name":"FB-Snd-ANI","value":"5551111"},` +
			`{"name":"Attr-26.30694.73","value":"0x00000002"},{"name":"Attr-26.30694.74","value":"0x46726f6e74206465736b"}],"not_numbered":["FB-Line-Num","FB-Line-Id"]}`},
		{"account --mac 00908F1D37F2", 1, `{"code":"Access-Reject","server":"` + addr + `","attributes":[{"name":"Reply-Message","value":"unknown"}],"not_numbered":[]}`},
		{"call-ahead 5551231234", 0, `{"code":"Access-Accept","server":"` + addr + `","attributes":[{"name":"FB-Call-Ahead-Mode","value":"0"}],"not_numbered":[]}`},
		{"dids none", 1, `{"code":"Access-Accept","server":"` + addr + `","attributes":[],"not_numbered":[]}`},
		{"dids silence", 1, `{"code":null,"server":null,"attributes":[],"not_numbered":[]}`},
		{"login", 1, `{"code":null,"server":null,"attributes":[],"not_numbered":[]}`},
	} {
		status, stdout, stderr := runRadius(t, file, append(strings.Fields(tt.args), "--json")...)
		if status != tt.status || stdout != tt.want+"\n" || !json.Valid([]byte(stdout)) {
			t.Errorf("%s: %d\n%s%s\nwant %d\n%s", tt.args, status, stdout, stderr, tt.status, tt.want)
		}
	}
}

// A server's own numbers are read with a dictionary that has them.
func TestRadiusWithAnotherDictionary(t *testing.T) {
	addr := startRadius(t, radiusAnswers).conn.LocalAddr().String()
	dictionary := filepath.Join(t.TempDir(), "dictionary")
	text := etc.Dictionary + "BEGIN-VENDOR FaxBack\nATTRIBUTE FB-Line-Num 73 integer\nATTRIBUTE FB-Line-Id 74 string\nEND-VENDOR FaxBack\n"
	if err := os.WriteFile(dictionary, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	file := radiusFile(t, addr, "dictionary = "+dictionary+"\n")
	status, stdout, stderr := runRadius(t, file, "did", "1111")
	want := "Access-Accept from " + addr + ", signed\n User-Name acct\n FB-Snd-ANI 5551111\n FB-Line-Num 2\n FB-Line-Id Front desk\naccount acct, line 2\n"
	if status != 0 || squeeze(stdout) != squeeze(want) {
		t.Errorf("%d\n%s%s", status, stdout, stderr)
	}
	os.WriteFile(dictionary, []byte("$INCLUDE x\n"), 0o600)
	if status, _, stderr := runRadius(t, file, "did", "1111"); status != 1 || stderr != "tipring radius: "+dictionary+":1: $INCLUDE is not followed: put everything into this file\n" {
		t.Errorf("%d %s", status, stderr)
	}
}

// What has no number is listed, of questions, answers and accounting alike; nobody is asked.
func TestRadiusDictionary(t *testing.T) {
	dir := t.TempDir()
	config, numbers := filepath.Join(dir, "t.ini"), filepath.Join(dir, "dictionary")
	for path, text := range map[string]string{
		config:  "[radius]\ndictionary = " + numbers + "\n",
		numbers: etc.Dictionary + "BEGIN-VENDOR FaxBack\nATTRIBUTE FB-Fax-Error-Code 240 integer\nEND-VENDOR FaxBack\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	status, stdout, stderr := runRadius(t, config, "dictionary", "--json")
	var got struct {
		Attributes  []struct{ Name, Value string }
		NotNumbered []string `json:"not_numbered"`
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || status != 0 || len(got.Attributes)+len(got.NotNumbered) != 67 || len(got.NotNumbered) != 29 {
		t.Errorf("%d, %v, %d numbered, %d not\n%s%s", status, err, len(got.Attributes), len(got.NotNumbered), stdout, stderr)
	}
	if slices.Contains(got.NotNumbered, "FB-Fax-Error-Code") || !slices.Contains(got.NotNumbered, "FB-RTN-Count") || !strings.Contains(stdout, `{"name":"FB-Fax-Error-Code","value":"240"}`) {
		t.Errorf("%s", stdout)
	}
	status, stdout, stderr = runRadius(t, config, "dictionary")
	if status != 0 || !strings.Contains(strings.Join(strings.Fields(stdout), " "), " FB-CDR-Type 70 ") || !strings.Contains(stdout, "\nwithout a number, and so neither sent nor read: FB-Snd-On-Behalf-Of, FB-Line-Num, FB-Line-Id, ") {
		t.Errorf("%d\n%s%s", status, stdout, stderr)
	}
	for args, want := range map[string]string{
		"dictionary 1":       "tipring radius: what is \"1\" for?\n",
		"dictionary --mac 1": "tipring radius: --mac and --serial go with account\n",
	} {
		if status, _, stderr := runRadius(t, config, strings.Fields(args)...); status != 2 || !strings.HasPrefix(stderr, want) {
			t.Errorf("%s: %d %s", args, status, stderr)
		}
	}
}

// An answer that is not signed is none, and the log names the cure; a server that is
// marked legacy is believed, and that is told.
func TestRadiusWithoutSignature(t *testing.T) {
	s := startRadius(t, radiusAnswers)
	s.unsigned.Store(true)
	addr := s.conn.LocalAddr().String()
	status, stdout, stderr := runRadius(t, radiusFile(t, addr, ""), "dids", "acct")
	if status != 1 || stdout != "" || !strings.Contains(stderr, "legacy") || !strings.Contains(stderr, "no RADIUS server answered") {
		t.Errorf("%d\n%s%s", status, stdout, stderr)
	}
	status, stdout, stderr = runRadius(t, radiusFile(t, addr+";legacy", ""), "dids", "acct")
	if status != 0 || !strings.HasPrefix(stdout, "Access-Accept from "+addr+", not signed: believed because the server is marked legacy\n") {
		t.Errorf("%d\n%s%s", status, stdout, stderr)
	}
}

func TestRadiusFailures(t *testing.T) {
	s := startRadius(t, nil)
	file := radiusFile(t, s.conn.LocalAddr().String(), "")
	for _, tt := range []struct {
		args   string
		status int
		stderr string
	}{
		{"dids acct", 1, "tipring radius: Get-DIDs-For-Account/For-External-Module: "},
		{"login", 1, "tipring radius: login: [radius] has no account\n"},
		{"", 2, "tipring radius: what is to be asked?\n"},
		{"nothing", 2, "tipring radius: there is no \"nothing\" to ask for\n"},
		{"account", 2, "tipring radius: account: --mac or --serial is wanted\n"},
		{"account --mac 00908F1D37F0 --serial 1", 2, "tipring radius: account: --mac or --serial is wanted\n"},
		{"account 00908F1D37F0", 2, "tipring radius: what is \"00908F1D37F0\" for?\n"},
		{"account --mac 00908F", 2, "tipring radius: Get-Account-From-MAC-Address/For-External-Module: User-Name: \"00908F\"; wanted a MAC address of twelve hex digits\n"},
		{"dids", 2, "tipring radius: dids of what?\n"},
		{"did 1 2", 2, "tipring radius: what is \"2\" for?\n"},
		{"did 1 --mac 00908F1D37F0", 2, "tipring radius: --mac and --serial go with account\n"},
		{"did " + strings.Repeat("1", 65), 2, "tipring radius: Get-DID/For-External-Module: User-Name: 65 octets; wanted 1 to 64 octets\n"},
	} {
		status, _, stderr := runRadius(t, file, strings.Fields(tt.args)...)
		if status != tt.status || !strings.HasPrefix(stderr, tt.stderr) {
			t.Errorf("%s: %d %s\nwant %d %s", tt.args, status, stderr, tt.status, tt.stderr)
		}
	}
	empty := filepath.Join(t.TempDir(), "t.ini")
	os.WriteFile(empty, []byte("[device]\n"), 0o600)
	if status, _, stderr := runRadius(t, empty, "did", "1"); status != 1 || stderr != "tipring radius: [radius] has no servers\n" {
		t.Errorf("%d %s", status, stderr)
	}
	os.WriteFile(empty, []byte("[radius]\ntries = many\n"), 0o600)
	if status, _, stderr := runRadius(t, empty, "did", "1"); status != 1 || !strings.Contains(stderr, "tries = many") {
		t.Errorf("%d %s", status, stderr)
	}
	if status, _, stderr := run("radius", "did", "1"); status != 2 || !strings.Contains(stderr, "there is no command") {
		t.Errorf("without a hook: %d %s", status, stderr)
	}
}
