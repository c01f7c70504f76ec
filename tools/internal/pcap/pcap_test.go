package pcap

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return b
}

// UDP from 10.0.0.1:5000 to 10.0.0.2:6000 with "hi", and the same over IPv6.
const (
	ends4 = "0a000001 0a000002"
	ends6 = "20010db8000000000000000000000001 20010db8000000000000000000000002"
	udp   = "1388 1770 000a 0000 6869"
	v4    = "4500001e 00000000 4011 0000" + ends4 + udp
	v6    = "60000000 000a 11 40" + ends6 + udp
)

var (
	from4, to4 = netip.MustParseAddrPort("10.0.0.1:5000"), netip.MustParseAddrPort("10.0.0.2:6000")
	from6, to6 = netip.MustParseAddrPort("[2001:db8::1]:5000"), netip.MustParseAddrPort("[2001:db8::2]:6000")
)

func TestUDP(t *testing.T) {
	cut := strings.TrimSuffix(v4, "69")
	for _, tt := range []struct {
		name string
		link LinkType
		data string
		want string // payload; "" for none
	}{
		{"raw IPv4", Raw, v4, "hi"},
		{"raw IPv6", Raw, v6, "hi"},
		{"link type IPv4", IPv4, v4, "hi"},
		{"link type IPv6", IPv6, v6, "hi"},
		{"raw IP of BSD", RawBSD, v4, "hi"},
		{"raw IP of OpenBSD", RawOpen, v6, "hi"},
		{"loopback", Null, "02000000" + v4, "hi"},
		{"loopback, IPv6", Null, "1e000000" + v6, "hi"},
		{"OpenBSD loopback", Loop, "00000002" + v4, "hi"},
		{"Ethernet", Ethernet, "020000000001 020000000002 0800" + v4, "hi"},
		{"Ethernet, IPv6", Ethernet, "020000000001 020000000002 86dd" + v6, "hi"},
		{"Ethernet, padded", Ethernet, "020000000001 020000000002 0800" + v4 + "0000000000000000", "hi"},
		{"Ethernet, VLAN", Ethernet, "020000000001 020000000002 8100 0007 0800" + v4, "hi"},
		{"Ethernet, two VLAN tags", Ethernet, "020000000001 020000000002 88a8 0007 8100 0008 86dd" + v6, "hi"},
		{"Ethernet, five VLAN tags", Ethernet, "020000000001 020000000002" + strings.Repeat("81000007", 5) + "0800" + v4, ""},
		{"Ethernet, ARP", Ethernet, "020000000001 020000000002 0806" + v4, ""},
		{"Ethernet, nothing", Ethernet, "020000000001 020000000002 0800", ""},
		{"Ethernet, half a header", Ethernet, "020000000001 020000", ""},
		{"Linux cooked", Cooked, "0000 0001 0006 0200000000010000 0800" + v4, "hi"},
		{"Linux cooked, not IP", Cooked, "0000 0001 0006 0200000000010000 0004" + v4, ""},
		{"Linux cooked, short", Cooked, "0000 0001", ""},
		{"Linux cooked 2", Cooked2, "86dd 0000 00000002 0001 00 06 0200000000010000" + v6, "hi"},
		{"another link", 147, v4, ""},
		{"nothing", Raw, "", ""},
		{"neither IPv4 nor IPv6", Raw, "50" + v4[2:], ""},
		{"cut off", Raw, cut, "h, cut"},
		{"IPv4 with options", Raw, "4600002200000000401100000a0000010a000002 94040000 13881770000a00006869", "hi"},
		{"IPv4, length to be filled in", Raw, "45000000 00000000 4011 0000" + ends4 + udp, "hi"},
		{"IPv4, shorter than its header", Raw, "4500001300000000401100000a0000010a000002", ""},
		{"IPv4, header too small", Raw, "44" + v4[2:], ""},
		{"IPv4, header past the end", Raw, "4f" + v4[2:], ""},
		{"IPv4, cut in the header", Raw, "4500001e 0000", ""},
		{"IPv4, first fragment", Raw, "4500001e 00002000 4011 0000" + ends4 + udp, ""},
		{"IPv4, later fragment", Raw, "4500001e 00000001 4011 0000" + ends4 + udp, ""},
		{"IPv4, TCP", Raw, "4500001e 00000000 4006 0000" + ends4 + udp, ""},
		{"UDP shorter than its header", Raw, "4500001e 00000000 4011 0000" + ends4 + "1388 1770 0007 0000 6869", ""},
		{"UDP cut in its header", Raw, "45000018 00000000 4011 0000 0a000001 0a000002 1388 1770", ""},
		{"IPv6, hop-by-hop and destination options", Raw, "60000000 001a 00 40" + ends6 + "3c00000000000000 1100000000000000" + udp, "hi"},
		{"IPv6, atomic fragment", Raw, "60000000 0012 2c 40" + ends6 + "1100000000000001" + udp, "hi"},
		{"IPv6, fragment", Raw, "60000000 0012 2c 40" + ends6 + "1100000100000001" + udp, ""},
		{"IPv6, headers without end", Raw, "60000000 0050 00 40" + ends6 + strings.Repeat("0000000000000000", 9) + udp, ""},
		{"IPv6, header past the end", Raw, "60000000 0012 00 40" + ends6 + "11ff000000000000" + udp, ""},
		{"IPv6, header cut off", Raw, "60000000 0012 00 40" + ends6 + "1100", ""},
		{"IPv6, TCP", Raw, "60000000 000a 06 40" + ends6 + udp, ""},
		{"IPv6, cut in the header", Raw, "60000000 000a", ""},
	} {
		d, ok := Frame{Link: tt.link, Data: unhex(t, tt.data)}.UDP()
		got := string(d.Payload)
		if d.Cut {
			got += ", cut"
		}
		if ok != (tt.want != "") || ok && got != tt.want {
			t.Errorf("%s: %q, %v; want %q", tt.name, got, ok, tt.want)
		}
		if ok && !(d.From == from4 && d.To == to4) && !(d.From == from6 && d.To == to6) {
			t.Errorf("%s: from %v to %v", tt.name, d.From, d.To)
		}
	}
}

