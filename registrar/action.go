package registrar

import "time"

// A Purpose tells what a REGISTER of the machine is for.
type Purpose uint8

// Purposes.
const (
	Bind   Purpose = iota // the line's binding, new or refreshed
	Verify                // a probe without Contact: is the primary well? It makes no binding
	Probe                 // the independent REGISTER of Failback: own Call-ID, with Contact
	Warm                  // the second binding of warm_backup
	Side                  // a binding at the other server for one call that 500 or 503 moved
	Unbind                // removes a binding: Contact with expires=0
)

func (p Purpose) String() string {
	return [...]string{"bind", "verify", "probe", "warm", "side", "unbind"}[p]
}

// An Action is something the owner must do.
type Action struct {
	Kind ActionKind

	// Of Register:
	Attempt uint64 // names the attempt in Result
	Server  Server
	Purpose Purpose
	Expires time.Duration // 0 with Unbind and Verify
	Last    bool          // nobody is left to ask after this one: it gets 64*T1, others their span

	// Of Switched: the server that was current, the new one in Server, and why.
	From  Server
	Cause error
}

// An ActionKind is the kind of an Action.
type ActionKind uint8

// Kinds of Action.
const (
	Register ActionKind = iota // send a REGISTER and report its Result
	Abandon                    // forget an attempt: its result is no longer wanted
	Switched                   // Server is current from now on: subscriptions move there
	Settled                    // a hunt is over: calls that waited for it may go on or fail
)

// An Outcome is how a REGISTER ended.
type Outcome uint8

// Outcomes.
const (
	OK          Outcome = iota // 2xx, with our Contact among the bindings where one was to be made
	Refused                    // any other answer but 500 and 503: the server is alive
	Unavailable                // 500, 503, ICMP, connect failure, TLS failure, name unknown, no answer
)

// A Result reports how an attempt ended.
type Result struct {
	Outcome    Outcome
	Expires    time.Duration // OK: what the server granted; 0: what was asked for
	Code       int           // status code, when there was an answer
	MinExpires time.Duration // of a 423
	RetryAfter time.Duration // of any failure
	Lasting    bool          // Refused: repeating it soon cannot help (wrong password, 403, 404)
	Unbound    bool          // Refused: by its own word the server holds no binding of the line
	Cause      error         // Refused, Unavailable: the sentence for people
}
