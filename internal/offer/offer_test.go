package offer

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var (
	everything = Capabilities{Codecs: []Codec{PCMU, PCMA, G722}, Events: true, PtimeMS: 20}
	here       = Local{RTP: netip.MustParseAddrPort("192.0.2.1:16384")}
	there      = Local{RTP: netip.MustParseAddrPort("192.0.2.2:20000")}
)

func lines(d *Description) []string {
	return strings.Split(strings.TrimSuffix(string(d.Bytes()), "\r\n"), "\r\n")
}

// media returns the description from its first m= line on, as one string.
func media(d *Description) string {
	all := lines(d)
	for i, l := range all {
		if strings.HasPrefix(l, "m=") {
			return strings.Join(all[i:], "\n")
		}
	}
	return ""
}

// over sends a description over the wire.
func over(t testing.TB, d *Description) *Description {
	t.Helper()
	p, err := Parse(d.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func must(t testing.TB) func(*Description, error) *Description {
	return func(d *Description, err error) *Description {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
}

// remoteOffer is a peer's description with the given lines after its c=.
func remoteOffer(t testing.TB, version int, tail ...string) *Description {
	t.Helper()
	d, err := Parse(sdp(append([]string{"v=0", fmt.Sprintf("o=peer 7 %d IN IP4 192.0.2.2", version), "s=-", "c=IN IP4 192.0.2.2", "t=0 0"}, tail...)...))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestFirstOfferNamesEverything(t *testing.T) {
	d := must(t)(New(everything, here).Offer())
	want := `m=audio 16384 RTP/AVP 0 8 9 101
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:9 G722/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=ptime:20
a=sendrecv`
	if got := media(d); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if d.Connection.Host != "192.0.2.1" || d.Origin.Version != "1" || d.Origin.Address != d.Connection {
		t.Errorf("origin %+v connection %+v", d.Origin, d.Connection)
	}
}

func TestAddressKnownLater(t *testing.T) {
	s := New(everything, Local{})
	s.SetLocal(here)
	d := must(t)(s.Offer())
	if want := (Address{"IN", "IP4", "192.0.2.1"}); d.Origin.Address != want || d.Connection != want {
		t.Errorf("origin %+v, connection %+v", d.Origin, d.Connection)
	}
}

func TestOfferOfAMappedAddress(t *testing.T) {
	local := Local{RTP: netip.MustParseAddrPort("[2001:db8::1]:4000"), RTCP: netip.MustParseAddrPort("[2001:db8::2]:4003")}
	d := must(t)(New(Capabilities{Codecs: []Codec{PCMU}, PtimeMS: 30}, local).Offer())
	want := "m=audio 4000 RTP/AVP 0\na=rtpmap:0 PCMU/8000\na=ptime:30\na=sendrecv\na=rtcp:4003 IN IP6 2001:db8::2"
	if got := media(d); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if c := d.Connection; c != (Address{"IN", "IP6", "2001:db8::1"}) {
		t.Errorf("connection %+v", c)
	}
}

func TestAnswerToOffers(t *testing.T) {
	for _, tt := range []struct {
		name    string
		offer   []string // after c=
		media   string   // of the answer
		audio   string   // what was agreed
		warning int      // of a refusal; 0: accepted
	}{
		{
			name:  "the peer's first codec that we have",
			offer: []string{"m=audio 4000 RTP/AVP 18 8 0", "a=rtpmap:18 G729/8000"},
			media: "m=audio 16384 RTP/AVP 8\na=rtpmap:8 PCMA/8000\na=ptime:20\na=sendrecv",
			audio: "192.0.2.2:4000 rtcp 192.0.2.2:4001 PCMA 8 events -1 ptime 20 sendrecv",
		},
		{
			name:  "dynamic payload types of known codecs and events are the peer's",
			offer: []string{"m=audio 4000 RTP/AVP 97 96", "a=rtpmap:97 pcma/8000", "a=rtpmap:96 telephone-event/8000", "a=fmtp:96 0-15", "a=ptime:30"},
			media: "m=audio 16384 RTP/AVP 97 96\na=rtpmap:97 PCMA/8000\na=rtpmap:96 telephone-event/8000\na=fmtp:96 0-16\na=ptime:30\na=sendrecv",
			audio: "192.0.2.2:4000 rtcp 192.0.2.2:4001 PCMA 97 events 96 ptime 30 sendrecv",
		},
		{
			name:  "events of another clock are not ours; G.722 by its sampling rate",
			offer: []string{"m=audio 4000 RTP/AVP 9 100", "a=rtpmap:9 G722/16000", "a=rtpmap:100 telephone-event/48000"},
			media: "m=audio 16384 RTP/AVP 9\na=rtpmap:9 G722/8000\na=ptime:20\na=sendrecv",
			audio: "192.0.2.2:4000 rtcp 192.0.2.2:4001 G722 9 events -1 ptime 20 sendrecv",
		},
		{
			name:  "a static payload type mapped to something else, stereo, another rate",
			offer: []string{"m=audio 4000 RTP/AVP 0 96 97 8", "a=rtpmap:0 opus/48000/2", "a=rtpmap:96 PCMU/8000/2", "a=rtpmap:97 PCMU/16000"},
			media: "m=audio 16384 RTP/AVP 8\na=rtpmap:8 PCMA/8000\na=ptime:20\na=sendrecv",
			audio: "192.0.2.2:4000 rtcp 192.0.2.2:4001 PCMA 8 events -1 ptime 20 sendrecv",
		},
		{
			name:  "all lines answered in order, the refused with port 0",
			offer: []string{"m=video 4002 RTP/AVP 31 34", "a=sendonly", "m=audio 4000 RTP/SAVP 0", "a=crypto:1 x inline:y", "m=audio 4004 RTP/AVP 0", "m=audio 4006 RTP/AVP 0", "m=image 4008 udptl t38", "m=audio 0 RTP/AVP 0"},
			media: "m=video 0 RTP/AVP 31 34\nm=audio 0 RTP/SAVP 0\nm=audio 16384 RTP/AVP 0\na=rtpmap:0 PCMU/8000\na=ptime:20\na=sendrecv\nm=audio 0 RTP/AVP 0\nm=image 0 udptl t38\nm=audio 0 RTP/AVP 0",
			audio: "192.0.2.2:4004 rtcp 192.0.2.2:4005 PCMU 0 events -1 ptime 20 sendrecv",
		},
		{
			name:  "hold by sendonly",
			offer: []string{"m=audio 4000 RTP/AVP 0", "a=sendonly"},
			media: "m=audio 16384 RTP/AVP 0\na=rtpmap:0 PCMU/8000\na=ptime:20\na=recvonly",
			audio: "192.0.2.2:4000 rtcp 192.0.2.2:4001 PCMU 0 events -1 ptime 20 recvonly held",
		},
		{
			name:  "hold by inactive at session level",
			offer: []string{"a=inactive", "m=audio 4000 RTP/AVP 0"},
			media: "m=audio 16384 RTP/AVP 0\na=rtpmap:0 PCMU/8000\na=ptime:20\na=inactive",
			audio: "192.0.2.2:4000 rtcp 192.0.2.2:4001 PCMU 0 events -1 ptime 20 inactive held",
		},
		{
			name:  "hold by address 0.0.0.0",
			offer: []string{"m=audio 4000 RTP/AVP 0", "c=IN IP4 0.0.0.0"},
			media: "m=audio 16384 RTP/AVP 0\na=rtpmap:0 PCMU/8000\na=ptime:20\na=recvonly",
			audio: "invalid AddrPort rtcp invalid AddrPort PCMU 0 events -1 ptime 20 recvonly held",
		},
		{
			name:  "hold by a name in .invalid",
			offer: []string{"m=audio 4000 RTP/AVP 0", "c=IN IP6 hold.invalid"},
			media: "m=audio 16384 RTP/AVP 0\na=rtpmap:0 PCMU/8000\na=ptime:20\na=recvonly",
			audio: "invalid AddrPort rtcp invalid AddrPort PCMU 0 events -1 ptime 20 recvonly held",
		},
		{
			name:  "a name to be looked up",
			offer: []string{"m=audio 4000 RTP/AVP 0", "c=IN IP4 media.example"},
			media: "m=audio 16384 RTP/AVP 0\na=rtpmap:0 PCMU/8000\na=ptime:20\na=sendrecv",
			audio: "invalid AddrPort rtcp invalid AddrPort PCMU 0 events -1 ptime 20 sendrecv host media.example",
		},
		{
			name:  "RTCP elsewhere",
			offer: []string{"m=audio 4000 RTP/AVP 0", "a=rtcp:53020 IN IP4 126.16.64.4"},
			media: "m=audio 16384 RTP/AVP 0\na=rtpmap:0 PCMU/8000\na=ptime:20\na=sendrecv",
			audio: "192.0.2.2:4000 rtcp 126.16.64.4:53020 PCMU 0 events -1 ptime 20 sendrecv",
		},
		{
			name:  "packet times are kept within 10 to 40",
			offer: []string{"m=audio 4000 RTP/AVP 0", "a=ptime:60"},
			media: "m=audio 16384 RTP/AVP 0\na=rtpmap:0 PCMU/8000\na=ptime:40\na=sendrecv",
			audio: "192.0.2.2:4000 rtcp 192.0.2.2:4001 PCMU 0 events -1 ptime 40 sendrecv",
		},
		{name: "no media at all", warning: 304},
		{name: "every line refused by its offerer", offer: []string{"m=audio 0 RTP/AVP 0"}, warning: 304},
		{name: "no common codec", offer: []string{"m=audio 4000 RTP/AVP 18"}, warning: 305},
		{name: "events alone", offer: []string{"m=audio 4000 RTP/AVP 101", "a=rtpmap:101 telephone-event/8000"}, warning: 305},
		{name: "SRTP alone", offer: []string{"m=audio 4000 RTP/SAVP 0", "a=crypto:1 x inline:y"}, warning: 302},
		{name: "a fax alone", offer: []string{"m=image 4000 udptl t38"}, warning: 304},
		{name: "an address of an unknown type", offer: []string{"m=audio 4000 RTP/AVP 0", "c=IN IP9 x"}, warning: 301},
		{name: "an address of a family we do not send from", offer: []string{"m=audio 4000 RTP/AVP 0", "c=IN IP6 2001:db8::1"}, warning: 301},
		{
			name:  "RTCP where nobody is",
			offer: []string{"m=audio 4000 RTP/AVP 0", "a=rtcp:53020 IN IP4 255.255.255.255"},
			media: "m=audio 16384 RTP/AVP 0\na=rtpmap:0 PCMU/8000\na=ptime:20\na=sendrecv",
			audio: "192.0.2.2:4000 rtcp 192.0.2.2:53020 PCMU 0 events -1 ptime 20 sendrecv",
		},
		{
			name:  "another port of our own host",
			offer: []string{"m=audio 4000 RTP/AVP 0", "c=IN IP4 192.0.2.1"},
			media: "m=audio 16384 RTP/AVP 0\na=rtpmap:0 PCMU/8000\na=ptime:20\na=sendrecv",
			audio: "192.0.2.1:4000 rtcp 192.0.2.1:4001 PCMU 0 events -1 ptime 20 sendrecv",
		},
		{name: "our own address and port", offer: []string{"m=audio 16384 RTP/AVP 0", "c=IN IP4 192.0.2.1"}, warning: 301},
		{name: "our own address, and the port of our RTCP", offer: []string{"m=audio 16385 RTP/AVP 0", "c=IN IP4 192.0.2.1"}, warning: 301},
		{name: "RTCP to our own", offer: []string{"m=audio 4000 RTP/AVP 0", "a=rtcp:16385 IN IP4 192.0.2.1"}, warning: 301},
		{name: "everybody", offer: []string{"m=audio 4000 RTP/AVP 0", "c=IN IP4 255.255.255.255"}, warning: 301},
		{name: "a multicast address", offer: []string{"m=audio 4000 RTP/AVP 0", "c=IN IP4 224.2.36.42"}, warning: 330},
		{name: "a multicast address of IPv6", offer: []string{"m=audio 4000 RTP/AVP 0", "c=IN IP6 ff15::101"}, warning: 330},
		{name: "a multicast group", offer: []string{"m=audio 4000 RTP/AVP 0", "c=IN IP4 224.2.36.42/127"}, warning: 301},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := New(everything, here)
			offer := remoteOffer(t, 1, tt.offer...)
			answer, err := s.Answer(offer)
			var refused *Refusal
			if errors.As(err, &refused) != (tt.warning != 0) || err != nil && (!errors.Is(err, ErrNotAcceptable) || refused.Warning != tt.warning) {
				t.Fatalf("error %#v, want warning %d", err, tt.warning)
			}
			if err != nil {
				if s.Audio() != nil || s.Remote() != nil {
					t.Error("a refused offer changed the session")
				}
				return
			}
			if got := media(answer); got != tt.media {
				t.Errorf("answer\n%s\nwant\n%s", got, tt.media)
			}
			if got := describeAudio(s.Audio()); got != tt.audio {
				t.Errorf("agreed %s\nwant   %s", got, tt.audio)
			}
		})
	}
}

func describeAudio(a *Audio) string {
	if a == nil {
		return "none"
	}
	remote := a.Remote.String()
	s := fmt.Sprintf("%s rtcp %v %v %d events %d ptime %d %v", remote, a.RTCP, a.Send.Codec, a.Send.PayloadType, a.EventSend, a.PtimeMS, a.Direction)
	if a.Held {
		s += " held"
	}
	if a.Host != "" {
		s += " host " + a.Host
	}
	return s
}

func TestPacketTime(t *testing.T) {
	for _, tt := range []struct{ ptime, maxptime, own, want int }{
		{0, 0, 20, 20}, {30, 0, 20, 30}, {20, 0, 40, 20}, {25, 0, 20, 20}, {5, 0, 20, 10},
		{100, 0, 20, 40}, {0, 10, 30, 10}, {40, 25, 20, 20}, {0, 5, 20, 10}, {20, 150, 20, 20},
	} {
		if got := packetTime(tt.ptime, tt.maxptime, tt.own); got != tt.want {
			t.Errorf("ptime %d, maxptime %d, own %d: got %d, want %d", tt.ptime, tt.maxptime, tt.own, got, tt.want)
		}
	}
}

func TestAnswersToOurOffer(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer []string
		audio  string
		err    error
	}{
		{"one codec", []string{"m=audio 4000 RTP/AVP 8 101", "a=rtpmap:101 telephone-event/8000"},
			"192.0.2.2:4000 rtcp 192.0.2.2:4001 PCMA 8 events 101 ptime 20 sendrecv", nil},
		{"several codecs: the first", []string{"m=audio 4000 RTP/AVP 9 0"},
			"192.0.2.2:4000 rtcp 192.0.2.2:4001 G722 9 events -1 ptime 20 sendrecv", nil},
		{"payload types of the peer's own", []string{"m=audio 4000 RTP/AVP 98 97", "a=rtpmap:98 PCMU/8000", "a=rtpmap:97 telephone-event/8000"},
			"192.0.2.2:4000 rtcp 192.0.2.2:4001 PCMU 98 events 97 ptime 20 sendrecv", nil},
		{"more lines than were offered", []string{"m=audio 4000 RTP/AVP 0", "m=video 4002 RTP/AVP 31"},
			"192.0.2.2:4000 rtcp 192.0.2.2:4001 PCMU 0 events -1 ptime 20 sendrecv", nil},
		{"no ptime, maxptime 10", []string{"m=audio 4000 RTP/AVP 0", "a=maxptime:10"},
			"192.0.2.2:4000 rtcp 192.0.2.2:4001 PCMU 0 events -1 ptime 10 sendrecv", nil},
		{"refused", []string{"m=audio 0 RTP/AVP 0"}, "", ErrNotAcceptable},
		{"no line", nil, "", ErrNotAcceptable},
		{"another kind", []string{"m=image 4000 udptl t38"}, "", ErrNotAcceptable},
		{"another transport", []string{"m=audio 4000 RTP/SAVP 0"}, "", ErrNotAcceptable},
		{"everybody's address", []string{"m=audio 4000 RTP/AVP 0", "c=IN IP4 255.255.255.255"}, "", ErrNotAcceptable},
		{"an address of a family that we do not send from", []string{"m=audio 4000 RTP/AVP 0", "c=IN IP6 2001:db8::1"}, "", ErrNotAcceptable},
		{"RTCP at such an address", []string{"m=audio 4000 RTP/AVP 0", "a=rtcp:53020 IN IP6 2001:db8::1"},
			"192.0.2.2:4000 rtcp 192.0.2.2:53020 PCMU 0 events -1 ptime 20 sendrecv", nil},
		{"our own offer", []string{"m=audio 16384 RTP/AVP 0", "c=IN IP4 192.0.2.1"}, "", ErrNotAcceptable},
		{"a codec that was not offered", []string{"m=audio 4000 RTP/AVP 18"}, "", ErrNotAcceptable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := New(everything, here)
			must(t)(s.Offer())
			err := s.TakeAnswer(remoteOffer(t, 1, tt.answer...))
			if !errors.Is(err, tt.err) || tt.err == nil && err != nil {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if s.Pending() {
				t.Error("still pending")
			}
			if err != nil {
				return
			}
			if got := describeAudio(s.Audio()); got != tt.audio {
				t.Errorf("agreed %s\nwant   %s", got, tt.audio)
			}
			if got := len(s.Audio().Receive); got != 3 {
				t.Errorf("%d formats may come in, want the 3 that were offered", got)
			}
		})
	}
}

func TestEventsReceivedByOurPayloadTypeAndSentByThePeers(t *testing.T) {
	s := New(everything, here)
	must(t)(s.Offer())
	if err := s.TakeAnswer(remoteOffer(t, 1, "m=audio 4000 RTP/AVP 0 96", "a=rtpmap:96 telephone-event/8000")); err != nil {
		t.Fatal(err)
	}
	if a := s.Audio(); a.EventSend != 96 || a.EventReceive != 101 {
		t.Errorf("send %d, receive %d; want 96, 101", a.EventSend, a.EventReceive)
	}
}

// connect lets a call b and returns both sessions with the offer and the answer.
func connect(t testing.TB) (a, b *Session, offer, answer *Description) {
	a, b = New(everything, here), New(everything, there)
	offer = must(t)(a.Offer())
	answer = must(t)(b.Answer(over(t, offer)))
	if err := a.TakeAnswer(over(t, answer)); err != nil {
		t.Fatal(err)
	}
	return a, b, offer, answer
}

// reinvite lets from offer its session anew to to.
func reinvite(t testing.TB, from, to *Session) (offer, answer *Description) {
	t.Helper()
	offer = must(t)(from.Offer())
	answer = must(t)(to.Answer(over(t, offer)))
	if err := from.TakeAnswer(over(t, answer)); err != nil {
		t.Fatal(err)
	}
	return offer, answer
}

func TestHoldAndResumeInBothDirections(t *testing.T) {
	a, b, _, _ := connect(t)
	step := func(name string, from, to *Session, wantOffer, wantAnswer string) {
		t.Helper()
		offer, answer := reinvite(t, from, to)
		if o, an := offer.Direction(0).String(), answer.Direction(0).String(); o != wantOffer || an != wantAnswer {
			t.Errorf("%s: offered %s, answered %s; want %s, %s", name, o, an, wantOffer, wantAnswer)
		}
		if from.Audio().Direction != to.Audio().Direction.Reverse() {
			t.Errorf("%s: one side %v, the other %v", name, from.Audio().Direction, to.Audio().Direction)
		}
	}
	a.SetDirection(SendOnly)
	step("a holds", a, b, "sendonly", "recvonly")
	if !b.Audio().Held || a.Audio().Held {
		t.Error("b is held and a is not")
	}
	b.SetDirection(SendOnly)
	step("b holds too", b, a, "inactive", "inactive")
	a.SetDirection(SendRecv)
	step("a resumes, b still holds", a, b, "sendrecv", "sendonly")
	step("b refreshes, still holding", b, a, "sendonly", "recvonly")
	b.SetDirection(SendRecv)
	step("b resumes", b, a, "sendrecv", "sendrecv")
	b.SetDirection(Inactive)
	step("b holds without music", b, a, "inactive", "inactive")
	b.SetDirection(SendRecv)
	step("b resumes again", b, a, "sendrecv", "sendrecv")
}

func TestVersionGrowsWithChangesAlone(t *testing.T) {
	a, b, offer, answer := connect(t)
	offer2, answer2 := reinvite(t, a, b)
	if string(offer2.Bytes()) != string(offer.Bytes()) || string(answer2.Bytes()) != string(answer.Bytes()) {
		t.Errorf("a refresh changed\n%s\n%s\nto\n%s\n%s", offer.Bytes(), answer.Bytes(), offer2.Bytes(), answer2.Bytes())
	}
	// The one who answered refreshes: its offer is its answer, and it gets the first offer back.
	offer3, answer3 := reinvite(t, b, a)
	if string(offer3.Bytes()) != string(answer.Bytes()) || string(answer3.Bytes()) != string(offer.Bytes()) {
		t.Errorf("a refresh by the other side: offered\n%s\nanswered\n%s", offer3.Bytes(), answer3.Bytes())
	}
	a.SetDirection(SendOnly)
	held, _ := reinvite(t, a, b)
	if held.Origin.Version != "2" || held.Origin.ID != offer.Origin.ID {
		t.Errorf("origin of the hold %+v", held.Origin)
	}
	a.SetDirection(SendRecv)
	if resumed, _ := reinvite(t, a, b); resumed.Origin.Version != "3" {
		t.Errorf("version of the resume %s, want 3", resumed.Origin.Version)
	}
	moved := here
	moved.RTP = netip.MustParseAddrPort("198.51.100.9:16390")
	a.SetLocal(moved)
	d, _ := reinvite(t, a, b)
	if d.Origin.Version != "4" || d.Origin.Address.Host != "192.0.2.1" || d.Connection.Host != "198.51.100.9" {
		t.Errorf("after a move: origin %+v, connection %+v", d.Origin, d.Connection)
	}
	if got := b.Audio().Remote; got != moved.RTP {
		t.Errorf("b sends to %v, want %v", got, moved.RTP)
	}
}

func TestRefusedOfferLeavesTheSessionAsItWas(t *testing.T) {
	a, b, offer, _ := connect(t)
	a.SetDirection(SendOnly)
	refused := must(t)(a.Offer())
	if _, err := a.Offer(); !errors.Is(err, ErrPending) {
		t.Errorf("a second offer: %v, want %v", err, ErrPending)
	}
	if _, err := a.Answer(remoteOffer(t, 2, "m=audio 4000 RTP/AVP 0")); !errors.Is(err, ErrPending) {
		t.Errorf("an offer that crosses ours: %v, want %v", err, ErrPending)
	}
	a.Revert()
	if a.Pending() || a.Audio().Direction != SendRecv {
		t.Errorf("pending %v, direction %v", a.Pending(), a.Audio().Direction)
	}
	a.SetDirection(SendRecv)
	again, _ := reinvite(t, a, b)
	if again.Origin.Version != offer.Origin.Version {
		t.Errorf("the session in force has version %s, want %s", again.Origin.Version, offer.Origin.Version)
	}
	a.SetDirection(Inactive)
	if next := must(t)(a.Offer()); next.Origin.Version != "3" {
		t.Errorf("version after the refused %s is %s, want 3", refused.Origin.Version, next.Origin.Version)
	}
}

func TestAnswerReplacedByALaterOne(t *testing.T) {
	s := New(everything, here)
	must(t)(s.Offer())
	early := remoteOffer(t, 1, "m=audio 4000 RTP/AVP 0")
	if err := s.TakeAnswer(early); err != nil {
		t.Fatal(err)
	}
	if err := s.TakeAnswer(early); err != nil || s.Audio().Remote.Port() != 4000 {
		t.Errorf("the 2xx repeats the 1xx: %v, %v", err, s.Audio())
	}
	if err := s.TakeAnswer(remoteOffer(t, 2, "m=audio 5000 RTP/AVP 8")); err != nil {
		t.Fatal(err)
	}
	if a := s.Audio(); a.Remote.Port() != 5000 || a.Send.Codec != PCMA {
		t.Errorf("the 2xx replaces the 1xx: %s", describeAudio(a))
	}
}

func TestForksAreAnsweredApart(t *testing.T) {
	first := New(everything, here)
	must(t)(first.Offer())
	second := first.Fork()
	if err := first.TakeAnswer(remoteOffer(t, 1, "m=audio 4000 RTP/AVP 0")); err != nil {
		t.Fatal(err)
	}
	if err := second.TakeAnswer(remoteOffer(t, 1, "m=audio 5000 RTP/AVP 8")); err != nil {
		t.Fatal(err)
	}
	if first.Audio().Remote.Port() != 4000 || second.Audio().Remote.Port() != 5000 {
		t.Errorf("first %s, second %s", describeAudio(first.Audio()), describeAudio(second.Audio()))
	}
}

func TestAnswerWithoutOffer(t *testing.T) {
	s := New(everything, here)
	answer := remoteOffer(t, 1, "m=audio 4000 RTP/AVP 0")
	if err := s.TakeAnswer(answer); !errors.Is(err, ErrNoOffer) {
		t.Errorf("got %v, want %v", err, ErrNoOffer)
	}
	if _, err := s.Answer(answer); err != nil {
		t.Fatal(err)
	}
	if err := s.TakeAnswer(answer); err != nil {
		t.Errorf("a body that repeats what is in force: %v", err)
	}
	if err := s.TakeAnswer(remoteOffer(t, 2, "m=audio 4002 RTP/AVP 0")); !errors.Is(err, ErrNoOffer) {
		t.Errorf("got %v, want %v", err, ErrNoOffer)
	}
}

func TestInviteWithoutOfferInACall(t *testing.T) {
	a, b, _, _ := connect(t)
	// b was answered with one codec; asked for an offer, it names all again in the same line.
	d := must(t)(b.OfferAll())
	if got := len(d.Media[0].Formats); got != 4 || len(d.Media) != 1 {
		t.Errorf("offered %d formats in %d lines", got, len(d.Media))
	}
	if err := b.TakeAnswer(over(t, must(t)(a.Answer(over(t, d))))); err != nil {
		t.Fatal(err)
	}
	if b.Audio().Direction != SendRecv {
		t.Errorf("direction %v", b.Audio().Direction)
	}
}

func TestLinesStayInPlace(t *testing.T) {
	s := New(everything, here)
	first := remoteOffer(t, 1, "m=video 4002 RTP/AVP 31", "m=audio 4000 RTP/AVP 97 96", "a=rtpmap:97 PCMA/8000", "a=rtpmap:96 telephone-event/8000", "m=image 0 udptl t38")
	must(t)(s.Answer(first))
	for name, offer := range map[string]func() (*Description, error){"as it is": s.Offer, "of everything": s.OfferAll} {
		d := must(t)(offer())
		var kinds []string
		for _, m := range d.Media {
			kinds = append(kinds, fmt.Sprintf("%s %v", m.Kind, m.Port != 0))
		}
		if got := strings.Join(kinds, ", "); got != "video false, audio true, image false" {
			t.Errorf("offer %s: %s", name, got)
		}
		// RFC 3264 section 8.3.2: a payload type keeps its meaning.
		if e := ownFormats(&d.Media[1]).event; e != 96 {
			t.Errorf("offer %s: events by %d, want 96", name, e)
		}
		s.Revert()
	}
}

func TestEventPayloadTypeAvoidsThePeersOthers(t *testing.T) {
	s := New(everything, here)
	must(t)(s.Answer(remoteOffer(t, 1, "m=audio 4000 RTP/AVP 101 0", "a=rtpmap:101 opus/48000/2")))
	d := must(t)(s.OfferAll())
	if e := ownFormats(&d.Media[0]).event; e != 102 {
		t.Errorf("events by %d, want 102", e)
	}
}

func TestUnacceptableReofferLeavesTheCall(t *testing.T) {
	for _, again := range [][]string{
		{"m=audio 0 RTP/AVP 0", "m=image 4002 udptl t38"},
		{"m=audio 0 RTP/AVP 0"},
		{"m=audio 4000 RTP/AVP 18"},
		nil,
	} {
		s := New(everything, here)
		answer := must(t)(s.Answer(remoteOffer(t, 1, "m=audio 4000 RTP/AVP 0")))
		if _, err := s.Answer(remoteOffer(t, 2, again...)); !errors.Is(err, ErrNotAcceptable) {
			t.Fatalf("%q: got %v, want %v", again, err, ErrNotAcceptable)
		}
		if a := s.Audio(); a == nil || a.Remote.Port() != 4000 || s.Local() != answer {
			t.Errorf("%q: audio %s", again, describeAudio(a))
		}
	}
}

func TestCodecChangeInACall(t *testing.T) {
	s := New(everything, here)
	must(t)(s.Answer(remoteOffer(t, 1, "m=audio 4000 RTP/AVP 9 0")))
	d := must(t)(s.Answer(remoteOffer(t, 2, "m=audio 4000 RTP/AVP 0")))
	if s.Audio().Send.Codec != PCMU || d.Origin.Version != "2" {
		t.Errorf("%s, version %s", describeAudio(s.Audio()), d.Origin.Version)
	}
}

// checkPair holds what two sides believe to be agreed against one another: one stream, the same.
func checkPair(t *rapid.T, from, to *Session) {
	if (from.Audio() == nil) != (to.Audio() == nil) || (from.Image() == nil) != (to.Image() == nil) || from.Mode() != to.Mode() {
		t.Fatalf("one side has sound %v, T.38 %v, the other %v, %v", from.Audio(), from.Image(), to.Audio(), to.Image())
	}
	i, j := from.Image(), to.Image()
	if (i == nil) == (from.Audio() == nil) {
		t.Fatalf("sound %v and T.38 %v", from.Audio(), i)
	}
	if i != nil && (i.Remote != j.Local || i.Local != j.Remote || i.Ours != j.Theirs || i.Theirs != j.Ours || i.Version != j.Version || i.MaxBitRate != j.MaxBitRate) {
		t.Fatalf("one side %+v, the other %+v", i, j)
	}
}

// TestNegotiationModel lets two sides do anything a call may do with its media, in any
// order, and holds every exchange against RFC 3264.
func TestNegotiationModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		caps := func(name string) Capabilities {
			return Capabilities{
				Codecs:  rapid.SliceOfNDistinct(rapid.SampledFrom([]Codec{PCMU, PCMA, G722}), 1, 3, rapid.ID[Codec]).Draw(t, name),
				Events:  rapid.Bool().Draw(t, name+" events"),
				PtimeMS: 10 * rapid.IntRange(1, 4).Draw(t, name+" ptime"),
				T38:     rapid.SampledFrom([]*T38{nil, ours, {Version: 3, MaxBitRate: 9600, MMR: true, EC: FEC}}).Draw(t, name+" T.38"),
			}
		}
		second := func(l Local) Local {
			if rapid.Bool().Draw(t, "second socket") {
				l.UDPTL = netip.AddrPortFrom(l.RTP.Addr(), l.RTP.Port()+2)
			}
			return l
		}
		sides := [2]*Session{New(caps("a"), second(here)), New(caps("b"), second(there))}
		last := [2]*Description{}
		sent := func(i int, d *Description) {
			if p := last[i]; p != nil && (equal(p, d) != (p.Origin.Version == d.Origin.Version)) {
				if d != sides[i].Local() || len(p.Media) > len(d.Media) {
					t.Fatalf("side %d: version %s to %s between\n%s\n%s", i, p.Origin.Version, d.Origin.Version, p.Bytes(), d.Bytes())
				}
			}
			last[i] = d
		}
		parse := func(d *Description) *Description {
			p, err := Parse(d.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			i := rapid.IntRange(0, 1).Draw(t, "side")
			from, to := sides[i], sides[1-i]
			from.SetDirection(rapid.SampledFrom([]Direction{SendRecv, SendOnly, Inactive}).Draw(t, "wanted"))
			if rapid.Bool().Draw(t, "media") {
				from.SetMode(rapid.SampledFrom([]Mode{Sound, Fax, SoundAndFax, FaxPreferred}).Draw(t, "mode"))
			}
			make := from.Offer
			if rapid.IntRange(0, 3).Draw(t, "all") == 0 {
				make = from.OfferAll
			}
			offer, err := make()
			if err != nil {
				t.Fatal(err)
			}
			before := from.before
			if rapid.IntRange(0, 4).Draw(t, "lost") == 0 {
				from.Revert()
				if from.Audio() != before.audio || from.Image() != before.image || from.Pending() {
					t.Fatal("a refused offer left a trace")
				}
				continue
			}
			sent(i, offer)
			answer, err := to.Answer(parse(offer))
			if err != nil {
				from.Revert()
				if !errors.Is(err, ErrNotAcceptable) {
					t.Fatal(err)
				}
				continue
			}
			sent(1-i, answer)
			if err := from.TakeAnswer(parse(answer)); err != nil {
				t.Fatalf("offer\n%s\nanswer\n%s\n%v", offer.Bytes(), answer.Bytes(), err)
			}
			checkPair(t, from, to)
			a, b := from.Audio(), to.Audio()
			if a == nil {
				continue
			}
			if a.Direction != b.Direction.Reverse() || a.Send.Codec != b.Send.Codec || a.EventSend != b.EventReceive || b.EventSend != a.EventReceive {
				t.Fatalf("one side %+v, the other %+v, offer\n%s\nanswer\n%s", a, b, offer.Bytes(), answer.Bytes())
			}
			if a.Direction.CanReceive() && from.want != SendRecv || b.Direction.CanReceive() && to.want != SendRecv {
				t.Fatalf("a side that holds hears: %v %v, %v %v", from.want, a.Direction, to.want, b.Direction)
			}
		}
	})
}
