package offer

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// ours is what this side does by T.38 in the tests.
var ours = &T38{Version: 0, MaxBitRate: 14400, FillBitRemoval: true, MaxDatagram: 400, EC: Redundancy}

// faxCapable has all media.
func faxCapable() Capabilities {
	c := everything
	c.T38 = ours
	return c
}

const ownImage = `
a=T38FaxVersion:0
a=T38MaxBitRate:14400
a=T38FaxFillBitRemoval
a=T38FaxRateManagement:transferredTCF
a=T38FaxMaxDatagram:400
a=T38FaxUdpEC:t38UDPRedundancy`

const ownAudio = `m=audio 16384 RTP/AVP 0 8 9 101
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:9 G722/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=ptime:20
a=sendrecv`

func describeImage(i *Image) string {
	if i == nil {
		return "none"
	}
	t := &i.Theirs
	var flags []string
	for _, f := range []struct {
		name string
		on   bool
	}{{"fill", t.FillBitRemoval}, {"mmr", t.MMR}, {"jbig", t.JBIG}, {"localTCF", t.LocalTCF}} {
		if f.on {
			flags = append(flags, f.name)
		}
	}
	return fmt.Sprintf("%v v%d %d buffer %d datagram %d ec %d %s", i.Remote, i.Version, i.MaxBitRate, t.MaxBuffer, t.MaxDatagram, t.EC, strings.Join(flags, " "))
}

