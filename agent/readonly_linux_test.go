package agent

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"tipring/internal/config"
	"tipring/webui/api"
)

// Flash that can only be read, with the socket of an agent that was killed on it: the lines
// of the settings that are there come up all the same.
func TestReadOnlyFlash(t *testing.T) {
	const place = "TIPRING_READ_ONLY"
	if dir := os.Getenv(place); dir != "" {
		onReadOnly(t, dir)
		return
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestReadOnlyFlash$")
	cmd.Env = append(os.Environ(), place+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) {
		t.Fatalf("%v: the test makes mounts of its own; as root, or where the kernel has user namespaces (CONFIG_USER_NS), it may", err)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// onReadOnly runs inside a mount namespace of its own.
func onReadOnly(t *testing.T, dir string) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	must(unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=700"))
	defer unix.Unmount(dir, unix.MNT_DETACH)
	server := newRegistry(t)
	file, state := filepath.Join(dir, "tipring.ini"), filepath.Join(dir, "state")
	must(os.WriteFile(file, []byte(base+line(1, server.port)), 0o600))
	must(os.Mkdir(state, 0o700))
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(state, api.SocketName), Net: "unix"})
	must(err)
	left.SetUnlinkOnClose(false)
	must(left.Close())
	must(unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))

	r := &rig{t: t, file: file, log: &syncBuffer{}}
	r.Agent, err = New(Options{Files: config.Files{File: file, StateDir: state}, Version: "test", Stderr: r.log})
	must(err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	r.until("registered", func() bool { return r.registered(1) })
	cancel()
	must(<-done)
	if !strings.Contains(r.log.String(), "no control socket") {
		t.Errorf("the log does not tell:\n%s", r.log)
	}
}
