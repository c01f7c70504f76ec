package t30

// An Onlooker is told of the data of each page as it passes, for who wants to see a page before
// it is over. It takes no part in the procedure, and is called on the goroutine of whoever
// tells it: it waits for nothing. Octets are valid until it returns.
type Onlooker interface {
	// Begin begins a page. The one before it is over.
	Begin(p Passing)
	// Octets are the next ones of a page without error correction.
	Octets(octets []byte)
	// Frame is the data of a frame of the block, by its number in FCD: 0 to 255. It may come more
	// than once, and before those that have lower numbers.
	Frame(n int, octets []byte)
	// Block ends a block: the next one is behind so many frames. Those that did not come are
	// lost. With 0 the frames that came were those of the last block once more.
	Block(frames int)
	// End ends the page, if one was begun.
	End()
}

// A Passing is a page that begins.
type Passing struct {
	Number      int // from 0
	Format      Format
	FrameOctets int // of data in a frame of ECM
	Rows        int // of a page that is sent; 0: not known
}

// FrameOctets is how many octets of page data an ECM frame carries.
func (c Command) FrameOctets() int {
	if c.Frame64 {
		return 64
	}
	return 256
}

// FrameData is the number and the data of a frame of a page (FCD, annex A of T.30). ok is false for any other.
func FrameData(frame []byte) (n int, octets []byte, ok bool) {
	if len(frame) < 5 || frame[0] != Address || frame[1] != ControlMore || frame[2] != byte(FCD) {
		return 0, nil, false
	}
	return int(frame[3]), frame[4:], true
}

// A view is what an Onlooker is told of a Terminal.
type view struct {
	to   Onlooker // nil: nobody looks
	open bool
}

func (v *view) begin(p Passing) {
	if v.to != nil && !v.open {
		v.open = true
		v.to.Begin(p)
	}
}

func (v *view) octets(p []byte) {
	if v.open && len(p) > 0 {
		v.to.Octets(p)
	}
}

func (v *view) frame(n int, p []byte) {
	if v.open {
		v.to.Frame(n, p)
	}
}

func (v *view) block(frames int) {
	if v.open {
		v.to.Block(frames)
	}
}

func (v *view) end() {
	if v.open {
		v.open = false
		v.to.End()
	}
}

// passing is a page of the mode in force.
func (t *Terminal) passing(number int) Passing {
	return Passing{Number: number, Format: t.cmd.Format(), FrameOctets: t.cmd.FrameOctets()}
}

// viewSent shows the page that begins to be sent.
func (t *Terminal) viewSent() {
	t.view.end()
	p := t.passing(t.sender.page)
	if r, ok := t.cfg.Source.(interface{ Rows() int }); ok {
		p.Rows = r.Rows()
	}
	t.view.begin(p)
}

// viewReceived shows the page that is being received. With ECM it is stored block by block.
func (t *Terminal) viewReceived() {
	r := &t.receiver
	number := r.pages
	if r.writer != nil || r.again {
		number--
	}
	t.view.begin(t.passing(number))
}

// viewFrame shows a frame of ECM.
func (t *Terminal) viewFrame(frame []byte, good bool) {
	if t.view.to == nil || !good {
		return
	}
	if n, data, ok := FrameData(frame); ok && len(data) <= t.cmd.FrameOctets() {
		t.viewReceived()
		t.view.frame(n, data)
	}
}
