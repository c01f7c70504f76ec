package agent

import (
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"tipring/internal/config"
	"tipring/lines/fxs"
	"tipring/webui/api"
)

// An agent that hangs is left to itself half a second after the second signal.
func TestASecondSignalEndsAnAgentThatHangs(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "tipring.ini")
	if err := os.WriteFile(file, []byte(base), 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		a, err := New(Options{Files: config.Files{File: file, StateDir: filepath.Join(dir, "state")}, Stderr: &syncBuffer{}})
		if err != nil {
			t.Fatal(err)
		}
		ends, ended := make(chan os.Signal), make(chan error, 1)
		go func() { ended <- a.endOn(ends, nil) }() // nothing ever comes from Run
		ends <- syscall.SIGTERM
		time.Sleep(time.Hour)
		if len(ended) > 0 || !a.draining.Load() || a.patient.Err() != nil {
			t.Errorf("after the first signal: ended %v, draining %v, patient %v", len(ended), a.draining.Load(), a.patient.Err())
		}
		second := time.Now()
		ends <- syscall.SIGTERM
		synctest.Wait()
		if a.patient.Err() == nil {
			t.Error("the second signal left it waiting for servers")
		}
		if err := <-ended; err != ErrKilled || time.Since(second) != killTime {
			t.Errorf("%v after %v, want ErrKilled after %v", err, time.Since(second), killTime)
		}
		a.cancel()
		a.work.Wait()
	})
}

// One that ends by itself before that ends in good order.
func TestASecondSignalThatHelps(t *testing.T) {
	r := start(t, base)
	ends, done := make(chan os.Signal), make(chan error)
	go func() {
		ends <- syscall.SIGTERM
		ends <- syscall.SIGINT
		done <- nil
	}()
	if err := r.endOn(ends, done); err != nil {
		t.Error(err)
	}
}

// Who deletes the sockets of a device that works does not cut it off.
func TestDeletedSocketsArePutBack(t *testing.T) {
	card := socketPath(t)
	r := start(t, base+"[sip1]\n[port1]\ndriver = unix:"+card+"\n")
	for _, path := range []string{card, filepath.Join(r.dir, api.SocketName)} {
		answers := func() bool {
			conn, err := net.Dial("unix", path)
			if err == nil {
				conn.Close()
			}
			return err == nil
		}
		r.until(path+" is there", answers)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		r.until(path+" is back", answers)
	}
}

// Who is let in by a driver may ask for its port at once.
func TestAPortIsToldBeforeItsDriverOpens(t *testing.T) {
	var r *rig
	open := drivers["sim"]
	t.Cleanup(func() { drivers["sim"] = open })
	told := make(chan bool, 1)
	drivers["sim"] = func(p config.Port, f fittings) (fxs.Driver, error) {
		shown := false
		for _, port := range (device{r.Agent}).Ports() {
			shown = shown || port.Port == p.N
		}
		told <- shown
		return open(p, f)
	}
	r = start(t, base)
	r.write(base + "[sip1]\n[port1]\ndriver = sim\n")
	if err := r.Reload(); err != nil {
		t.Fatal(err)
	}
	if !<-told {
		t.Error("the port is not there yet")
	}
	r.until("its telephone is there", func() bool { return (device{r.Agent}).Ports()[0].Card })
}