// What a peer says of its T.38, in the ways in which it is said.
func TestAttributesOfT38(t *testing.T) {
	std := T38{MaxBitRate: 14400, EC: Redundancy}
	for _, tt := range []struct {
		name string
		as   []string
		want func(t *T38)
	}{
		{"nothing", nil, func(*T38) {}},
		{"everything", []string{"T38FaxVersion:3", "T38MaxBitRate:33600", "T38FaxFillBitRemoval", "T38FaxTranscodingMMR", "T38FaxTranscodingJBIG",
			"T38FaxRateManagement:localTCF", "T38FaxMaxBuffer:1800", "T38FaxMaxDatagram:1472", "T38FaxUdpEC:t38UDPFEC", "T38VendorInfo:0 0 37"},
			func(t *T38) { *t = T38{3, 33600, true, true, true, true, 1800, 1472, FEC} }},
		{"other letters", []string{"t38faxversion:1", "T38maxBitRate:9600", "T38FAXFILLBITREMOVAL", "t38FaxUdpEc:T38UDPFec", "T38FaxRateManagement:TransferredTCF"},
			func(t *T38) { *t = T38{Version: 1, MaxBitRate: 9600, FillBitRemoval: true, EC: FEC} }},
		{"blanks", []string{" T38FaxVersion : 2 ", "T38MaxBitRate: 12000", "T38FaxMaxDatagram 200", "T38FaxUdpEC: t38UDPFEC "},
			func(t *T38) { *t = T38{Version: 2, MaxBitRate: 12000, MaxDatagram: 200, EC: FEC} }},
		{"yes by 1", []string{"T38FaxFillBitRemoval:1", "T38FaxTranscodingMMR: 1", "T38FaxTranscodingJBIG:"},
			func(t *T38) { t.FillBitRemoval, t.MMR, t.JBIG = true, true, true }},
		{"no by 0", []string{"T38FaxFillBitRemoval:0", "T38FaxTranscodingMMR: 0", "T38FaxTranscodingJBIG:no"}, func(*T38) {}},
		{"the other spelling", []string{"T38MaxDatagram:72"}, func(t *T38) { t.MaxDatagram = 72 }},
		{"negative", []string{"T38FaxVersion:-1", "T38MaxBitRate:-1", "T38FaxMaxBuffer:-200", "T38FaxMaxDatagram:-1"}, func(*T38) {}},
		{"zero", []string{"T38FaxVersion:0", "T38MaxBitRate:0", "T38FaxMaxBuffer:0", "T38FaxMaxDatagram:0"}, func(*T38) {}},
		{"slower than any modem", []string{"T38MaxBitRate:144"}, func(*T38) {}},
		{"huge", []string{"T38FaxVersion:99999999999999999999", "T38MaxBitRate:4294967296", "T38FaxMaxBuffer:4294967295", "T38FaxMaxDatagram:18446744073709551616"},
			func(t *T38) {
				*t = T38{Version: 3, MaxBitRate: 33600, MaxBuffer: 1 << 20, MaxDatagram: 65507, EC: Redundancy}
			}},
		{"garbage", []string{"T38FaxVersion:x", "T38MaxBitRate:fast", "T38FaxMaxBuffer:\xff", "T38FaxMaxDatagram:", "T38FaxUdpEC:hope", "T38FaxRateManagement:"}, func(*T38) {}},
		{"a unit after it", []string{"T38MaxBitRate:9600bps", "T38FaxMaxDatagram:+400;"}, func(t *T38) { t.MaxBitRate, t.MaxDatagram = 9600, 400 }},
		{"no correction", []string{"T38FaxUdpEC:t38UDPNoEC"}, func(t *T38) { t.EC = NoCorrection }},
		{"several corrections: the first that is known", []string{"T38FaxUdpEC:t38UDPMagic", "T38FaxUdpEC:t38UDPFEC", "T38FaxUdpEC:t38UDPRedundancy"}, func(t *T38) { t.EC = FEC }},
		{"said twice: the first", []string{"T38FaxVersion:1", "T38FaxVersion:3"}, func(t *T38) { t.Version = 1 }},
		{"names of others", []string{"T38FaxMaxDatagramSize:9", "XT38FaxVersion:3", "sendrecv", "ptime:20", "T38FaxMaxIFP:72"}, func(*T38) {}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := std
			tt.want(&want)
			tail := []string{"m=image 4000 udptl t38"}
			for _, a := range tt.as {
				tail = append(tail, "a="+a)
			}
			d := remoteOffer(t, 1, tail...)
			if got := readT38(&d.Media[0]); got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// Descriptions of devices, as they send them in a re-INVITE, and our answers.
func TestOffersOfT38OnTheWire(t *testing.T) {
	in := func(tail ...string) []string {
		return append([]string{"v=0", "o=peer 7 2 IN IP4 192.0.2.2", "s=-"}, tail...)
	}
	for _, tt := range []struct {
		name   string
		offer  []string
		agreed string
		answer string
	}{
		{
			name: "a Cisco gateway: c= twice, FEC not claimed, fill bit removal by 0",
			offer: []string{"v=0", "o=CiscoSystemsSIP-GW-UserAgent 3124 8129 IN IP4 192.0.2.2", "s=SIP Call", "c=IN IP4 192.0.2.2", "t=0 0",
				"m=image 18806 udptl t38", "c=IN IP4 192.0.2.2", "a=T38FaxVersion:0", "a=T38MaxBitRate:14400", "a=T38FaxFillBitRemoval:0",
				"a=T38FaxTranscodingMMR:0", "a=T38FaxTranscodingJBIG:0", "a=T38FaxRateManagement:transferredTCF",
				"a=T38FaxMaxBuffer:200", "a=T38FaxMaxDatagram:320", "a=T38FaxUdpEC:t38UDPRedundancy"},
			agreed: "192.0.2.2:18806 v0 14400 buffer 200 datagram 320 ec 1 ",
			answer: "m=image 16384 udptl t38\na=T38FaxVersion:0\na=T38MaxBitRate:14400\na=T38FaxRateManagement:transferredTCF\na=T38FaxMaxDatagram:400\na=T38FaxUdpEC:t38UDPRedundancy",
		},
		{
			name: "an AudioCodes gateway: sound with port 0 in front, version 3 at 33600",
			offer: in("c=IN IP4 192.0.2.2", "t=0 0", "m=audio 0 RTP/AVP 8 101", "a=rtpmap:8 PCMA/8000", "m=image 6012 udptl t38",
				"a=T38FaxVersion:3", "a=T38MaxBitRate:33600", "a=T38FaxMaxBuffer:1024", "a=T38FaxMaxDatagram:560",
				"a=T38FaxRateManagement:transferredTCF", "a=T38FaxUdpEC:t38UDPRedundancy"),
			agreed: "192.0.2.2:6012 v0 14400 buffer 1024 datagram 560 ec 1 ",
			answer: "m=audio 0 RTP/AVP 8 101\nm=image 16384 udptl t38\na=T38FaxVersion:0\na=T38MaxBitRate:14400\na=T38FaxRateManagement:transferredTCF\na=T38FaxMaxDatagram:400\na=T38FaxUdpEC:t38UDPRedundancy",
		},
		{
			name: "Asterisk: in the place of sound, no blank but the needed, fill bit removal",
			offer: in("c=IN IP4 192.0.2.2", "t=0 0", "m=image 4302 udptl t38", "a=T38FaxVersion:0", "a=T38MaxBitRate:14400", "a=T38FaxFillBitRemoval",
				"a=T38FaxTranscodingMMR", "a=T38FaxRateManagement:transferredTCF", "a=T38FaxMaxDatagram:1393", "a=T38FaxUdpEC:t38UDPRedundancy"),
			agreed: "192.0.2.2:4302 v0 14400 buffer 0 datagram 1393 ec 1 fill mmr",
			answer: "m=image 16384 udptl t38" + ownImage,
		},
		{
			name: "FreeSWITCH: buffer 2000, datagram, a direction",
			offer: in("c=IN IP4 192.0.2.2", "t=0 0", "m=image 20334 udptl t38", "a=T38FaxVersion:0", "a=T38MaxBitRate:14400", "a=T38FaxFillBitRemoval",
				"a=T38FaxRateManagement:transferredTCF", "a=T38FaxMaxBuffer:2000", "a=T38FaxMaxDatagram:400", "a=T38FaxUdpEC:t38UDPRedundancy", "a=sendrecv"),
			agreed: "192.0.2.2:20334 v0 14400 buffer 2000 datagram 400 ec 1 fill",
			answer: "m=image 16384 udptl t38" + ownImage,
		},
		{
			name: "a German carrier: version 1, two corrections, a ptime",
			offer: in("c=IN IP4 192.0.2.2", "t=0 0", "m=image 18288 udptl t38", "a=T38FaxVersion:1", "a=T38MaxBitRate:14400", "a=T38FaxTranscodingMMR",
				"a=T38FaxTranscodingJBIG", "a=T38FaxRateManagement:transferredTCF", "a=T38FaxUdpEC:t38UDPRedundancy", "a=T38FaxUdpEC:t38UDPFEC",
				"a=T38FaxMaxDatagram:512", "a=sendrecv", "a=ptime:20"),
			agreed: "192.0.2.2:18288 v0 14400 buffer 0 datagram 512 ec 1 mmr jbig",
			answer: "m=image 16384 udptl t38\na=T38FaxVersion:0\na=T38MaxBitRate:14400\na=T38FaxRateManagement:transferredTCF\na=T38FaxMaxDatagram:400\na=T38FaxUdpEC:t38UDPRedundancy",
		},
		{
			name:   "next to nothing, its c= with the line, kind and transport in capitals",
			offer:  in("t=0 0", "m=IMAGE 4000 UDPTL T38", "c=IN IP4 192.0.2.9"),
			agreed: "192.0.2.9:4000 v0 14400 buffer 0 datagram 0 ec 1 ",
			answer: "m=IMAGE 16384 UDPTL t38\na=T38FaxVersion:0\na=T38MaxBitRate:14400\na=T38FaxRateManagement:transferredTCF\na=T38FaxMaxDatagram:400\na=T38FaxUdpEC:t38UDPRedundancy",
		},
		{
			name: "added beside sound, with a video and one over TCP in front",
			offer: in("c=IN IP4 192.0.2.2", "t=0 0", "m=audio 4000 RTP/AVP 0", "m=video 4002 RTP/AVP 31", "m=image 4004 tcp t38", "m=image 4006 udptl t38",
				"a=T38MaxBitRate:9600", "a=T38FaxUdpEC:t38UDPNoEC", "m=image 4008 udptl t38"),
			agreed: "192.0.2.2:4006 v0 9600 buffer 0 datagram 0 ec 0 ",
			answer: "m=audio 0 RTP/AVP 0\nm=video 0 RTP/AVP 31\nm=image 0 tcp t38\nm=image 16384 udptl t38\na=T38FaxVersion:0\na=T38MaxBitRate:9600\na=T38FaxRateManagement:transferredTCF\na=T38FaxMaxDatagram:400\na=T38FaxUdpEC:t38UDPNoEC\nm=image 0 udptl t38",
		},
		{
			name:   "held before it began",
			offer:  in("c=IN IP4 0.0.0.0", "t=0 0", "a=inactive", "m=image 4000 udptl t38", "a=T38FaxUdpEC:t38UDPFEC"),
			agreed: "invalid AddrPort v0 14400 buffer 0 datagram 0 ec 2 ",
			answer: "m=image 16384 udptl t38\na=T38FaxVersion:0\na=T38MaxBitRate:14400\na=T38FaxRateManagement:transferredTCF\na=T38FaxMaxDatagram:400\na=T38FaxUdpEC:t38UDPFEC",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := New(faxCapable(), here)
			must(t)(s.Answer(remoteOffer(t, 1, "m=audio 4000 RTP/AVP 0")))
			d, err := Parse(sdp(tt.offer...))
			if err != nil {
				t.Fatal(err)
			}
			answer := must(t)(s.Answer(d))
			if got := describeImage(s.Image()); got != tt.agreed || s.Audio() != nil || s.Mode() != Fax {
				t.Errorf("agreed %s (sound %v)\nwant   %s", got, s.Audio(), tt.agreed)
			}
			if got := media(answer); got != tt.answer {
				t.Errorf("answered\n%s\nwant\n%s", got, tt.answer)
			}
			if answer.Origin.Version != "2" {
				t.Errorf("version %s, want 2", answer.Origin.Version)
			}
			again := must(t)(s.Answer(over(t, d)))
			if string(again.Bytes()) != string(answer.Bytes()) {
				t.Errorf("a refresh is answered\n%s", again.Bytes())
			}
		})
	}
}

// Offers of T.38 that are refused, each with its Warning; the call keeps its sound.
func TestOffersOfT38Refused(t *testing.T) {
	for _, tt := range []struct {
		name    string
		offer   []string
		warning int
	}{
		{"over TCP", []string{"m=image 4000 tcp t38"}, 302},
		{"over RTP", []string{"m=image 4000 RTP/AVP 98", "a=rtpmap:98 t38/8000"}, 302},
		{"encrypted", []string{"m=image 4000 UDP/TLS/UDPTL t38"}, 302},
		{"another format", []string{"m=image 4000 udptl t37"}, 305},
		{"another family", []string{"m=image 4000 udptl t38", "c=IN IP6 2001:db8::9"}, 301},
		{"a name", []string{"m=image 4000 udptl t38", "c=IN IP4 fax.example"}, 301},
		{"many hosts", []string{"m=image 4000 udptl t38", "c=IN IP4 224.2.1.1"}, 330},
		{"our own address", []string{"m=image 16384 udptl t38", "c=IN IP4 192.0.2.1"}, 301},
		{"no stream in use", []string{"m=image 0 udptl t38", "m=audio 0 RTP/AVP 0"}, 304},
		{"a codec that is not ours, over TCP", []string{"m=audio 4000 RTP/AVP 18", "m=image 4000 tcp t38"}, 305},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := New(faxCapable(), here)
			must(t)(s.Answer(remoteOffer(t, 1, "m=audio 4000 RTP/AVP 0")))
			before := s.Audio()
			_, err := s.Answer(remoteOffer(t, 2, tt.offer...))
			var r *Refusal
			if !errors.As(err, &r) {
				t.Fatalf("error %v", err)
			}
			// The sound is preferred in the last case's first offer of both.
			if r.Warning != tt.warning && !(strings.Contains(tt.name, "codec") && r.Warning == warnTransport) {
				t.Errorf("warning %d (%s), want %d", r.Warning, r.Text, tt.warning)
			}
			if s.Audio() != before || s.Image() != nil {
				t.Error("the call is changed")
			}
		})
	}
	s := New(everything, here)
	if _, err := s.Answer(remoteOffer(t, 1, "m=image 4000 udptl t38")); !errors.Is(err, ErrNotAcceptable) {
		t.Errorf("without T.38: %v", err)
	}
}

