package directory

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tipring/internal/aaa"
	"tipring/internal/faxback"
	"tipring/tools/peers/agent"
	"tipring/tools/peers/freeradius"
	"tipring/tools/peers/netlab"
)

func TestMain(m *testing.M) { netlab.Main(agent.Build, m.Run) }

// A provider's directory: one account with two devices' worth of keys, and the states
// that an answer may have.
const users = `
00908F1D37F0	FB-Command == Get-Account-From-MAC-Address, FB-Context == For-External-Module, FB-Fax-ATA-Type == 0, Auth-Type := Accept
	User-Name := "acct",
	FB-Queue-Profile := "<QPXml Rf=\"0\" Dn=\"1\" Ndn=\"1\" Ea=\"\" Ef=\"\" Ln=\"en-US\" Tz=\"Pacific*\" />",
	FB-Provisioning-Arg := "sip1.register_addr=pbx.example;sip1.auth_password=hunter2"

00908F1D37F1	FB-Command == Get-Account-From-MAC-Address, Auth-Type := Accept
	FB-Provisioning-Arg := "https://conf.example/"

00908F1D37F2	FB-Command == Get-Account-From-MAC-Address, Auth-Type := Reject
	Reply-Message := "not one of ours"

00908F1D37F3	FB-Command == Get-Account-From-MAC-Address, Auth-Type := Accept
	User-Name := "acct",
	FB-Account-Type := 99

27482734	FB-Command == Get-Account-From-Serial-Number, FB-Context == For-External-Module, Auth-Type := Accept
	User-Name := "acct"

acct	FB-Command == Get-DIDs-For-Account, FB-Context == For-External-Module, Auth-Type := Accept
	FB-DID += "5551111",
	FB-DID += "5552222"

none	FB-Command == Get-DIDs-For-Account, Auth-Type := Accept

5551111	FB-Command == Get-DID, FB-Context == For-External-Module, Auth-Type := Accept
	User-Name := "acct",
	FB-Snd-ANI := "5550000",
	FB-Queue-Profile := "<QPXml Op=\"1\" Rf=\"0\" Dn=\"1\" Ndn=\"1\" Ea=\"\" Ef=\"\" />"

5552222	FB-Command == Get-DID, Auth-Type := Accept

5551231234	FB-Command == Get-Call-Ahead-Mode, FB-Context == Pre-Send-Session, Auth-Type := Accept
	FB-Call-Ahead-Mode := Never

5551231235	FB-Command == Get-Call-Ahead-Mode, Auth-Type := Accept
	FB-Call-Ahead-Mode := Dynamic

5551231236	FB-Command == Get-Call-Ahead-Mode, Auth-Type := Accept

acct	FB-Command == Get-Account, FB-Context == Account-Login, FB-Client-Info =~ "^;FV=.*;MN=", Cleartext-Password := "swordfish"
	FB-Account-Type := Queue-Private-Send-Receive,
	FB-Call-Ahead-Mode := Always
`

// start has a server that signs and wants signatures, and a host that asks.
func start(t *testing.T) (*freeradius.Server, *netlab.Host) {
	lan := netlab.New(t)
	server := freeradius.Start(t, lan.Host("radius", 1), freeradius.Options{Users: users, Signs: true, Requires: true})
	return server, lan.Host("device", 2)
}

// An answer is what tipring radius --json prints.
type answer struct {
	Code       *string `json:"code"`
	Server     *string `json:"server"`
	Attributes []struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	} `json:"attributes"`
	NotNumbered []string `json:"not_numbered"`
}

func (a answer) String() string {
	if a.Code == nil {
		return "no answer"
	}
	text := *a.Code
	for _, v := range a.Attributes {
		text += " " + v.Name + "=" + v.Value
	}
	if len(a.NotNumbered) > 0 {
		text += " without " + strings.Join(a.NotNumbered, " ")
	}
	return text
}

