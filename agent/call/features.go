package call

// Features is what the person at a telephone sets by star codes, and what is asked about it
// when a call is made or comes in. Code and Number may take their time, as for the disk: they are
// called on a goroutine of their own, and the telephone waits. The others are called on the
// port's goroutine and must not block. Each may be called for any port.
type Features interface {
	// Codes lists the star codes that this device acts on, as they are dialled: "*72"; without a
	// held call only those that need none. The others are for the server, or switched off.
	Codes(port int, held bool) []string
	// Code acts on a star code, and tells how the telephone goes on.
	Code(port int, code string) Next
	// Number takes the number that a code asked for by NextNumber, and reports that it is taken.
	Number(port int, code, number string) bool
	// Leaving is asked before each call that the telephone makes: what codes before it have
	// asked for once, or for all. It takes back what was for once.
	Leaving(port int) Wishes
	// Made tells of a call that was made to a number.
	Made(port int, number string)
}

// A Step is how a telephone goes on after a star code.
type Step uint8

const (
	NextRefused    Step = iota // reorder tone: the code cannot be done
	NextDone                   // confirmation tone: it is done
	NextNumber                 // a dial tone: a number follows, which Features.Number takes
	NextDial                   // a dial tone: the number of a call follows (*67, *70)
	NextCall                   // Next.Call is called at once (*69)
	NextMenu                   // the voice menu of the device (***)
	NextTransfer               // behind a flash, a dial tone: the number that the held call is sent to (*98)
	NextConference             // behind a flash, a dial tone: the number of who joins the held call once it answers (*23)
)

// Next is what follows a star code.
type Next struct {
	Step Step
	Call string // of NextCall
}

// Wishes are what a telephone wants of one call.
type Wishes struct {
	Anonymous bool // the caller is not shown
	NoWaiting bool // no other call is announced while it lasts
}

// A Service is what a telephone talks with on the device itself, as the voice menu. Its
// methods are called on the port's goroutine and must not block.
type Service interface {
	// Key takes a key that was pressed: 0 to 9, *, #.
	Key(key byte)
	// Read fills out with what is said. It reports false once the service has no more to
	// say and hangs up.
	Read(out []int16) bool
	// Close tells that the telephone has hung up.
	Close()
}