// An INVITE with sound and T.38: one stream, by what this side prefers. What cannot be taken makes
// room for the other.
func TestSoundAndFaxInTheFirstOffer(t *testing.T) {
	both := []string{"m=audio 4000 RTP/AVP 0", "m=image 4002 udptl t38"}
	for _, tt := range []struct {
		mode  Mode
		offer []string
		want  Mode
	}{
		{Sound, both, Sound}, {FaxPreferred, both, Fax}, {Fax, both, Fax}, {SoundAndFax, both, Sound},
		{Sound, both[1:], Fax}, {FaxPreferred, both[:1], Sound},
		{Sound, []string{"m=audio 4000 RTP/AVP 18", both[1]}, Fax},
		{FaxPreferred, []string{both[0], "m=image 4002 tcp t38"}, Sound},
	} {
		s := New(faxCapable(), here)
		s.SetMode(tt.mode)
		d := remoteOffer(t, 1, tt.offer...)
		answer := must(t)(s.Answer(d))
		checkAnswer(t, d, answer, s)
		if s.Mode() != tt.want {
			t.Errorf("wanted %d, offered %q: %d, want %d", tt.mode, tt.offer, s.Mode(), tt.want)
		}
		if got := d.Mode(); tt.offer[0] == both[0] && len(tt.offer) == 2 && tt.offer[1] == both[1] && got != SoundAndFax {
			t.Errorf("%q is of %d", tt.offer, got)
		}
		// A refresh by the same description, and one that only looks new.
		for version := 1; version <= 2; version++ {
			if again := must(t)(s.Answer(remoteOffer(t, version, tt.offer...))); media(again) != media(answer) {
				t.Errorf("wanted %d, offered %q again: %s", tt.mode, tt.offer, media(again))
			}
		}
	}
}