// ask runs tipring radius on the host.
func ask(t *testing.T, host *netlab.Host, file string, args string) (status int, stdout, stderr string) {
	t.Helper()
	cmd := exec.Command(agent.Binary(), append([]string{"radius", "-c", file, "--state-dir", t.TempDir()}, strings.Fields(args)...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := host.Do(cmd.Start); err != nil {
		t.Fatal(err)
	}
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	for _, secret := range []string{freeradius.Secret, "swordfish", "hunter2"} {
		if strings.Contains(out.String()+errs.String(), secret) {
			t.Errorf("%s prints %s:\n%s%s", args, secret, &out, &errs)
		}
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

func configure(t *testing.T, server *freeradius.Server, password string) string {
	file := filepath.Join(t.TempDir(), "tipring.ini")
	text := fmt.Sprintf("[radius]\nservers = %s\nsecret = %s\ntimeout_ms = 1000\ntries = 2\naccount = acct\npassword = %s\n", server.Auth, freeradius.Secret, password)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestTheCommandLine(t *testing.T) {
	server, host := start(t)
	file := configure(t, server, "swordfish")
	const profile = `<QPXml Rf="0" Dn="1" Ndn="1" Ea="" Ef="" Ln="en-US" Tz="Pacific*" />`
	for _, tt := range []struct {
		args   string
		status int
		answer string
		stderr string
	}{
		{"account --mac 00-90-8f-1d-37-f0", 0, "Access-Accept User-Name=acct FB-Queue-Profile=" + profile +
			" FB-Provisioning-Arg=sip1.register_addr=pbx.example;sip1.auth_password=********", ""},
		{"account --serial 27482734", 0, "Access-Accept User-Name=acct", ""},
		{"account --mac 00908F1D37F1", 1, "Access-Accept FB-Provisioning-Arg=https://conf.example/", "empty Accept: without User-Name"},
		{"account --mac 00908F1D37F2", 1, "Access-Reject Reply-Message=not one of ours", `rejected: "not one of ours"`},
		{"account --mac 00908F1D37F3", 1, "Access-Accept User-Name=acct FB-Account-Type=99", "FB-Account-Type is 99"},
		{"account --serial 1", 1, "Access-Reject", "rejected"},
		{"dids acct", 0, "Access-Accept FB-DID=5551111 FB-DID=5552222", ""},
		{"dids none", 1, "Access-Accept", "empty Accept"},
		{"did 5551111", 0, `Access-Accept User-Name=acct FB-Snd-ANI=5550000 FB-Queue-Profile=<QPXml Op="1" Rf="0" Dn="1" Ndn="1" Ea="" Ef="" />` +
			" without FB-Line-Num FB-Line-Id", ""},
		{"did 5552222", 1, "Access-Accept without FB-Line-Num FB-Line-Id", "empty Accept"},
		{"did 5553333", 1, "Access-Reject without FB-Line-Num FB-Line-Id", "rejected"},
		{"call-ahead 5551231234", 0, "Access-Accept FB-Call-Ahead-Mode=0", ""},
		{"call-ahead 5551231235", 0, "Access-Accept FB-Call-Ahead-Mode=1", ""},
		{"call-ahead 5551231236", 1, "Access-Accept", "empty Accept"},
		{"login", 0, "Access-Accept FB-Account-Type=4 FB-Call-Ahead-Mode=2 without FB-Account-Login-Group", ""},
	} {
		status, stdout, stderr := ask(t, host, file, tt.args+" --json")
		var a answer
		if err := json.Unmarshal([]byte(stdout), &a); err != nil {
			t.Errorf("%s: %v\n%s%s", tt.args, err, stdout, stderr)
			continue
		}
		if status != tt.status || a.String() != tt.answer || a.Server == nil || *a.Server != server.Auth.String() ||
			!strings.Contains(stderr, tt.stderr) || (tt.stderr == "") != (stderr == "") {
			t.Errorf("%s: %d %v\n%s\nwant %d %s\n%s", tt.args, status, a, stderr, tt.status, tt.answer, tt.stderr)
		}
		if human, _, _ := ask(t, host, file, tt.args); human != tt.status {
			t.Errorf("%s without --json: exit status %d", tt.args, human)
		}
	}
	if status, stdout, stderr := ask(t, host, configure(t, server, "wrong"), "login --json"); status != 1 || !strings.Contains(stdout, "Access-Reject") {
		t.Errorf("login with a wrong password: %d %s%s", status, stdout, stderr)
	}
	server.Stop()
	if status, stdout, stderr := ask(t, host, file, "dids acct --json"); status != 1 || !strings.Contains(stdout, `"code":null`) || !strings.Contains(stderr, "no RADIUS server answered") {
		t.Errorf("no server: %d %s%s", status, stdout, stderr)
	}
}

// As a device is provisioned: by MAC address, and by serial number where that is not known
// or has no account.
func TestProvisioning(t *testing.T) {
	server, host := start(t)
	client, err := aaa.New(aaa.Config{
		Servers: []aaa.Server{{Addr: server.Auth.String(), Secret: freeradius.Secret}},
		Dial: func(ctx context.Context, network, addr string) (c net.Conn, err error) {
			err = host.Do(func() error { c, err = new(net.Dialer).DialContext(ctx, network, addr); return err })
			return c, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	directory := &faxback.Directory{Asker: client, Dictionary: faxback.Default()}
	for mac, serial := range map[string]string{"00908F1D37F0": "", "00908F1D37F1": "27482734", "00908F1D37F2": "27482734"} {
		p, err := directory.Provision(t.Context(), mac, serial)
		if err != nil || p.Account.Name != "acct" || !p.Account.Signed || p.BySerial != (serial != "") {
			t.Errorf("%s: %+v, %v", mac, p, err)
			continue
		}
		settings, notes := p.Settings(1)
		var text []string
		for _, s := range settings {
			text = append(text, s.Section+"."+s.Key+"="+s.Value)
		}
		const want = "sip1.username=5551111 port1.line=1 port1.ani=5550000 sip2.username=5552222"
		if got := strings.Join(text, " "); got != want || len(notes) > 0 {
			t.Errorf("%s: %s, want %s; %q", mac, got, want, notes)
		}
	}
	if _, err := directory.Provision(t.Context(), "00908F1D37F2", "1"); !errors.Is(err, faxback.ErrRejected) {
		t.Errorf("a stranger: %v", err)
	}
	if _, err := directory.Provision(t.Context(), "00908F1D37F3", ""); !errors.Is(err, faxback.ErrUnknownFlag) {
		t.Errorf("a type that is not known: %v", err)
	}
}
