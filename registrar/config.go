package registrar

import "time"

// A Server is one of the two servers of a line, or neither.
type Server uint8

// The servers of a line.
const (
	None    Server = iota
	Primary        // SIP Server 1
	Backup         // SIP Server 2
)

func (s Server) String() string {
	switch s {
	case Primary:
		return "primary"
	case Backup:
		return "backup"
	}
	return "none"
}

// Other is the other server of the pair.
func (s Server) Other() Server {
	switch s {
	case Primary:
		return Backup
	case Backup:
		return Primary
	}
	return None
}

// Config is what a line's registration is told: the items of the primary/backup
// document and the damping this program adds to them.
type Config struct {
	Register  bool // false: the line has servers to call through, but makes no binding
	HasBackup bool

	PrimaryTTL time.Duration // binding lifetime to ask for
	BackupTTL  time.Duration

	Failback         bool          // Enable Failback
	FailbackInterval time.Duration // Failback Interval
	SignalFailback   bool          // Signal Failback: a new INVITE tries the primary first

	GoodProbes   int           // good probes in a row before going back, 1 or more
	Hold         time.Duration // least stay at the backup
	JitterPct    int           // share of the interval by which a probe comes earlier or later: 0 to 50
	FailbackBusy bool          // go back although a call is up
	WarmBackup   bool          // keep both bindings
}

func (c *Config) ttl(s Server) time.Duration {
	if s == Backup {
		return c.BackupTTL
	}
	return c.PrimaryTTL
}

// Waits that the document does not name.
const (
	// retryBase and retryCap are base-time, when all flows failed, and max-time of
	// RFC 5626 section 4.5.
	retryBase = 30 * time.Second
	retryCap  = 1800 * time.Second

	// refusedWait is how long a line waits after an answer that a repetition will not
	// change: a wrong password, 403, 404. Servers ban addresses that hammer them.
	refusedWait = 20 * time.Minute

	// retryAfterCap bounds what a server may ask for with Retry-After.
	retryAfterCap = time.Hour

	// reconnectSpread spreads the return of devices whose connections a restarting
	// server cut at the same moment. A call that is dialled does not wait for it.
	reconnectSpread = 30 * time.Second

	// freshSide is how long the binding of a moved call proves its server well.
	freshSide = 30 * time.Second

	// seenSpread spreads the lines of one device that learn together of a server's return.
	seenSpread = 2 * time.Second

	// demandGap is the least time between two hunts that dialled calls ask for.
	demandGap = 2 * time.Second
)
