package farend

import (
	"net/netip"
	"sync"
	"time"

	"tipring/tools/peers/lockstep"
)

// playout is how long sound waits for what the network holds up: samples.
const playout = 1600

// A machine is a fax machine in the place of the tone: it says and hears 20 ms at a time.
type machine struct {
	end   lockstep.PCMEnd
	ended chan struct{}
	busy  sync.Mutex // during a frame
	over  bool       // under busy

	mu      sync.Mutex
	started bool
	next    uint32 // timestamp of the sample that is heard next
	pending map[uint32][]int16
	missing int // frames that were not there in time
}

// Attach has a machine talk in the place of the tone, from the next frame on. The channel is
// closed when the machine has hung up. What is heard of the network goes through a fixed
// delay of 200 ms, without concealment.
func (m *Media) Attach(end lockstep.PCMEnd) <-chan struct{} {
	k := &machine{end: end, ended: make(chan struct{}), pending: map[uint32][]int16{}}
	m.mu.Lock()
	m.machine = k
	m.mu.Unlock()
	return k.ended
}

// Detach takes the machine away; silence is said from then on. The machine is left alone
// once Detach has returned.
func (m *Media) Detach() {
	m.mu.Lock()
	old := m.machine
	m.machine = &machine{over: true, ended: make(chan struct{})}
	m.mu.Unlock()
	if old != nil {
		old.busy.Lock()
		old.over = true
		old.busy.Unlock()
	}
}

// Missing counts the frames that the attached machine did not hear in time.
func (m *Media) Missing() int {
	m.mu.Lock()
	k := m.machine
	m.mu.Unlock()
	if k == nil {
		return 0
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.missing
}

// Pause stops RTP, or has it go on.
func (m *Media) Pause(paused bool) {
	m.mu.Lock()
	m.paused = paused
	m.mu.Unlock()
}

// Divert gives f all that comes to the media's port in RTP's place; nil: RTP again. The
// octets are not f's to keep.
func (m *Media) Divert(f func(b []byte, from netip.AddrPort)) {
	m.mu.Lock()
	m.divert = f
	m.mu.Unlock()
}

// Send sends a datagram from the media's port.
func (m *Media) Send(b []byte, to netip.AddrPort) { _, _ = m.conn.WriteToUDPAddrPort(b, to) }

// To is where the other side wants to have its sound.
func (m *Media) To() netip.AddrPort {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.to
}

// HeardFor is how long sound has come.
func (m *Media) HeardFor() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Duration(len(m.heard)) * time.Second / 8000
}

func (k *machine) arrived(timestamp uint32, pcm []int16) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.end == nil {
		return
	}
	// A stream that begins, or another one.
	if ahead := int32(timestamp - k.next); !k.started || ahead < -8000 || ahead > 8000 {
		k.started, k.next = true, timestamp-playout
		k.missing -= playout / lockstep.Tick // what is heard before it
		clear(k.pending)
	}
	for at := 0; at+lockstep.Tick <= len(pcm); at += lockstep.Tick {
		k.pending[timestamp+uint32(at)] = pcm[at : at+lockstep.Tick]
	}
}

// heard is the frame whose turn it is. Streams keep to multiples of a frame from their start.
func (k *machine) heard() []int16 {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.started {
		return make([]int16, lockstep.Tick)
	}
	pcm, ok := k.pending[k.next]
	delete(k.pending, k.next)
	k.next += lockstep.Tick
	if !ok {
		k.missing++
		return make([]int16, lockstep.Tick)
	}
	return pcm
}

func (k *machine) exchange(says []int16) {
	k.busy.Lock()
	defer k.busy.Unlock()
	if !k.over && k.end.Exchange(k.heard(), says) != nil {
		k.over = true
		close(k.ended)
	}
	if k.over {
		clear(says)
	}
}
