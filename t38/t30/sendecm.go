package t30

// The bounds of repair, as sender (T.30 annex A).
const (
	blockFrames  = 256
	repairsToCTC = 4  // PPR of one block until the sender must decide
	maxCTC       = 12 // of one block
)

// txBlock is a partial page: up to 256 frames, and the way they are sent.
type txBlock struct {
	data   []byte // whole frames, the last padded with zeros
	size   int    // octets of data in a frame
	frames int
	view   *view
	page   uint8 // counters of PPS, modulo 256
	number uint8
	more   bool // of the page behind this block
	ahead  []byte

	wanted  [blockFrames / 8]byte // frames to send now, the first as the least significant bit
	at      int
	rcp     int
	frame   [MaxFrame]byte
	repairs int   // PPR since the block began or CTC
	first   int   // frames that the first of them wanted
	ctc     int   // of this block
	asked   State // what RR stands for
}

// begin makes ready for the first block of page n.
func (b *txBlock) begin(n, size int, v *view) {
	*b = txBlock{data: b.data[:0], page: uint8(n), size: size, view: v}
}

// fill reads the next block of the page.
func (b *txBlock) fill(r *pageReader) {
	want := blockFrames * b.size
	if cap(b.data) < want {
		b.data = make([]byte, 0, want)
	}
	n := copy(b.data[:want], b.ahead)
	n += r.readOctets(b.data[n:want])
	var ahead [1]byte
	b.more = n == want && r.readOctets(ahead[:]) == 1
	b.ahead = nil
	if b.more {
		b.ahead = ahead[:]
	}
	b.frames = max(1, (n+b.size-1)/b.size)
	b.data = b.data[:b.frames*b.size]
	clear(b.data[n:])
	b.repairs, b.ctc, b.first = 0, 0, 0
	b.wantAll()
}

func (b *txBlock) wantAll() {
	for i := range b.wanted {
		b.wanted[i] = 0xFF
	}
}

// want takes the frames that a PPR asks for and counts them. A PPR that is too short asks for
// what it does not mention, one that asks for nothing for all.
func (b *txBlock) want(ppr []byte) (n int) {
	b.wantAll()
	copy(b.wanted[:], ppr)
	for i := range b.frames {
		n += int(b.wanted[i/8] >> (i % 8) & 1)
	}
	if n == 0 {
		b.wantAll()
		n = b.frames
	}
	return n
}

// rewind makes nextFrame begin again.
func (b *txBlock) rewind() { b.at, b.rcp = 0, 0 }

// nextFrame hands out the wanted frames, then RCP three times.
func (b *txBlock) nextFrame() []byte {
	for ; b.at < b.frames; b.at++ {
		if b.wanted[b.at/8]>>(b.at%8)&1 == 0 {
			continue
		}
		data := b.data[b.at*b.size : (b.at+1)*b.size]
		f := append(b.frame[:0], Address, ControlMore, byte(FCD), byte(b.at))
		f = append(f, data...)
		b.view.frame(b.at, data)
		b.at++
		return f
	}
	if b.rcp == 3 {
		return nil
	}
	b.rcp++
	return append(b.frame[:0], Address, ControlMore, byte(RCP))
}

// count is the information field of PPS (annex A): the second FCF, the page and block
// counters, and the number of frames less one.
func (b *txBlock) count(fcf FCF) []byte {
	return []byte{byte(fcf), b.page, b.number, byte(b.frames - 1)}
}

// sendBlock begins the next block of the page.
func (t *Terminal) sendBlock() {
	t.sender.block.fill(&t.sender.pages)
	t.sendFrames()
}

// sendFrames sends the wanted frames of the block.
func (t *Terminal) sendFrames() {
	t.setState(SendPage)
	t.sender.block.rewind()
	t.turn()
	m := t.cmd.Modulation
	t.out.addBlock(m, m.IsV17() && !t.training.long, &t.sender.block)
}

// blockSent follows the block with PPS.
func (t *Terminal) blockSent() {
	if t.sender.next = NULL; !t.sender.block.more {
		t.sender.next = t.afterPage()
	}
	t.postMessage()
}

// nextBlock goes on within the page.
func (t *Terminal) nextBlock() {
	t.view.block(t.sender.block.frames)
	t.sender.block.number++
	t.sendBlock()
}

// repair sends again what a PPR asks for; after the fourth it continues to correct, or gives
// up (annex A).
func (t *Terminal) repair(ppr []byte) {
	b := &t.sender.block
	t.timers.stop(timerT5)
	n := b.want(ppr)
	t.result.Repairs++
	t.result.Frames += n
	t.sender.again += n
	if b.repairs++; b.repairs == 1 {
		b.first = n
	}
	if b.repairs < repairsToCTC {
		t.sendFrames()
		return
	}
	t.correct(n)
}

// correct decides after the fourth PPR: at the same rate when the repairs have halved what
// was missing, else at a lower one, else not at all.
func (t *Terminal) correct(missing int) {
	b := &t.sender.block
	lowered := missing*2 > b.first && t.training.lower()
	if b.ctc++; b.ctc > maxCTC || missing*2 > b.first && !lowered {
		t.say(AwaitERR, listenV21, timerT4, Frame{FCF: EOR, Info: []byte{byte(t.withX(EOP))}})
		return
	}
	b.repairs = 0
	t.cmd.Modulation = t.training.modulation()
	t.say(AwaitCTR, listenV21, timerT4, Frame{FCF: CTC, Info: t.cmd.Bits()[:2]})
}

// corrected goes on after CTR, with a long training.
func (t *Terminal) corrected() {
	t.training.long = true
	t.result.BitRate = t.cmd.Modulation.BitRate()
	t.sendFrames()
}

// notReady asks a receiver that is not ready again, up to T5 (annex A).
func (t *Terminal) notReady(asked State) {
	if !t.timers.running(timerT5) {
		t.start(timerT5)
	}
	t.sender.block.asked = asked
	t.say(AwaitReady, listenV21, timerT4, Frame{FCF: RR})
}
