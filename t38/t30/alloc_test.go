package t30

import "testing"

// inPage is a receiver within a page and the sender of it, at rest on the clock.
func inPage(t testing.TB, ecm bool) (sender, receiver *Terminal) {
	doc, sink := textPages(1, 200000), &nullSink{}
	l := newLink(t, Config{Source: doc, ECM: ecm}, Config{Sink: sink, ECM: ecm})
	l.limit = 40 * SampleRate
	l.run()
	sender, receiver = l.ends[0].t, l.ends[1].t
	if k := sender.Sending().Kind; k != Image && k != ECM || receiver.Listening().Fast != k {
		t.Fatalf("after 40 s one sends %v, the other listens for %v", k, receiver.Listening().Fast)
	}
	return sender, receiver
}

type nullSink struct{}

func (*nullSink) Open(int, Format) (PageWriter, error) { return nullPage{}, nil }

type nullPage struct{}

func (nullPage) Write(p []byte) (int, error) { return len(p), nil }
func (nullPage) Close(bool) (Copy, error)    { return Copy{}, nil }

// block is what a front end does in 20 ms of a page.
func block(sender, receiver *Terminal, ecm bool, buf []byte, frame []byte) {
	for _, x := range [...]*Terminal{sender, receiver} {
		x.Advance(160)
		_, _ = x.Sending(), x.Listening()
		_, _ = x.Deadline()
	}
	if ecm {
		sender.NextFrame()
		receiver.Frame(ChannelFast, frame, true)
		return
	}
	receiver.Octets(buf[:sender.ReadOctets(buf)])
}

func TestBlocksOfAPageAllocateNothing(t *testing.T) {
	for _, ecm := range []bool{false, true} {
		sender, receiver := inPage(t, ecm)
		buf := make([]byte, 36)
		frame := append([]byte{Address, ControlMore, byte(FCD), 9}, make([]byte, 256)...)
		if n := testing.AllocsPerRun(500, func() { block(sender, receiver, ecm, buf, frame) }); n != 0 {
			t.Errorf("ECM %v: %v allocations in 20 ms", ecm, n)
		}
	}
}

func BenchmarkBlock(b *testing.B) {
	for _, ecm := range []bool{false, true} {
		name := "image"
		if ecm {
			name = "ECM"
		}
		b.Run(name, func(b *testing.B) {
			sender, receiver := inPage(b, ecm)
			buf := make([]byte, 36)
			frame := append([]byte{Address, ControlMore, byte(FCD), 9}, make([]byte, 256)...)
			b.ReportAllocs()
			for b.Loop() {
				block(sender, receiver, ecm, buf, frame)
			}
		})
	}
}
