package lockstep

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
	"time"
)

// A counter says its tick's number in every sample and remembers what it heard. It
// hangs up after so many ticks.
type counter struct {
	ticks, after int
	heard        []int16
}

func (e *counter) Exchange(in, out []int16) error {
	if e.ticks == e.after {
		return io.EOF
	}
	e.ticks++
	e.heard = append(e.heard, in[0])
	for i := range out {
		out[i] = int16(e.ticks)
	}
	return nil
}

func TestALineTakesOneTickEachWay(t *testing.T) {
	a, b := &counter{after: 3}, &counter{after: 5}
	var c Call
	c.Line(c.Machine("a", a), c.Machine("b", b), nil, nil)
	if err := c.Run(time.Second); err != nil {
		t.Fatal(err)
	}
	// Both start in silence; b hears it again once a has hung up.
	if want := []int16{0, 1, 2}; !slices.Equal(a.heard, want) {
		t.Errorf("a heard %v, want %v", a.heard, want)
	}
	if want := []int16{0, 1, 2, 3, 0}; !slices.Equal(b.heard, want) {
		t.Errorf("b heard %v, want %v", b.heard, want)
	}
}

func TestRunEndsAtTheLimit(t *testing.T) {
	var c Call
	c.Line(c.Machine("a", &counter{after: 1}), c.Machine("b", &counter{after: 1000}), nil, nil)
	if err := c.Run(time.Second); !errors.Is(err, ErrLimit) || c.Now() != time.Second {
		t.Errorf("after %v: %v, want ErrLimit after 1s", c.Now(), err)
	}
}

// shrinking loses one sample in a tick.
type shrinking struct{}

func (shrinking) Append(out, in []int16) []int16 { return append(out, in[1:]...) }

func TestALineThatRunsDryIsAnError(t *testing.T) {
	var c Call
	c.Line(c.Machine("a", &counter{after: 2000}), c.Machine("b", &counter{after: 2000}), shrinking{}, nil)
	if err := c.Run(time.Minute); err == nil || errors.Is(err, ErrLimit) {
		t.Errorf("got %v, want the line to run dry", err)
	}
}

// A talker sends one numbered packet in a tick and remembers what came when.
type talker struct {
	ticks, after int
	copies       int
	got          []byte
	at           []int
}

func (e *talker) Exchange(in []Packet) ([]Packet, error) {
	if e.ticks == e.after {
		return nil, io.EOF
	}
	for _, p := range in {
		e.got = append(e.got, p.Octets[0])
		e.at = append(e.at, e.ticks)
	}
	e.ticks++
	return []Packet{{Seq: uint16(e.ticks), Copies: e.copies, Octets: []byte{byte(e.ticks)}}}, nil
}

// across lets a talk to b for so many ticks and returns b.
func across(t *testing.T, ticks, copies int, n Network) *talker {
	t.Helper()
	a, b := &talker{after: ticks, copies: copies}, &talker{after: ticks}
	var c Call
	c.Network(c.Terminal("a", a), c.Terminal("b", b), n, Network{})
	if err := c.Run(time.Hour); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAPerfectNetwork(t *testing.T) {
	b := across(t, 5, 1, Network{})
	if want := []byte{1, 2, 3, 4}; !bytes.Equal(b.got, want) {
		t.Errorf("got packets %v, want %v", b.got, want)
	}
	if want := []int{1, 2, 3, 4}; !slices.Equal(b.at, want) {
		t.Errorf("they came in ticks %v, want %v", b.at, want)
	}
}

func TestDelayCopiesAndDrop(t *testing.T) {
	sent := 0
	b := across(t, 6, 2, Network{
		Delay: 40 * time.Millisecond,
		Drop:  func(n int, octets []byte) bool { return n == 3 }, // the second copy of packet 2
		Tap:   func(time.Duration, []byte) { sent++ },
	})
	if want := []byte{1, 1, 2, 3, 3}; !bytes.Equal(b.got, want) {
		t.Errorf("got packets %v, want %v", b.got, want)
	}
	if want := []int{3, 3, 4, 5, 5}; !slices.Equal(b.at, want) {
		t.Errorf("they came in ticks %v, want %v", b.at, want)
	}
	if sent != 12 {
		t.Errorf("%d packets were seen to be sent, want 12", sent)
	}
}

func TestLossComesInBurstsAndIsRepeatable(t *testing.T) {
	n := Network{Loss: 0.02, Burst: 3, Seed: 7}
	first, again := across(t, 255, 1, n), across(t, 255, 1, n)
	if !bytes.Equal(first.got, again.got) {
		t.Error("the same seed lost other packets")
	}
	lost := 254 - len(first.got)
	if lost == 0 || lost%3 != 0 {
		t.Errorf("%d packets lost, want whole bursts of 3", lost)
	}
}

func TestReorderAndDuplicate(t *testing.T) {
	b := across(t, 250, 1, Network{Reorder: 0.1, Duplicate: 0.1, Seed: 3})
	if slices.IsSorted(b.got) {
		t.Error("the packets came in order")
	}
	all := slices.Clone(b.got)
	slices.Sort(all)
	if distinct := len(slices.Compact(all)); distinct < 245 || len(b.got) <= distinct {
		t.Errorf("%d packets came, %d of them different, of 250", len(b.got), distinct)
	}
}

func TestStreamEnds(t *testing.T) {
	r, w := io.Pipe()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	s := NewStream(r, io.Discard)
	if err := s.Machine().Exchange(make([]int16, Tick), make([]int16, Tick)); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want io.EOF", err)
	}
}

func TestStreamsSpeakToEachOther(t *testing.T) {
	// What a gateway's stream writes, it can read: the two directions are the same.
	var there bytes.Buffer
	packets := []Packet{{Seq: 65535, Copies: 3, Depth: 2, Octets: []byte{0x06}}, {Seq: 0, Copies: 1, Octets: bytes.Repeat([]byte{0xFF}, 300)}}
	samples := make([]int16, Tick)
	samples[0], samples[Tick-1] = -32768, 32767
	out := NewStream(bytes.NewReader(nil), &there)
	_, _ = out.Gateway().Exchange(samples, make([]int16, Tick), packets)

	heard := make([]int16, Tick)
	got, err := NewStream(&there, io.Discard).Gateway().Exchange(make([]int16, Tick), heard, nil)
	if err != nil || !slices.Equal(heard, samples) {
		t.Fatalf("heard %v, %v", heard, err)
	}
	same := func(p, q Packet) bool {
		return p.Seq == q.Seq && p.Copies == q.Copies && p.Depth == q.Depth && bytes.Equal(p.Octets, q.Octets)
	}
	if !slices.EqualFunc(got, packets, same) {
		t.Errorf("got %v, want %v", got, packets)
	}
}
