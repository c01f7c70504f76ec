package sipmsg

// An Error says why a message cannot be taken as it came.
type Error struct {
	Code   int    // status to answer the request with; 0: drop it without an answer
	Reason string // for the log and the reason phrase; holds no text of the peer
	Fatal  bool   // of a stream: it cannot be read any further, close it
}

func (e *Error) Error() string { return e.Reason }

func bad(reason string) *Error { return &Error{Code: 400, Reason: reason} }

// A fault is a syntax error below the level of a message.
type fault string

func (f fault) Error() string { return string(f) }
