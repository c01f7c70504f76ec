package t30

import "fmt"

// Config says what a Terminal is to do and what it may do. The zero value of each field but
// Source and Sink is a sensible default.
type Config struct {
	Calling bool // this end made the call

	// Source is the document to send: for a calling terminal to the called one, for a called
	// terminal when it is polled. Sink takes the pages of the other side: for a calling
	// terminal without Source, by polling. A calling terminal with both sends first, and
	// polls then if the other side has a document.
	Source Source
	Sink   Sink

	Ident       string // own number for CSI, TSI and CIG: up to 20 digits, '+' and spaces; others are left out
	Subaddress  string // SUB to send; empty: none
	Selective   string // SEP to send when polling: which document; empty: none
	Password    string // PWD to send
	NeedsSecret string // PWD that the other side must send before it may send or poll; empty: none

	Modulations ModulationSet // allowed; 0: all
	MaxBitRate  int           // of image data, bit/s; 0: 14400
	ECM         bool          // offer and use error correction
	ECM64       bool          // frames of 64 octets instead of 256, as sender
	Codings     CodingSet     // allowed beside MH; 0: all. MMR needs ECM
	Resolutions ResolutionSet // Sink takes beside standard; 0: all
	MaxWidth    Width         // Sink takes
	MaxLength   Length        // Sink takes
	MinScan     int           // ms a row that Sink needs without ECM: 0, 5, 10, 20 or 40
	NoInch      bool          // Sink wants resolutions in millimetres only
	CRP         bool          // ask with CRP for a repetition when a frame came damaged

	Timers Timers

	// Judge decides over a received page without ECM from its rows. nil: JudgeCopy.
	Judge func(f Format, c Copy) Verdict

	// Admit is asked once the other side has said who it is and what it wants, before a page
	// passes. nil: everybody.
	Admit func(p Peer) bool

	// Operator is asked when the other side wants to speak (PRI-Q, PIP, PIN). nil: nobody is
	// there, and the facsimile goes on.
	Operator func() bool

	OnPage  func(p Page)             // a page is over
	OnState func(now int64, s State) // the procedure went on: for a log, in samples since Start

	// OnFrame is told each frame of V.21, sent or heard, before it has an effect; good: its FCS was
	// right. The octets are valid until it returns. It does not call the Terminal.
	OnFrame func(sent bool, octets []byte, good bool)

	Onlooker Onlooker // sees the pages pass; nil: nobody does
}

// ModulationSet is a set of modulations.
type ModulationSet uint16

// Modulations makes a set.
func Modulations(ms ...Modulation) (s ModulationSet) {
	for _, m := range ms {
		s |= 1 << m
	}
	return s
}

// Has tells whether m is in the set.
func (s ModulationSet) Has(m Modulation) bool { return s>>m&1 != 0 }

// The modulations by recommendation.
const (
	SetV27ter ModulationSet = 1<<V27ter2400 | 1<<V27ter4800
	SetV29    ModulationSet = 1<<V29At7200 | 1<<V29At9600
	SetV17    ModulationSet = 1<<V17At7200 | 1<<V17At9600 | 1<<V17At12000 | 1<<V17At14400
	SetAll                  = SetV27ter | SetV29 | SetV17
)

// CodingSet is a set of codings; MH is always in it.
type CodingSet uint8

// Codings makes a set.
func Codings(cs ...Coding) CodingSet {
	s := CodingSet(1 << MH)
	for _, c := range cs {
		s |= 1 << c
	}
	return s
}

// Has tells whether c is in the set.
func (s CodingSet) Has(c Coding) bool { return c == MH || s>>c&1 != 0 }

// ResolutionSet is a set of resolutions; Standard is always in it.
type ResolutionSet uint8

// Resolutions makes a set.
func Resolutions(rs ...Resolution) ResolutionSet {
	s := ResolutionSet(1 << Standard)
	for _, r := range rs {
		s |= 1 << r
	}
	return s
}

// Has tells whether r is in the set.
func (s ResolutionSet) Has(r Resolution) bool { return r == Standard || s>>r&1 != 0 }

// Verdict is a receiver's judgement of a page without ECM (clause 5.3.6.1.7).
type Verdict uint8

// The verdicts.
const (
	Accept  Verdict = iota // MCF
	Retrain                // RTP: the page is good enough, the line needs a new training
	Reject                 // RTN: the page is not good enough
)

// JudgeCopy accepts a page with at most 5 % of bad rows and no run of them higher than
// 2.6 mm; above 2.5 % it asks for a new training. A page without rows or without its end is
// rejected.
func JudgeCopy(f Format, c Copy) Verdict {
	run := 10 // rows of 3.85 to the mm
	switch f.Resolution {
	case Fine:
		run = 20
	case Superfine, R300, Ultrafine:
		run = 40
	}
	switch {
	case c.Rows == 0, c.Cut, c.BadRows*20 > c.Rows, c.BadRun > run:
		return Reject
	case c.BadRows*40 > c.Rows:
		return Retrain
	default:
		return Accept
	}
}

// Timers are the times of T.30 clause 5.4, in samples. 0: the default.
type Timers struct {
	T0   int64 // calling: from Start until anything is heard; 0: T1 alone counts
	T1   int64 // two stations try to identify each other; 35 s ± 5 s
	T2   int64 // a receiver waits for a command; 6 s ± 1 s
	T3   int64 // the operator's time to answer a procedure interrupt; 10 s ± 5 s
	T4   int64 // a response is awaited; 3 s ± 15 %
	T5   int64 // an ECM sender is held by RNR; 60 s ± 5 s
	Page int64 // of one page's signal without a pause, against a carrier that never ends; 60 min
	Call int64 // of the whole call; 12 h
}

func (c *Config) setDefaults() {
	if c.Modulations == 0 {
		c.Modulations = SetAll
	}
	if c.MaxBitRate == 0 {
		c.MaxBitRate = 14400
	}
	if c.Codings == 0 {
		c.Codings = Codings(MR, MMR)
	}
	if c.Resolutions == 0 {
		c.Resolutions = Resolutions(Fine, Superfine, R300, Ultrafine)
	}
	if c.Judge == nil {
		c.Judge = JudgeCopy
	}
	c.Timers.setDefaults()
}

func (t *Timers) setDefaults() {
	for _, d := range []struct {
		at      *int64
		seconds int64
	}{{&t.T1, 35}, {&t.T2, 6}, {&t.T3, 10}, {&t.T4, 3}, {&t.T5, 60}, {&t.Page, 3600}, {&t.Call, 12 * 3600}} {
		if *d.at == 0 {
			*d.at = d.seconds * SampleRate
		}
	}
}

func (c *Config) check() error {
	switch {
	case c.Source == nil && c.Sink == nil:
		return fmt.Errorf("%w: neither source nor sink", ErrConfig)
	case !c.Modulations.Has(V27ter2400):
		return fmt.Errorf("%w: V.27ter at 2400 bit/s is not allowed, which T.30 has every machine understand", ErrConfig)
	case c.MaxBitRate < 2400:
		return fmt.Errorf("%w: at most %d bit/s: want 2400 or more", ErrConfig, c.MaxBitRate)
	case c.MaxWidth > A3Width, c.MaxLength > Unlimited:
		return fmt.Errorf("%w: paper of width %d and length %d", ErrConfig, c.MaxWidth, c.MaxLength)
	}
	switch c.MinScan {
	case 0, 5, 10, 20, 40:
		return nil
	default:
		return fmt.Errorf("%w: minimum scan time %d ms: want 0, 5, 10, 20 or 40", ErrConfig, c.MinScan)
	}
}
