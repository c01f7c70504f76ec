package t30

// Result is how a call went.
type Result struct {
	Code Code
	Peer Peer

	Sent      int  // pages that the other side confirmed
	Received  int  // pages stored, rejected ones left out
	Rejected  int  // pages received that were answered with RTN or ended damaged
	BitRate   int  // of the last page, or of the last training
	ECM       bool // was in force
	Format    Format
	Trainings int // TCF sent or received
	Failures  int // of these, answered with FTT
	Repeats   int // commands sent a second or third time
	Repairs   int // PPR sent or received
	Frames    int // ECM frames sent again or asked for again
	BadRows   int // of all pages received
	Rows      int
}

// Peer is what the other side said of itself. Its texts are safe to show, log and store:
// printable ASCII only, each at most as long as its frame can carry.
type Peer struct {
	Ident      string // CSI, TSI or CIG, trimmed
	Subaddress string // SUB
	Selective  string // SEP
	Password   string // PWD; a secret
	NSF        string // NSF, NSC or NSS: its octets in hexadecimal, country first

	Polls        bool // it sent DTC
	Capabilities Capabilities
}
