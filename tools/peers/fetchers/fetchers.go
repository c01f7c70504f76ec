// Package fetchers runs the servers that configuration files come from: nginx by HTTP
// and HTTPS, tftpd-hpa and dnsmasq by TFTP, on the sandbox's loopback.
package fetchers

import (
	_ "embed" // the configuration template
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"text/template"
	"time"

	"tipring/tools/peers/certs"
	"tipring/tools/peers/netlab"
)

// Where the servers listen, on 127.0.0.1 unless said otherwise.
const (
	HTTP        = 8080 // on ::1 too
	HTTPS       = 8443
	WantsClient = 8444 // asks for a certificate of ours
	Expired     = 8445
	WrongName   = 8446
	SelfSigned  = 8447
	Old         = 8448 // TLS 1.0 and 1.1 alone
	TFTP        = 6969 // tftpd-hpa
	DnsmasqAt   = "127.0.0.2:69"
)

// User and Password open /private/.
const (
	User     = "alice"
	Password = "wonder land/@%"
)

//go:embed nginx.conf.tmpl
var configuration string

var tmpl = template.Must(template.New("nginx.conf").Parse(configuration))

// Nginx serves the files under root until the test ends. Certificates are for localhost
// and 127.0.0.1; the authority is also the one whose clients WantsClient takes.
func Nginx(t netlab.T, root string, ca *certs.Authority) *Process {
	t.Helper()
	dir := netlab.WorkDir(t)
	pair := func(file string, flaw certs.Flaw) certs.Pair { return ca.Server(file, flaw, "localhost", "127.0.0.1") }
	servers := []struct {
		Port int
		certs.Pair
		Old, Client bool
	}{
		{Port: HTTPS, Pair: pair("good", certs.Good)},
		{Port: WantsClient, Pair: pair("asking", certs.Good), Client: true},
		{Port: Expired, Pair: pair("expired", certs.Expired)},
		{Port: WrongName, Pair: pair("wrong", certs.WrongName)},
		{Port: SelfSigned, Pair: pair("self", certs.SelfSigned)},
		{Port: Old, Pair: pair("old", certs.Good), Old: true},
	}
	conf := filepath.Join(dir, "nginx.conf")
	f, err := os.Create(conf)
	if err == nil {
		err = tmpl.Execute(f, map[string]any{"Dir": dir, "Root": root, "HTTP": HTTP, "HTTPS": HTTPS, "CA": ca.File, "Servers": servers})
	}
	if err == nil {
		err = f.Close()
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "users"), []byte(User+":{PLAIN}"+Password+"\n"), 0o600)
	}
	if err != nil {
		t.Fatalf("nginx: %v", err)
	}
	p := start(t, dir, "nginx", "-p", dir, "-c", conf, "-e", "stderr")
	p.ready(func() error {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", Old))
		if err == nil {
			_ = c.Close()
		}
		return err
	})
	return p
}

// Tftpd serves the files under root by tftpd-hpa.
func Tftpd(t netlab.T, root string) *Process {
	t.Helper()
	// It finds no IPv4 where no interface has an address besides 127.0.0.1 (AI_ADDRCONFIG).
	if out, err := exec.Command("ip", "address", "replace", "192.0.2.1/32", "dev", "lo").CombinedOutput(); err != nil {
		t.Fatalf("ip address: %v: %s", err, out)
	}
	p := start(t, netlab.WorkDir(t), "in.tftpd", "--foreground", "--user", "root", "--verbose",
		"--address", fmt.Sprintf("127.0.0.1:%d", TFTP), "--secure", root)
	p.ready(listens(fmt.Sprintf("127.0.0.1:%d", TFTP)))
	return p
}

// Dnsmasq serves the files under root by dnsmasq, without its name server.
func Dnsmasq(t netlab.T, root string) *Process {
	t.Helper()
	dir := netlab.WorkDir(t)
	p := start(t, dir, "dnsmasq", "--keep-in-foreground", "--log-facility=-", "--conf-file=/dev/null", "--port=0", "--user=root",
		"--pid-file="+filepath.Join(dir, "pid"), "--bind-interfaces", "--listen-address=127.0.0.2", "--enable-tftp", "--tftp-root="+root)
	p.ready(listens(DnsmasqAt))
	return p
}

// listens asks for a file that is not there, and is content with any answer.
func listens(at string) func() error {
	return func() error {
		c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return err
		}
		defer func() { _ = c.Close() }()
		to, err := net.ResolveUDPAddr("udp", at)
		if err != nil {
			return err
		}
		_ = c.SetDeadline(time.Now().Add(200 * time.Millisecond))
		if _, err := c.WriteTo([]byte("\x00\x01ready?\x00octet\x00"), to); err != nil {
			return err
		}
		_, _, err = c.ReadFrom(make([]byte, 600))
		return err
	}
}

// A Process is a server in the sandbox's own network.
type Process struct {
	Log string // what it printed

	t    netlab.T
	cmd  *exec.Cmd
	done chan struct{}
}

func start(t netlab.T, dir, name string, args ...string) *Process {
	t.Helper()
	p := &Process{Log: filepath.Join(dir, name+".log"), t: t, cmd: exec.Command(name, args...), done: make(chan struct{})}
	log, err := os.Create(p.Log)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	defer func() { _ = log.Close() }()
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, log, log
	p.cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/local/sbin:/usr/sbin:/sbin")
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if p.cmd.Err != nil { // the account's PATH may lack sbin
		p.cmd.Path, p.cmd.Err = filepath.Join("/usr/sbin", name), nil
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(p.Stop)
	return p
}

func (p *Process) ready(ask func() error) {
	p.t.Helper()
	if !netlab.Until(15*time.Second, func() bool { return ask() == nil || p.ended() }) || p.ended() {
		p.t.Fatalf("%s does not answer:\n%s", p.cmd.Path, p.Text())
	}
}

func (p *Process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Text is what the server printed.
func (p *Process) Text() string {
	text, err := os.ReadFile(p.Log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Stop ends the server and what it started.
func (p *Process) Stop() {
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		if p.ended() {
			return
		}
		_ = syscall.Kill(-p.cmd.Process.Pid, s)
		select {
		case <-p.done:
		case <-time.After(3 * time.Second):
		}
	}
}
