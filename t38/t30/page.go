package t30

import "io"

// Coding is how the rows of a page are coded.
type Coding uint8

// The codings of T.4 and T.6, from the one that every machine has.
const (
	MH  Coding = iota // modified Huffman, T.4 clause 4.1
	MR                // modified READ, T.4 clause 4.2
	MMR               // modified modified READ, T.6; with error correction only
)

func (c Coding) String() string { return nameOf(c, codingNames[:]) }

var codingNames = [...]string{"MH", "MR", "MMR"}

// Resolution is the density of picture elements across and down the page.
type Resolution uint8

// The resolutions of T.30 table 2 for pages in black and white, in rising order.
const (
	Standard  Resolution = iota // 8 pels/mm x 3.85 lines/mm; 200 x 100 per inch
	Fine                        // 8 x 7.7; 200 x 200 per inch
	Superfine                   // 8 x 15.4; 200 x 400 per inch
	R300                        // 300 x 300 per inch
	Ultrafine                   // 16 x 15.4; 400 x 400 per inch
)

func (r Resolution) String() string { return nameOf(r, resolutionNames[:]) }

var resolutionNames = [...]string{"standard", "fine", "superfine", "300", "ultrafine"}

// Width is the width of the paper, which with the resolution gives the pels of a row.
type Width uint8

// The widths of T.30 table 2.
const (
	A4Width Width = iota // 215 mm: 1728 pels at 8 per mm
	B4Width              // 255 mm: 2048
	A3Width              // 303 mm: 2432
)

func (w Width) String() string { return nameOf(w, widthNames[:]) }

var widthNames = [...]string{"A4", "B4", "A3"}

// Pels is the length of a row of that width and resolution (T.4 clause 2).
func (w Width) Pels(r Resolution) int {
	if w > A3Width {
		return 0
	}
	switch r {
	case R300:
		return [...]int{2592, 3072, 3648}[w]
	case Ultrafine:
		return [...]int{3456, 4096, 4864}[w]
	default:
		return [...]int{1728, 2048, 2432}[w]
	}
}

// Length is the length of the paper.
type Length uint8

// The lengths of T.30 table 2.
const (
	A4Length  Length = iota // 297 mm
	B4Length                // 364 mm
	Unlimited               // a roll
)

func (l Length) String() string { return nameOf(l, lengthNames[:]) }

var lengthNames = [...]string{"A4", "B4", "unlimited"}

// Form is what a page of a document is by nature.
type Form struct {
	Resolution Resolution
	Inch       bool // its resolution is meant in inches, not millimetres
	Width      Width
	Length     Length
}

// Format is the form and the coding that both sides agreed on for a page.
type Format struct {
	Form
	Coding  Coding
	ECM     bool // the octets arrive or are lost by whole frames: no fill is needed
	MinScan int  // ms that each row must last on the line at least; 0 with ECM
	BitRate int  // of the line, for the count of fill bits
}

// MinRowBits is how many bits each coded row must have, fill included, to last its minimum
// scan time (T.4 clause 4.1.3).
func (f Format) MinRowBits() int { return (f.MinScan*f.BitRate + 999) / 1000 }

// Source is the document that a Terminal sends. The application fills it.
type Source interface {
	// Page tells the form of page n, counted from 0. ok is false behind the last page, and
	// for n = 0 of a document without pages.
	Page(n int) (form Form, ok bool)

	// Open begins page n in format f. The octets read from it are the whole page as T.4 and
	// T.6 code it: MH and MR from the first EOL to RTC, with fill up to f.MinRowBits; MMR up
	// to EOFB. The least significant bit of each octet is the first on the line. A page may
	// be opened again, in another format too, when it has to be sent once more; the earlier
	// reader is then left.
	//
	// f has at most the resolution, width and length of the page's form: where they are
	// smaller the page is to be reduced.
	Open(n int, f Format) (io.Reader, error)
}

// Sink takes the pages that a Terminal receives. The application fills it.
type Sink interface {
	// Open begins the n-th page received, counted from 0, in format f. A page that was answered
	// with RTN, or cut short by a new training, is awaited once more: the next one has its number
	// and takes its place.
	Open(n int, f Format) (PageWriter, error)
}

// A PageWriter takes the octets of one page, the bit that was first on the line as the least
// significant of each. Without ECM they are what the modem gave, from before the first EOL
// to behind RTC, damage included. With ECM they are exact, up to the zeros that pad the last
// frame, unless Copy is asked with damaged set.
type PageWriter interface {
	io.Writer

	// Close ends the page and tells how its rows came through. damaged: the sender gave up
	// on frames of the page (EOR), or the call ended within it; with ECM, octets are then
	// missing from the end, or are zeros in the place of lost frames.
	Close(damaged bool) (Copy, error)
}

// Busy may be implemented by a Sink that cannot always take the next octets at once: while
// it returns true an ECM sender is held by RNR, up to its timer T5 of one minute.
type Busy interface {
	Busy() bool
}

// Keeper may be implemented by a Sink whose pages are to be safe before the other side hears
// that they are: Keep is called behind the Close of a page that will be confirmed, and before
// the confirmation is sent. last: the other side has no more pages (EOP). An error ends the
// call without it, as SinkError.
//
// A Sink that is also Busy may go on with that behind Keep, with ECM, and is then asked once
// more when it is no longer busy. Without ECM nothing can hold the sender: Keep takes the
// time that it needs, which the sender's T4 of 3 s bounds.
type Keeper interface {
	Keep(last bool) error
}

// Copy is what the decoder of a received page found.
type Copy struct {
	Rows    int // decoded, bad ones included
	BadRows int // of these, not decoded, or decoded to a wrong length
	BadRun  int // the most bad rows without a good one between

	// Cut: the page ended within a row, without ECM, and before its end code: an unknown number of
	// rows is missing.
	Cut bool
}

// Page reports one page when it is over.
type Page struct {
	Number     int // from 0, in the order of sending or receiving; the same each time that it comes
	Sent       bool
	Format     Format
	Modulation Modulation // of its end
	Octets     int        // of coded data, without retransmissions
	Frames     int        // sent a second time, or asked for again (ECM)
	Copy       Copy       // of a received page
	Confirmed  bool       // MCF or RTP was received, or sent
	Damaged    bool       // ended before its end, or with frames missing
}
