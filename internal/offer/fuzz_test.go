package offer

import (
	"bytes"
	"net/netip"
	"testing"
)

// FuzzParse: whatever is accepted survives being written and read again, and whatever
// negotiates is answered line by line.
func FuzzParse(f *testing.F) {
	seeds := [][]byte{
		sdp("v=0", "o=- 1 2 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0", "m=audio 4000 RTP/AVP 0 8 101",
			"a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15", "a=ptime:20", "a=sendrecv"),
		sdp("v=0", "o=- 1 2 IN IP6 2001:db8::1", "s=-", "c=IN IP6 2001:db8::1", "t=0 0", "m=audio 0 RTP/AVP 0",
			"m=image 4002 udptl t38", "a=T38FaxVersion:0", "a=T38FaxMaxDatagram:-1", "a=T38FaxRateManagement:transferredTCF"),
		sdp("v=0", "o=- 1 2 IN IP4 192.0.2.1", "s=-", "m=audio 4000 RTP/SAVP 0", "c=IN IP4 0.0.0.0", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4",
			"a=inactive", "a=rtcp:53020 IN IP4 126.16.64.4"),
		[]byte("v=0\no=\ns=\nc=IN IP4 192.0.2.1\nm=audio 49217 RTP/AVP 0 12\nm=video 3227 RTP/AVP 31\na=rtpmap:31 LPC\n"),
		[]byte("v=0\r\no=-\r\ns=\r\nc= h\r\nm=audio 65535/2 RTP/AVP 0\r\nm=audio 0 RTP/AVP\r\na=rtpmap:"),
		sdp("v=0", "o=- 1 2 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0", "m=audio 4000 RTP/AVP 0", "m=image 4002 UDPTL T38", "c=IN IP4 0.0.0.0",
			"a=T38FaxVersion 3", "a=t38maxbitrate:4294967296", "a=T38FaxFillBitRemoval:0", "a=T38FaxTranscodingMMR", "a=T38FaxUdpEC:t38UDPFEC", "a=T38MaxDatagram:72", "a=inactive"),
		sdp("v=0", "o=- 1 2 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0", "m=image 0 udptl t38", "m=image 4002 tcp t38", "m=image 4004 udptl t38", "a=T38FaxUdpEC:t38UDPNoEC"),
		[]byte("v=0\r\nx=\r\nm=audio 65535 RTP/AVP\r\n"),
		[]byte("v=0\r\ns=\r\nc=IN IP4 224.2.1.1/127/3\r\nb=\r\na=\r\na=:\r\no="),
	}
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Parse(data)
		if err != nil {
			return
		}
		written := d.Bytes()
		again, err := Parse(written)
		if len(written) > MaxSize {
			return
		}
		if err != nil {
			t.Fatalf("%q written as %q: %v", data, written, err)
		}
		if got := again.Bytes(); !bytes.Equal(got, written) {
			t.Fatalf("%q written as %q, then as %q", data, written, got)
		}
		s := New(Capabilities{Codecs: []Codec{PCMU, PCMA, G722}, Events: true, PtimeMS: 20},
			Local{RTP: netip.MustParseAddrPort("192.0.2.2:16384")})
		answer, err := s.Answer(d)
		if err == nil {
			checkAnswer(t, d, answer, s)
		}
		fuzzT38(t, d)
		caller := New(s.caps, s.local)
		if _, err := caller.Offer(); err != nil {
			t.Fatal(err)
		}
		if caller.TakeAnswer(d) == nil {
			if a := caller.Audio(); a == nil || len(a.Receive) == 0 || a.PtimeMS < 10 || a.PtimeMS > 40 {
				t.Fatalf("%q taken as %+v", data, a)
			}
		}
	})
}

// fuzzT38 has a fax machine's call take a description as an offer and as an answer, at its
// beginning and in the middle.
func fuzzT38(t *testing.T, d *Description) {
	caps := Capabilities{Codecs: []Codec{PCMU, PCMA, G722}, PtimeMS: 20, T38: ours}
	local := Local{RTP: here.RTP, UDPTL: netip.MustParseAddrPort("192.0.2.2:16386")}
	for _, mode := range []Mode{Sound, Fax, SoundAndFax, FaxPreferred} {
		called := New(caps, local)
		called.SetMode(mode)
		if answer, err := called.Answer(d); err == nil {
			checkAnswer(t, d, answer, called)
			again, err := called.Answer(d)
			if err != nil || !bytes.Equal(again.Bytes(), answer.Bytes()) {
				t.Fatalf("the same again: %v\n%s\nthen\n%s", err, answer.Bytes(), again.Bytes())
			}
			called.SetMode(Fax)
			if _, err := called.Offer(); err != nil {
				t.Fatal(err)
			}
			_ = called.TakeAnswer(d)
			checkSession(t, called)
		}
		caller := New(caps, local)
		caller.SetMode(mode)
		if _, err := caller.Offer(); err != nil {
			t.Fatal(err)
		}
		if caller.TakeAnswer(d) == nil && !caller.Agreed() {
			t.Fatal("taken, and nothing agreed")
		}
		checkSession(t, caller)
		if _, err := caller.Offer(); err != nil {
			t.Fatal(err)
		}
	}
}

func checkSession(t *testing.T, s *Session) {
	t.Helper()
	i := s.Image()
	if i == nil {
		return
	}
	for _, x := range []*T38{&i.Ours, &i.Theirs} {
		if x.Version < 0 || x.Version > 3 || x.MaxBitRate < 2400 || x.MaxBitRate > 33600 || x.MaxBuffer < 0 || x.MaxDatagram < 0 || x.MaxDatagram > 65535 || x.EC > FEC {
			t.Fatalf("agreed %+v", i)
		}
	}
	if i.Version > i.Ours.Version || i.Version > i.Theirs.Version || i.MaxBitRate > i.Ours.MaxBitRate || i.MaxBitRate > i.Theirs.MaxBitRate || !i.Local.IsValid() {
		t.Fatalf("agreed %+v", i)
	}
}

func checkAnswer(t *testing.T, offer, answer *Description, s *Session) {
	t.Helper()
	if len(answer.Media) != len(offer.Media) {
		t.Fatalf("%d lines answered with %d", len(offer.Media), len(answer.Media))
	}
	used := 0
	for i, m := range answer.Media {
		if m.Kind != offer.Media[i].Kind || m.Proto != offer.Media[i].Proto {
			t.Fatalf("line %d: %+v answered with %+v", i, offer.Media[i], m)
		}
		if m.Port != 0 {
			used++
			if offer.Media[i].Port == 0 {
				t.Fatalf("line %d was refused by its offerer", i)
			}
		}
	}
	if used != 1 || (s.Audio() != nil) == (s.Image() != nil) {
		t.Fatalf("%d lines in use, sound %+v, T.38 %+v", used, s.Audio(), s.Image())
	}
	checkSession(t, s)
}
