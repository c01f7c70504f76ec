package t30

// State is where in the procedure a Terminal is.
type State uint8

// The states, in the order of the phases.
const (
	Idle       State = iota
	Answering        // A: called, pause and CED
	Calling          // A: calling, CNG, until something is heard
	Offering         // B: DIS was sent, a DCS or DTC is awaited
	Polling          // B: DTC was sent, a DCS is awaited
	AwaitDIS         // B: a DIS is awaited
	Commanding       // B: DCS and TCF are sent, CFR or FTT is awaited
	Training         // B: DCS was received, TCF is awaited
	SendPage         // C: page or block is being sent
	AwaitPage        // C, D: page, block or post-message command is awaited
	AwaitReply       // D: post-message command was sent, the response is awaited
	AwaitCTR         // D: CTC was sent
	AwaitERR         // D: EOR was sent
	AwaitReady       // D: RR was sent
	AwaitTurn        // D to B: receiver, EOM was acknowledged
	AwaitDCN         // D to E: receiver, EOP was acknowledged
	Leaving          // E: DCN is being sent
	Ended            // the facsimile part is over
)

func (s State) String() string { return nameOf(s, stateNames[:]) }

var stateNames = [...]string{"idle", "answering", "calling", "offering", "polling", "awaiting DIS",
	"commanding", "training", "sending page", "awaiting page", "awaiting reply", "awaiting CTR",
	"awaiting ERR", "awaiting readiness", "awaiting turn", "awaiting DCN", "leaving", "ended"}