// Our first INVITE with sound and T.38 beside each other: the peer takes both or either.
func TestWeOfferSoundAndFax(t *testing.T) {
	second := here
	second.UDPTL = netip.MustParseAddrPort("192.0.2.1:16386")
	const audio, image = "m=audio 4000 RTP/AVP 0", "m=image 4002 udptl t38"
	for _, tt := range []struct {
		answer []string
		mode   Mode
		err    error
	}{
		{[]string{audio, image}, SoundAndFax, nil},
		{[]string{audio, "m=image 0 udptl t38"}, Sound, nil},
		{[]string{audio}, Sound, nil},
		{[]string{"m=audio 0 RTP/AVP 0", image}, Fax, nil},
		{[]string{image}, Fax, nil},
		{[]string{image, audio}, SoundAndFax, nil},
		{[]string{"m=audio 0 RTP/AVP 0", "m=image 0 udptl t38"}, SoundAndFax, ErrNotAcceptable},
	} {
		s := New(faxCapable(), second)
		s.SetMode(SoundAndFax)
		d := must(t)(s.Offer())
		if got, want := media(d), ownAudio+"\nm=image 16386 udptl t38"+ownImage; got != want {
			t.Fatalf("offered\n%s\nwant\n%s", got, want)
		}
		err := s.TakeAnswer(remoteOffer(t, 1, tt.answer...))
		if !errors.Is(err, tt.err) || s.Mode() != tt.mode {
			t.Errorf("%q: %v, %d; want %d", tt.answer, err, s.Mode(), tt.mode)
		}
		if err != nil {
			continue
		}
		if i := s.Image(); i != nil && i.Local != second.UDPTL {
			t.Errorf("%q: T.38 at %v", tt.answer, i.Local)
		}
		// What the peer refused stays refused.
		if refresh := must(t)(s.Offer()); refresh.Mode() != tt.mode || len(refresh.Media) != 2 || (refresh.Origin.Version == "1") != (tt.mode == SoundAndFax) {
			t.Errorf("%q: a refresh of version %s\n%s", tt.answer, refresh.Origin.Version, media(refresh))
		}
		s.Revert()
		s.SetMode(Fax)
		d = must(t)(s.Offer())
		if tt.mode == Fax {
			if got := media(d); got != "m=audio 0 RTP/AVP 0 8 9 101\nm=image 16386 udptl t38"+ownImage {
				t.Errorf("%q, then a refresh:\n%s", tt.answer, got)
			}
			continue
		}
		want, port := "m=audio 0 RTP/AVP 0 8 9 101\nm=image %d udptl t38", second.UDPTL.Port()
		if tt.mode == Sound {
			port = second.RTP.Port() // nothing came of the second socket
		}
		if got := media(d); !strings.HasPrefix(got, fmt.Sprintf(want, port)) {
			t.Errorf("%q, then T.38 alone:\n%s", tt.answer, got)
		}
	}
	// Without a second socket, or a description before: sound alone.
	s := New(faxCapable(), here)
	s.SetMode(SoundAndFax)
	if d := must(t)(s.Offer()); media(d) != ownAudio {
		t.Errorf("offered\n%s", media(d))
	}
}

