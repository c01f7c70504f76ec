package faxcard

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"testing"

	"tipring/tools/peers/audio"
)

// An exchange is a telephone exchange with two ports in the agent's place, in lock step
// with both cards: dial tone, ringing, sound across; or busy tone.
type exchange struct {
	t     *testing.T
	busy  bool
	cards [2]*card
	tick  int
	dial  audio.Tone
	tone  audio.Tone // busy
	ring  int        // tick when the bell began; 0: not yet
	keys  int        // ticks with sound of the caller, before the answer
}

type card struct {
	conn    net.Conn
	offHook bool
	says    []int16
	heard   bool // a frame of AUDIO in this tick
}

func newExchange(t *testing.T) (*exchange, [2]string) {
	t.Helper()
	x := &exchange{t: t, dial: audio.Tone{Freqs: []float64{350, 440}, DBm0: -16}, tone: audio.Tone{Freqs: []float64{480, 620}, DBm0: -24}}
	var addresses [2]string
	var listeners [2]net.Listener
	for i := range listeners {
		path := fmt.Sprintf("%s/p%d", t.TempDir(), i)
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		listeners[i], addresses[i] = l, "unix:"+path
	}
	go x.run(listeners)
	return x, addresses
}

func (x *exchange) run(listeners [2]net.Listener) {
	for i, l := range listeners {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		x.cards[i] = &card{conn: conn}
		if kind, _ := x.read(x.cards[i]); kind != 6 {
			x.t.Errorf("the card begins with a frame of type %d, want HELLO", kind)
		}
		x.write(x.cards[i], 6, []byte(`{"protocol":1,"port":1,"kind":"fax"}`))
	}
	for x.step() {
		x.tick++
	}
}

func (x *exchange) read(c *card) (kind byte, payload []byte) {
	var head [3]byte
	if _, err := io.ReadFull(c.conn, head[:]); err != nil {
		return 0, nil
	}
	payload = make([]byte, binary.BigEndian.Uint16(head[1:]))
	_, _ = io.ReadFull(c.conn, payload)
	return head[0], payload
}

func (x *exchange) write(c *card, kind byte, payload []byte) {
	_, _ = c.conn.Write(append([]byte{kind, byte(len(payload) >> 8), byte(len(payload))}, payload...))
}

// step takes 20 ms of both cards and answers them.
func (x *exchange) step() bool {
	alive := false
	for _, c := range x.cards {
		for c.says, c.heard = make([]int16, 160), false; !c.heard; {
			kind, payload := x.read(c)
			if kind == 0 {
				c.offHook = false
				break
			}
			alive = true
			if c.heard = kind == 1; c.heard {
				for i := range c.says {
					c.says[i] = int16(binary.LittleEndian.Uint16(payload[2*i:]))
				}
			}
			if kind == 2 {
				c.offHook = payload[0] == 1
			}
		}
	}
	a, b := x.cards[0], x.cards[1]
	forA, forB := make([]int16, 160), make([]int16, 160)
	switch {
	case a.offHook && b.offHook:
		copy(forA, b.says)
		copy(forB, a.says)
	case a.offHook && x.ring > 0 && x.busy:
		if (x.tick-x.ring)%50 < 25 {
			x.tone.Next(forA)
		}
	case a.offHook && x.keys == 0:
		x.dial.Next(forA)
	}
	if a.offHook && x.ring == 0 && audio.Power(a.says) > -30 {
		if x.keys++; x.keys == 9 { // three digits of 80 ms, with the ticks of their edges
			x.ring = x.tick + 10
		}
	}
	if x.ring > 0 && !x.busy && !b.offHook {
		switch (x.tick - x.ring) % 300 {
		case 0:
			x.write(b, 3, []byte{1})
		case 100:
			x.write(b, 3, []byte{0})
		}
	}
	for i, pcm := range [][]int16{forA, forB} {
		octets := make([]byte, 0, 320)
		for _, v := range pcm {
			octets = binary.LittleEndian.AppendUint16(octets, uint16(v))
		}
		x.write(x.cards[i], 1, octets)
	}
	return alive
}