// all reads a capture to its end.
func all(in []byte) (frames []Frame, err error) {
	r, err := NewReader(bytes.NewReader(in))
	for err == nil {
		var f Frame
		if f, err = r.Next(); err == nil {
			f.Data = bytes.Clone(f.Data)
			frames = append(frames, f)
		}
	}
	return frames, err
}

func TestClassic(t *testing.T) {
	at := time.Date(2026, 11, 22, 3, 4, 5, 678901234, time.UTC)
	for _, tt := range []struct {
		name  string
		order binary.AppendByteOrder
		magic uint32
		unit  int
		when  time.Time
	}{
		{"little-endian", binary.LittleEndian, microseconds, 1000, at.Truncate(time.Microsecond)},
		{"big-endian", binary.BigEndian, microseconds, 1000, at.Truncate(time.Microsecond)},
		{"little-endian, nanoseconds", binary.LittleEndian, nanoseconds, 1, at},
		{"big-endian, nanoseconds", binary.BigEndian, nanoseconds, 1, at},
	} {
		b := tt.order.AppendUint32(nil, tt.magic)
		b = append(b, make([]byte, 16)...)
		b = tt.order.AppendUint32(b, 0x14000000|uint32(Ethernet)) // with the length of an FCS
		for _, data := range []string{"first", "", "third"} {
			b = tt.order.AppendUint32(b, uint32(at.Unix()))
			b = tt.order.AppendUint32(b, uint32(at.Nanosecond()/tt.unit))
			b = tt.order.AppendUint32(b, uint32(len(data)))
			b = tt.order.AppendUint32(b, 1500)
			b = append(b, data...)
		}
		frames, err := all(b)
		if err != io.EOF || len(frames) != 3 || string(frames[0].Data) != "first" || string(frames[2].Data) != "third" {
			t.Errorf("%s: %v, %v", tt.name, frames, err)
			continue
		}
		if f := frames[2]; !f.Time.Equal(tt.when) || f.Link != Ethernet {
			t.Errorf("%s: at %v of link %d", tt.name, f.Time, f.Link)
		}
		if frames, err = all(b[:len(b)-1]); err != io.ErrUnexpectedEOF || len(frames) != 2 {
			t.Errorf("%s, cut off: %d frames, %v", tt.name, len(frames), err)
		}
		if frames, err = all(b[:len(b)-6]); err != io.ErrUnexpectedEOF || len(frames) != 2 {
			t.Errorf("%s, cut off in a head: %d frames, %v", tt.name, len(frames), err)
		}
	}
}

