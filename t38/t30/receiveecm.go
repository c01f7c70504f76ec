package t30

// rxBlock is a partial page as it comes in (T.30 annex A).
type rxBlock struct {
	data    []byte   // 256 frames of 256 octets, made with the first
	lengths []uint16 // of each frame; 0: not received
	frames  int      // received
	most    int      // the highest number received, and one
	stated  int      // frames that the block has, as PPS counted them

	accepted bool    // a block was, and its PPS may be repeated
	last     [4]byte // information field of that PPS, without X and PRI
	sum      uint64  // of that block
	repairs  int     // asked for since the last block was accepted
	holed    bool    // the page has lost frames (EOR)
	held     *reply  // the answer that RNR holds back
}

// reply is an answer with what follows it.
type reply struct {
	state State
	said  said
}

// maxRepairs is how often frames of one block are asked for: a sender decides after four
// times, and may continue to correct down all the rates.
const maxRepairs = 80

// forget makes ready for another page signal after DCS.
func (b *rxBlock) forget() {
	*b = rxBlock{data: b.data, lengths: b.lengths}
	clear(b.lengths)
}

// clear makes ready for the next block.
func (b *rxBlock) clear() {
	clear(b.lengths)
	b.frames, b.most, b.stated = 0, 0, 0
}

// put takes one frame of a page signal. Only FCD with a good FCS counts; one that is shorter
// than agreed is taken as it is, for some send the last one so.
func (b *rxBlock) put(octets []byte, good bool, size int) {
	if !good || len(octets) < 5 || octets[0] != Address || octets[1] != ControlMore || octets[2] != byte(FCD) {
		return
	}
	n, data := int(octets[3]), octets[4:]
	if len(data) > size {
		return
	}
	if b.data == nil {
		b.data, b.lengths = make([]byte, blockFrames*256), make([]uint16, blockFrames)
	}
	if b.lengths[n] == 0 {
		b.frames++
		b.most = max(b.most, n+1)
	}
	b.lengths[n] = uint16(copy(b.data[n*256:(n+1)*256], data))
}

// missing is the information field of PPR: a bit for each frame that did not come, 1 also
// behind the last; and whether there is one among the first count.
func (b *rxBlock) missing(count int) (ppr []byte, n int) {
	ppr = make([]byte, blockFrames/8)
	for i := range blockFrames {
		if b.lengths != nil && b.lengths[i] > 0 && i < count {
			continue
		}
		ppr[i/8] |= 1 << (i % 8)
		if i < count {
			n++
		}
	}
	return ppr, n
}

// checksum tells blocks apart whose PPS are the same (FNV-1a).
func (b *rxBlock) checksum(count int) uint64 {
	sum := uint64(14695981039346656037)
	for i := range count {
		for _, octet := range b.frame(i) {
			sum = (sum ^ uint64(octet)) * 1099511628211
		}
	}
	return sum
}

// frame is the data of frame n, empty when it did not come.
func (b *rxBlock) frame(n int) []byte {
	if b.lengths == nil {
		return nil
	}
	return b.data[n*256 : n*256+int(b.lengths[n])]
}

// secondFCF reads the second FCF of PPS and EOR.
func secondFCF(octet byte) (q FCF, pri, ok bool) {
	if octet == byte(NULL) {
		return NULL, false, true
	}
	q = FCF(octet) &^ 1
	pri = q&interruptBit != 0
	q &^= interruptBit
	return q, pri, q == MPS || q == EOM || q == EOP
}

// behindBlock reads what is to follow a block, from a PPS or EOR that has so many octets. If
// it cannot be read the frame is damaged, or of no use.
func (t *Terminal) behindBlock(f Frame, octets int) (q FCF, pri, ok bool) {
	if len(f.Info) < octets {
		t.heard.damaged = true
		return 0, false, false
	}
	if q, pri, ok = secondFCF(f.Info[0]); !ok {
		t.disconnect(WrongCommand)
	}
	return q, pri, ok
}

// partialPage acts on PPS (annex A).
func (t *Terminal) partialPage(f Frame) {
	q, pri, ok := t.behindBlock(f, 4)
	if !ok {
		return
	}
	b := &t.receiver.block
	key := [4]byte{byte(q), f.Info[1], f.Info[2], f.Info[3]}
	repeated := b.accepted && key == b.last
	if repeated && b.frames == 0 {
		t.repeatedPartialPage(pri)
		return
	}
	if t.state != AwaitPage { // no block can have been before it
		return
	}
	b.stated = max(b.stated, int(key[3])+1) // behind a repair some count only what they sent again
	ppr, missing := b.missing(b.stated)
	switch {
	case missing > 0:
		t.askRepair(ppr, missing)
	case repeated && b.checksum(b.stated) == b.sum: // the same block came once more
		t.view.block(0)
		b.clear()
		t.again()
	default:
		t.acceptBlock(key, q, pri)
	}
}

// repeatedPartialPage answers a PPS whose answer was not heard, or PRI-Q that agrees to PIP.
func (t *Terminal) repeatedPartialPage(pri bool) {
	switch {
	case pri && t.receiver.lastPRI:
		t.again()
		t.leave(TakenOver)
	case t.receiver.block.held != nil:
		t.ready()
	default:
		t.again()
	}
}