func TestOfferOfT38Alone(t *testing.T) {
	s := New(faxCapable(), here)
	s.SetMode(Fax)
	if got, want := media(must(t)(s.Offer())), "m=image 16384 udptl t38"+ownImage; got != want {
		t.Errorf("offered\n%s", got)
	}
	if err := s.TakeAnswer(remoteOffer(t, 1, "m=image 0 udptl t38")); !errors.Is(err, ErrNotAcceptable) || errors.Is(err, ErrFaxDeclined) {
		t.Errorf("refused: %v", err)
	}
	mapped := here
	mapped.UDPTL = netip.MustParseAddrPort("198.51.100.7:5000")
	s = New(faxCapable(), mapped)
	s.SetMode(SoundAndFax)
	if got := media(must(t)(s.Offer())); !strings.Contains(got, "m=image 5000 udptl t38\nc=IN IP4 198.51.100.7\n") {
		t.Errorf("offered\n%s", got)
	}
}

// The line changes its kind in place, and back; one of T.38 that the peer added is used again.
func TestSwitchAndBack(t *testing.T) {
	a, b := New(faxCapable(), here), New(faxCapable(), there)
	step := func(from, to *Session, mode Mode, kinds string) {
		t.Helper()
		from.SetMode(mode)
		offer, answer := reinvite(t, from, to)
		for _, d := range []*Description{offer, answer} {
			var got []string
			for _, m := range d.Media {
				got = append(got, fmt.Sprintf("%s %t", m.Kind, m.Port != 0))
			}
			if s := strings.Join(got, ", "); s != kinds {
				t.Errorf("described %s, want %s", s, kinds)
			}
		}
		for _, s := range []*Session{from, to} {
			if s.Mode() != mode || (s.Audio() != nil) != (mode == Sound) || (s.Image() != nil) != (mode == Fax) {
				t.Errorf("mode %d, sound %v, T.38 %v", s.Mode(), s.Audio(), s.Image())
			}
		}
	}
	step(a, b, Sound, "audio true")
	for range 2 {
		step(a, b, Fax, "image true")
		step(b, a, Fax, "image true") // a refresh
		step(b, a, Sound, "audio true")
		step(b, a, Fax, "image true")
		step(a, b, Sound, "audio true")
	}
	if i := a.Image(); i != nil {
		t.Errorf("T.38 %v", i)
	}

	s := New(faxCapable(), here)
	must(t)(s.Answer(remoteOffer(t, 1, "m=audio 4000 RTP/AVP 0")))
	must(t)(s.Answer(remoteOffer(t, 2, "m=audio 0 RTP/AVP 0", "m=image 4002 udptl t38")))
	s.SetMode(Sound)
	if got := media(must(t)(s.Offer())); got != ownAudio+"\nm=image 0 udptl t38" {
		t.Errorf("back to sound:\n%s", got)
	}
	if err := s.TakeAnswer(remoteOffer(t, 3, "m=audio 4000 RTP/AVP 0", "m=image 0 udptl t38")); err != nil {
		t.Fatal(err)
	}
	s.SetMode(Fax)
	if got := media(must(t)(s.Offer())); got != "m=audio 0 RTP/AVP 0 8 9 101\nm=image 16384 udptl t38"+ownImage {
		t.Errorf("to T.38 again:\n%s", got)
	}
}