func TestNoCapture(t *testing.T) {
	little := "0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000"
	eth := "01000000 14000000 0100 0000 00000000 14000000"
	for name, in := range map[string]string{
		"nothing":                           "",
		"two octets":                        "a1b2",
		"another magic number":              "a1b2c3d5 00020004 00000000 00000000 0000ffff 00000001",
		"a head cut off":                    "a1b2c3d4 00020004 00000000",
		"a frame of 2 GB":                   "a1b2c3d4 00020004 00000000 00000000 0000ffff 00000001 00000000 00000000 7fffffff 7fffffff 00",
		"pcapng of no byte order":           "0a0d0d0a 0000001c 00000000 0001 0000 ffffffffffffffff 0000001c",
		"pcapng, block of 8 octets":         little + "01000000 08000000",
		"pcapng, block of 21 octets":        little + "01000000 15000000 0100 0000 00000000 14000000 00",
		"pcapng, block of 2 GB":             little + "01000000 00000080",
		"pcapng, short section":             "0a0d0d0a 0c000000 4d3c2b1a 0c000000",
		"pcapng, interface of 4 octets":     little + "01000000 10000000 0100 0000 10000000",
		"pcapng, packet without interface":  little + "03000000 14000000 01000000 ff000000 14000000",
		"pcapng, packet of interface 1":     little + eth + "06000000 20000000 01000000 00000000 00000000 00000000 00000000 20000000",
		"pcapng, packet past its block":     little + eth + "06000000 20000000 00000000 00000000 00000000 01000000 01000000 20000000",
		"pcapng, packet of 4 octets":        little + eth + "06000000 10000000 00000000 10000000",
		"pcapng, section inside of nothing": "0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000 0a0d0d0a 1c000000 ffffffff",
	} {
		frames, err := all(unhex(t, in))
		if !errors.Is(err, ErrFormat) || len(frames) > 0 {
			t.Errorf("%s: %v, %v", name, frames, err)
		}
	}
	broken := errors.New("broken")
	if _, err := NewReader(io.MultiReader(strings.NewReader("\xa1"), failing{broken})); err != broken {
		t.Errorf("a file that cannot be read: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestPcapng(t *testing.T) {
	big := "0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c"
	little := "0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000"
	for _, tt := range []struct {
		name string
		in   string
		link LinkType
		at   string
	}{
		{"little-endian, microseconds",
			little + "01000000 14000000 0100 0000 00000000 14000000" +
				"06000000 24000000 00000000 00000000 40420f00 02000000 02000000 68690000 24000000", Ethernet, "1970-01-01T00:00:01Z"},
		{"big-endian, nanoseconds, offset",
			big + "00000001 0000002c 0065 0000 00000000 0009 0001 09000000 000e 0008 0000000000000064 0000 0000 0000002c" +
				"00000006 00000024 00000000 00000000 00000005 00000002 00000002 68690000 00000024", Raw, "1970-01-01T00:01:40.000000005Z"},
		{"binary units",
			little + "01000000 1c000000 0100 0000 00000000 0900 0100 82000000 1c000000" +
				"06000000 24000000 00000000 00000000 07000000 02000000 02000000 68690000 24000000", Ethernet, "1970-01-01T00:00:01.75Z"},
		{"units that cannot be",
			little + "01000000 1c000000 0100 0000 00000000 0900 0100 14000000 1c000000" +
				"06000000 24000000 00000000 00000000 07000000 02000000 02000000 68690000 24000000", Ethernet, "0001-01-01T00:00:00Z"},
		{"binary units that cannot be",
			little + "01000000 1c000000 0100 0000 00000000 0900 0100 c0000000 1c000000" +
				"06000000 24000000 00000000 00000000 07000000 02000000 02000000 68690000 24000000", Ethernet, "0001-01-01T00:00:00Z"},
		{"simple packet, kept to the interface's length",
			little + "01000000 14000000 0100 0000 02000000 14000000" +
				"03000000 14000000 03000000 68690000 14000000", Ethernet, "0001-01-01T00:00:00Z"},
		{"old packet block",
			little + "01000000 14000000 7100 0000 00000000 14000000" +
				"02000000 24000000 0000 0000 00000000 40420f00 02000000 02000000 68690000 24000000", Cooked, "1970-01-01T00:00:01Z"},
		{"second section with interfaces of its own; unknown blocks; an option cut off",
			little + "01000000 14000000 0100 0000 00000000 14000000" + "0a00beef 0c000000 0c000000" +
				big + "00000001 00000018 0071 0000 00000000 0009 00ff 00000018" +
				"00000006 00000024 00000000 00000000 000f4240 00000002 00000002 68690000 00000024", Cooked, "1970-01-01T00:00:01Z"},
	} {
		b := unhex(t, tt.in)
		frames, err := all(b)
		if err != io.EOF || len(frames) != 1 || string(frames[0].Data) != "hi" {
			t.Errorf("%s: %v, %v", tt.name, frames, err)
			continue
		}
		if f := frames[0]; f.Link != tt.link || f.Time.Format(time.RFC3339Nano) != tt.at {
			t.Errorf("%s: link %d at %s, want %d at %s", tt.name, f.Link, f.Time.Format(time.RFC3339Nano), tt.link, tt.at)
		}
		if frames, err = all(b[:len(b)-1]); err != io.ErrUnexpectedEOF || len(frames) > 0 {
			t.Errorf("%s, cut off: %v, %v", tt.name, frames, err)
		}
	}
}

func TestWriter(t *testing.T) {
	var out bytes.Buffer
	w, err := NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 22, 3, 4, 5, 678901000, time.UTC)
	mapped := netip.MustParseAddrPort("[::ffff:10.0.0.1]:5000")
	for _, d := range []Datagram{{Payload: []byte("hi"), From: from4, To: to4}, {Payload: nil, From: from6, To: to6}, {Payload: []byte("odd"), From: mapped, To: to4}} {
		if err := w.WriteUDP(at, d.From, d.To, d.Payload); err != nil {
			t.Error(err)
		}
	}
	if err := w.WriteUDP(at, from4, to6, nil); err == nil {
		t.Error("a datagram from IPv4 to IPv6")
	}
	if err := w.WriteUDP(at, netip.AddrPort{}, to6, nil); err == nil {
		t.Error("a datagram from nowhere")
	}
	if err := w.WriteUDP(at, from4, to4, make([]byte, 65508)); err == nil {
		t.Error("a datagram too long")
	}
	frames, err := all(out.Bytes())
	if err != io.EOF || len(frames) != 3 {
		t.Fatalf("%d frames, %v", len(frames), err)
	}
	for i, want := range []Datagram{{Payload: []byte("hi"), From: from4, To: to4}, {From: from6, To: to6}, {Payload: []byte("odd"), From: from4, To: to4}} {
		got, ok := frames[i].UDP()
		if !ok || got.From != want.From || got.To != want.To || !bytes.Equal(got.Payload, want.Payload) || !got.Time.Equal(at) {
			t.Errorf("datagram %d: %+v", i, got)
		}
	}
	// RFC 1071: with its checksum, what is summed up gives all ones.
	if ip := frames[0].Data; sum(0, ip[:20]) != 0xFFFF || sum(0, append(ip[12:20:20], append([]byte{0, 17, 0, 10}, ip[20:]...)...)) != 0xFFFF {
		t.Errorf("checksums of %x", ip)
	}
}

func FuzzReader(f *testing.F) {
	var out bytes.Buffer
	w, _ := NewWriter(&out)
	w.WriteUDP(time.Unix(1, 0), from4, to4, []byte("hi"))
	w.WriteUDP(time.Unix(1, 0), from6, to6, []byte("hi"))
	f.Add(out.Bytes())
	f.Add(unhex(f, "0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000 01000000 14000000 6500 0000 00000000 14000000"+
		"06000000 40000000 00000000 00000000 40420f00 1e000000 1e000000"+v4+"0000 40000000"))
	f.Add(unhex(f, "0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c 00000001 0000002c 0065 0000 00000000"+
		"0009 0001 09000000 000e 0008 0000000000000064 0000 0000 0000002c 00000003 00000014 00000002 68690000 00000014"))
	f.Fuzz(func(t *testing.T, b []byte) {
		frames, err := all(b)
		if err == nil {
			t.Fatal("a capture without end")
		}
		for _, frame := range frames {
			if d, ok := frame.UDP(); ok && (!d.From.IsValid() || !d.To.IsValid() || len(d.Payload) > len(frame.Data)) {
				t.Fatalf("%+v of %x", d, frame.Data)
			}
		}
	})
}