// askRepair sends PPR.
func (t *Terminal) askRepair(ppr []byte, missing int) {
	b := &t.receiver.block
	t.result.Repairs++
	t.result.Frames += missing
	t.receiver.page.Frames += missing
	t.receiver.signal = false
	if b.repairs++; b.repairs > maxRepairs {
		t.disconnect(TooManyRepairs)
		return
	}
	t.say(AwaitPage, t.listenPage(), timerT2, Frame{FCF: PPR, Info: ppr})
}

// acceptBlock stores a block that is whole.
func (t *Terminal) acceptBlock(key [4]byte, q FCF, pri bool) {
	b := &t.receiver.block
	t.openPage()
	if !b.holed || t.cmd.Coding != MMR { // behind a hole T.6 has no meaning
		for i := range b.stated {
			t.write(b.frame(i))
		}
	}
	b.accepted, b.last, b.sum, b.repairs = true, key, b.checksum(b.stated), 0
	t.view.block(b.stated)
	b.clear()
	t.endBlock(q, pri, MCF)
}

// endOfRetransmission acts on EOR: the sender gives up on what is missing (annex A).
func (t *Terminal) endOfRetransmission(f Frame) {
	q, pri, ok := t.behindBlock(f, 1)
	if !ok {
		return
	}
	b := &t.receiver.block
	key := [4]byte{byte(EOR), byte(q)}
	if b.accepted && key == b.last && b.frames == 0 && b.stated == 0 {
		t.repeatedPartialPage(pri)
		return
	}
	if t.state != AwaitPage {
		return
	}
	t.openPage()
	for i := range max(b.stated, b.most) {
		t.writeHoled(i)
	}
	b.holed = true
	t.view.block(max(b.stated, b.most))
	b.accepted, b.last, b.sum, b.repairs = true, key, 0, 0
	b.clear()
	t.endBlock(q, pri, ERR)
}

// writeHoled stores a frame of a block with holes: zeros, which are fill, in the place of one
// that is missing. Behind a hole T.6 has no meaning.
func (t *Terminal) writeHoled(i int) {
	b := &t.receiver.block
	data := b.frame(i)
	b.holed = b.holed || len(data) == 0
	switch {
	case t.cmd.Coding == MMR && b.holed:
	case len(data) == 0:
		var fill [256]byte
		t.write(fill[:t.cmd.FrameOctets()])
	default:
		t.write(data)
	}
}

// endBlock answers a block, and a page where it ends with it.
func (t *Terminal) endBlock(q FCF, pri bool, answer FCF) {
	r := &t.receiver
	damaged := r.block.holed
	if q != NULL {
		t.closePage(damaged)
		t.received(!damaged)
		r.damaged = r.damaged || damaged
		r.reject, r.rejects, r.again, r.block.holed = false, 0, false, false
	}
	r.signal, r.last, r.lastPRI = false, q, false
	if r.keeps = q != NULL && !damaged; r.keeps {
		t.keep()
	}
	switch {
	case r.err != nil:
		t.disconnect(SinkError)
	case answer == MCF && q != NULL && (t.interrupt || pri && t.cfg.Operator != nil && t.cfg.Operator()):
		t.inviteOperator(pri, Accept)
	default:
		t.answerBlock(q, answer)
	}
}

// answerBlock sends MCF or ERR, or RNR for as long as the Sink is busy.
func (t *Terminal) answerBlock(q, answer FCF) {
	next, listen := nextState(q, Accept), listenV21
	if next == AwaitPage {
		listen = t.listenPage()
	}
	t.remember(next, listen, answer)
	if t.isBusy() {
		held := t.receiver.answer
		t.receiver.block.held = &held
		t.say(AwaitPage, listenV21, timerT2, Frame{FCF: RNR})
		return
	}
	t.sayRemembered()
}

func (t *Terminal) isBusy() bool {
	b, ok := t.cfg.Sink.(Busy)
	return ok && b.Busy()
}

// ready answers RR (annex A), or a PPS that came again while RNR held its answer.
func (t *Terminal) ready() {
	b := &t.receiver.block
	switch {
	case b.held == nil:
		t.again()
	case t.isBusy():
		t.transmit()
	default:
		t.answerHeld()
	}
}

// answerHeld sends the answer that RNR held back, if the page has become safe meanwhile.
func (t *Terminal) answerHeld() {
	r := &t.receiver
	if r.keeps {
		t.keep()
	}
	if r.err != nil {
		t.disconnect(SinkError)
		return
	}
	r.answer, r.block.held = *r.block.held, nil
	t.sayRemembered()
}

// continueToCorrect acts on CTC: the sender goes on repairing at the rate it says, beginning
// with a long training (annex A).
func (t *Terminal) continueToCorrect(f Frame) {
	m, err := Bits(f.Info).rate()
	cmd := t.cmd
	cmd.Modulation = m
	own := t.cfg.capabilities()
	if len(f.Info) < 2 || err != nil || !own.allows(cmd) {
		t.disconnect(BadDCS)
		return
	}
	t.cmd, t.training.long = cmd, true
	t.receiver.page.Modulation = m
	t.result.BitRate = m.BitRate()
	t.say(AwaitPage, t.listenPage(), timerT2, Frame{FCF: CTR})
}
