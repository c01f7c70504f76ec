package lab

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"time"
)

// maxTransfers bounds the files that are on their way by TFTP at one time.
const maxTransfers = 16

// serveTFTP takes requests until the socket is closed.
func (f *Files) serveTFTP() {
	defer f.ended.Done()
	buf := make([]byte, maxReadRequest+1)
	for {
		n, from, err := f.tftp.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			f.requested(buf[:n], from)
		}
	}
}

// requested begins to send a file, or says why not.
func (f *Files) requested(p []byte, from netip.AddrPort) {
	r, err := parseReadRequest(p)
	e := FileEvent{Scheme: "tftp", Path: "/" + strings.TrimPrefix(r.name, "/"), From: from.String()}
	data, known := f.file(e.Path)
	if err == nil && !known {
		e.Status, err = 404, &tftpFault{tftpNotFound, "no such file"}
	}
	if err == nil {
		select {
		case f.transfers <- struct{}{}:
			f.ended.Add(1)
			go f.transfer(r, data, from, e)
			return
		default:
			e.Status, err = 503, &tftpFault{tftpUndefined, "too many transfers"}
		}
	}
	var fault *tftpFault
	if errors.As(err, &fault) {
		_, _ = f.tftp.WriteToUDPAddrPort(fault.packet(), from)
	}
	e.Why = err.Error()
	f.tell(e)
}

// transfer sends a file from a socket of its own, which hears the client alone.
func (f *Files) transfer(r readRequest, data []byte, to netip.AddrPort, e FileEvent) {
	defer f.ended.Done()
	defer func() { <-f.transfers }()
	conn, err := net.DialUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(f.at, 0)), net.UDPAddrFromAddrPort(to))
	if err == nil {
		defer context.AfterFunc(f.quit, func() { _ = conn.Close() })()
		err = newSending(time.Now(), r, data).run(conn)
		_ = conn.Close()
	}
	if e.Status = 200; err != nil {
		e.Status, e.Why = 0, err.Error()
	}
	f.tell(e)
}