// What an answer may say to an offer of T.38 in the place of sound.
func TestAnswersToAnOfferOfT38(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer []string
		agreed string // empty: declined
	}{
		{"taken", []string{"m=image 4002 udptl t38", "a=T38FaxVersion:0", "a=T38FaxFillBitRemoval"}, "192.0.2.2:4002 v0 14400 buffer 0 datagram 0 ec 1 fill"},
		{"a line more in front", []string{"m=audio 0 RTP/AVP 0", "m=image 4002 udptl t38"}, "192.0.2.2:4002 v0 14400 buffer 0 datagram 0 ec 1 "},
		{"sound beside it, which was not offered", []string{"m=image 4002 UDPTL T38", "m=audio 4000 RTP/AVP 0"}, "192.0.2.2:4002 v0 14400 buffer 0 datagram 0 ec 1 "},
		{"another correction, a lower rate, a version of its own", []string{"m=image 4002 udptl t38", "a=T38FaxVersion:3", "a=T38MaxBitRate:9600", "a=T38FaxUdpEC:t38UDPFEC"},
			"192.0.2.2:4002 v0 9600 buffer 0 datagram 0 ec 2 "},
		{"port 0", []string{"m=image 0 udptl t38"}, ""},
		{"port 0, and sound", []string{"m=image 0 udptl t38", "m=audio 4000 RTP/AVP 0"}, ""},
		{"sound in its place", []string{"m=audio 4000 RTP/AVP 0"}, ""},
		{"nothing", nil, ""},
		{"over TCP", []string{"m=image 4002 tcp t38"}, ""},
		{"another family", []string{"m=image 4002 udptl t38", "c=IN IP6 2001:db8::9"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := New(faxCapable(), here)
			must(t)(s.Answer(remoteOffer(t, 1, "m=audio 4000 RTP/AVP 8")))
			sound := s.Audio()
			s.SetMode(Fax)
			first := must(t)(s.Offer())
			err := s.TakeAnswer(remoteOffer(t, 1, tt.answer...)) // its o= version has not changed
			if tt.agreed != "" {
				if got := describeImage(s.Image()); err != nil || got != tt.agreed || s.Audio() != nil {
					t.Errorf("%v, agreed %s, want %s", err, got, tt.agreed)
				}
				return
			}
			if !errors.Is(err, ErrFaxDeclined) || s.Image() != nil || s.Audio() != sound || s.Mode() != Sound || s.Pending() {
				t.Fatalf("%v, T.38 %v, sound %v", err, s.Image(), s.Audio())
			}
			back := must(t)(s.Offer())
			if back.Origin.Version == first.Origin.Version || len(back.Media) > 2 || back.audioIndex() < 0 || back.imageIndex() >= 0 {
				t.Errorf("then offered\n%s", back.Bytes())
			}
			if err := s.TakeAnswer(remoteOffer(t, 2, "m=image 0 udptl t38", "m=audio 4008 RTP/AVP 8")); err != nil || s.Audio().Remote.Port() != 4008 {
				t.Errorf("sound again: %v, %v", err, s.Audio())
			}
		})
	}
}

