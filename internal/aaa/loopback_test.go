package aaa

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// listen serves datagrams on a loopback port until the test ends.
func listen(t *testing.T, serve func(c *net.UDPConn, from *net.UDPAddr, request []byte)) string {
	t.Helper()
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Go(func() {
		b := make([]byte, MaxPacket)
		for {
			n, from, err := c.ReadFromUDP(b)
			if err != nil {
				return
			}
			serve(c, from, b[:n])
		}
	})
	t.Cleanup(func() {
		_ = c.Close()
		reading.Wait()
	})
	return c.LocalAddr().String()
}

func loopback(t *testing.T, cfg Config, addrs ...string) *Client {
	t.Helper()
	for _, addr := range addrs {
		cfg.Servers = append(cfg.Servers, Server{Addr: addr, Secret: secret})
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Over real sockets: bursts of every kind of forgery, and good answers from another
// port and another address, before the good one.
func TestLoopbackForgeries(t *testing.T) {
	stranger, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stranger.Close() }()
	elsewhere, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = elsewhere.Close() }()
	earlier := good(mustQuery(t, lookup("earlier")).wire, text(UserName, "earlier"))
	var kind atomic.Int32
	count := 0
	server := listen(t, func(c *net.UDPConn, from *net.UDPAddr, request []byte) {
		for range 20 {
			_, _ = c.WriteToUDP(forgers[kind.Load()].forge(count, request, earlier), from)
			_, _ = stranger.WriteToUDP(good(request, text(ReplyMessage, "stranger")), from)
			_, _ = elsewhere.WriteToUDP(good(request, text(ReplyMessage, "elsewhere")), from)
			count++
		}
		_, _ = c.WriteToUDP(good(request, text(ReplyMessage, "genuine")), from)
	})
	c := loopback(t, Config{}, server)
	for i := range forgers {
		kind.Store(int32(i))
		r, err := c.Exchange(context.Background(), lookup("x"))
		if err != nil {
			t.Fatalf("%s: %v", forgers[i].name, err)
		}
		if message, _ := r.Attributes.Lookup(ReplyMessage); string(message) != "genuine" {
			t.Errorf("%s: believed %q", forgers[i].name, message)
		}
	}
	if got := c.Counts()[0]; got.Accepted != int64(len(forgers)) || got.Late != 0 {
		t.Errorf("%+v", got)
	}
}

// A closed port: its ICMP error is believed after one more transmission, and the
// next server answers long before the second transmission would be due.
func TestLoopbackICMP(t *testing.T) {
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	closed := c.LocalAddr().String()
	_ = c.Close()
	server := listen(t, func(c *net.UDPConn, from *net.UDPAddr, request []byte) { _, _ = c.WriteToUDP(good(request), from) })
	client := loopback(t, Config{Dead: time.Minute}, closed, server)
	for range 3 {
		began := time.Now()
		r, err := client.Exchange(context.Background(), lookup("x"))
		if err != nil || r.Server != server || time.Since(began) > 1500*time.Millisecond {
			t.Errorf("%v %v after %v", r, err, time.Since(began))
		}
	}
	if got := client.Counts()[0]; got.Sent != 1 || got.Retransmitted != 1 || !got.Dead {
		t.Errorf("%+v", got)
	}
}

func TestConfigurationsThatAreRefused(t *testing.T) {
	for name, cfg := range map[string]Config{
		"no server":        {},
		"no secret":        {Servers: []Server{{Addr: "127.0.0.1:1812"}}},
		"no port":          {Servers: []Server{{Addr: "127.0.0.1", Secret: "x"}}},
		"no host":          {Servers: []Server{{Addr: ":1812", Secret: "x"}}},
		"negative timeout": {Servers: []Server{{Addr: "a:1", Secret: "x"}}, Timeout: -1},
	} {
		if c, err := New(cfg); err == nil {
			t.Errorf("%s: taken", name)
			_ = c.Close()
		}
	}
	c := loopback(t, Config{}, "127.0.0.1:1")
	if _, err := c.Exchange(context.Background(), Request{}); err == nil || errors.Is(err, ErrNoAnswer) {
		t.Errorf("a request of code 0: %v", err)
	}
}