// A refused offer of T.38 leaves sound, and a refused offer of sound leaves T.38.
func TestRefusedSwitch(t *testing.T) {
	s := New(faxCapable(), here)
	must(t)(s.Answer(remoteOffer(t, 1, "m=audio 4000 RTP/AVP 0")))
	s.SetMode(Fax)
	must(t)(s.Offer())
	s.Revert()
	if s.Mode() != Sound || s.Audio() == nil {
		t.Fatalf("mode %d", s.Mode())
	}
	if d := must(t)(s.Offer()); media(d) != media(s.Local()) || d.audioIndex() != 0 {
		t.Errorf("a refresh offers\n%s", media(d))
	}
	s.Revert()
	must(t)(s.Answer(remoteOffer(t, 2, "m=image 4002 udptl t38")))
	live := s.Local()
	s.SetMode(Sound)
	must(t)(s.Offer())
	s.Revert()
	if d := must(t)(s.Offer()); s.Mode() != Fax || string(d.Bytes()) != string(live.Bytes()) {
		t.Errorf("a refresh offers\n%s", d.Bytes())
	}
}

// In a fax every refresh is of the fax: our re-INVITE, the 2xx to one without an offer, the answer to
// theirs. A hold changes nothing, a new address is followed.
func TestRefreshesInAFax(t *testing.T) {
	s := New(faxCapable(), here)
	must(t)(s.Answer(remoteOffer(t, 1, "m=audio 4000 RTP/AVP 0")))
	const line = "m=image 4002 udptl t38"
	live := must(t)(s.Answer(remoteOffer(t, 2, line)))
	s.SetDirection(SendOnly) // somebody presses hold
	same := func(what string, d *Description) {
		t.Helper()
		if string(d.Bytes()) != string(live.Bytes()) {
			t.Errorf("%s:\n%s", what, d.Bytes())
		}
		if r := s.Image().Remote.String(); r != "192.0.2.2:4002" {
			t.Errorf("%s: T.38 goes to %s", what, r)
		}
	}
	same("a refresh of ours", must(t)(s.Offer()))
	if err := s.TakeAnswer(remoteOffer(t, 2, line)); err != nil {
		t.Fatal(err)
	}
	same("the 2xx to an INVITE without an offer", must(t)(s.OfferAll()))
	if err := s.TakeAnswer(remoteOffer(t, 3, line)); err != nil {
		t.Fatal(err)
	}
	for i, hold := range [][]string{{line, "a=sendonly"}, {"a=inactive", line}, {line, "c=IN IP4 0.0.0.0"}, {line, "a=inactive", "c=IN IP4 0.0.0.0"}, {line}} {
		same(strings.Join(hold, " "), must(t)(s.Answer(remoteOffer(t, 4+i, hold...))))
	}
	must(t)(s.Answer(remoteOffer(t, 20, "m=image 4010 udptl t38", "c=IN IP4 192.0.2.77")))
	if r := s.Image().Remote.String(); r != "192.0.2.77:4010" {
		t.Errorf("T.38 goes to %s", r)
	}
	s.SetLocal(Local{RTP: netip.MustParseAddrPort("198.51.100.1:30000")})
	d := must(t)(s.Offer())
	if got := media(d); !strings.HasPrefix(got, "m=image 30000 udptl t38") || d.Connection.Host != "198.51.100.1" || d.Origin.Address.Host != "192.0.2.1" {
		t.Errorf("after a move:\n%s", d.Bytes())
	}
}

// T.38 over IPv6.
func TestT38OverIPv6(t *testing.T) {
	s := New(faxCapable(), Local{RTP: netip.MustParseAddrPort("[2001:db8::1]:16384")})
	d, err := Parse(sdp("v=0", "o=peer 7 2 IN IP6 2001:db8::2", "s=-", "c=IN IP6 2001:db8::2", "t=0 0", "m=image 4000 udptl t38"))
	if err != nil {
		t.Fatal(err)
	}
	if answer := must(t)(s.Answer(d)); answer.Connection.Type != "IP6" || s.Image().Remote.String() != "[2001:db8::2]:4000" {
		t.Errorf("agreed %v\n%s", s.Image().Remote, answer.Bytes())
	}
}

// What is agreed is what both do; a peer that claims more does not make us claim it.
func TestAnswerClaimsWhatBothDo(t *testing.T) {
	caps := everything
	caps.T38 = &T38{Version: 3, MaxBitRate: 33600, MMR: true, MaxBuffer: 600, MaxDatagram: 300, EC: NoCorrection}
	s := New(caps, here)
	answer := must(t)(s.Answer(remoteOffer(t, 1, "m=image 4002 udptl t38", "a=T38FaxVersion:2", "a=T38MaxBitRate:9600", "a=T38FaxFillBitRemoval", "a=T38FaxTranscodingMMR",
		"a=T38FaxTranscodingJBIG", "a=T38FaxRateManagement:localTCF", "a=T38FaxUdpEC:t38UDPFEC")))
	want := "m=image 16384 udptl t38\na=T38FaxVersion:2\na=T38MaxBitRate:9600\na=T38FaxTranscodingMMR\na=T38FaxRateManagement:transferredTCF\na=T38FaxMaxBuffer:600\na=T38FaxMaxDatagram:300"
	if got := media(answer); got != want {
		t.Errorf("answered\n%s\nwant\n%s", got, want)
	}
	if i := s.Image(); i.Ours.EC != NoCorrection || i.Theirs.EC != FEC || i.Version != 2 || i.Local != here.RTP {
		t.Errorf("agreed %+v", i)
	}
}
