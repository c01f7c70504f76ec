package api

import (
	"context"
	"encoding/json"
	"time"
)

// A Device is what the interface shows and moves: the agent, or a test's stand-in.
// Snapshots are the caller's own. An action's error says by ErrNotFound,
// ErrConflict, ErrInvalid or ErrUnavailable (wrapped) what status answers it.
type Device interface {
	Status() Status
	Lines() []Line // by number
	Ports() []Port // by number
	Calls() []Call // running ones and the last 20, newest first

	Register(ctx context.Context, line int) error                         // a manual registration; does not wait for its end
	Call(ctx context.Context, port int, to string) (id string, err error) // as if the port went off-hook and dialled
	TestDialPlan(port int, digits string) (DialResult, error)
	HangUp(ctx context.Context, id string) error
	Drain(resume bool) error // refuse new calls and faxes, or take them again
	Ready() error            // nil when the device does its work
}

// Text is a string that is null when it is empty.
type Text string

// MarshalJSON writes the text, or null.
func (t Text) MarshalJSON() ([]byte, error) {
	if t == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(t))
}

// Time is a moment in UTC with milliseconds; the zero time is null.
type Time struct{ time.Time }

// MarshalJSON writes the time as RFC 3339, or null.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return []byte(t.UTC().Format(`"2006-01-02T15:04:05.000Z"`)), nil
}

// At is the Time of t.
func At(t time.Time) Time { return Time{t} }

// Number is a number that may be absent: Number(3), or nil.
func Number(n int) *int { return &n }

// Status is /status: the whole device at a glance.
type Status struct {
	Version      string       `json:"version"`
	UptimeS      int          `json:"uptime_s"`
	Draining     bool         `json:"draining"`
	Device       Names        `json:"device"`
	Lines        []Line       `json:"lines"`
	Ports        []Port       `json:"ports"`
	Provisioning Provisioning `json:"provisioning"`
	Faults       []string     `json:"faults"`  // of a configuration that was refused
	Waiting      []Waiting    `json:"waiting"` // of a configuration that was taken
}

// Waiting is a section of the configuration whose change is not in force yet.
type Waiting struct {
	Section string `json:"section"`
	For     string `json:"for"` // as the rest of a sentence: port 1 to be on-hook
}

// Names is what the device is called.
type Names struct {
	MAC     Text `json:"mac"` // twelve upper-case hex digits
	Serial  Text `json:"serial"`
	Account Text `json:"account"`
}

// Provisioning tells where the settings in force come from and how the last look for
// new ones went.
type Provisioning struct {
	State         string          `json:"state"`   // idle searching fetching applying trial rolling_back good rolled_back unproven failed
	Attempt       int             `json:"attempt"` // the last one that began; 0: none
	Finished      int             `json:"finished"`
	AccountState  Text            `json:"account_state"` // found remembered rejected empty unknown_flag disabled no_answer; null: RADIUS was not asked
	Source        Text            `json:"source"`
	URL           Text            `json:"url"`
	Last          Time            `json:"last"` // of the last finished attempt
	Next          Time            `json:"next"` // of the next one; null: when asked
	Error         Text            `json:"error"`
	Generation    *int            `json:"generation"` // the one running
	Trial         *Trial          `json:"trial"`
	NotUnderstood []NotUnderstood `json:"not_understood"`
	Sources       []Source        `json:"sources"` // as the last finished attempt asked them
}

// Trial is a generation that has yet to prove itself.
type Trial struct {
	Generation int    `json:"generation"`
	State      string `json:"state"`
	Until      Time   `json:"until"`
}

// End is when the trial ends at the latest; zero: nothing is on trial, or that is not known.
func (t *Trial) End() Time {
	if t == nil {
		return Time{}
	}
	return t.Until
}

// Source is who may have settings, and what it said last.
type Source struct {
	Name   string `json:"name"`   // radius dhcp pnp static
	Result string `json:"result"` // not_asked nothing file settings details failed
	Text   Text   `json:"text"`   // why it failed, or the account that it told
}

// NotUnderstood is a line of a provisioned file that was not used.
type NotUnderstood struct {
	Source string `json:"source"`
	Line   *int   `json:"line"`
	Text   string `json:"text"`
}

// Line is /lines/{n}: a SIP line, where it is registered and why there.
type Line struct {
	Line       int    `json:"line"`
	AOR        Text   `json:"aor"`
	State      string `json:"state"`  // disabled registering registered failed
	Server     string `json:"server"` // primary backup none
	ServerAddr Text   `json:"server_addr"`
	Transport  Text   `json:"transport"` // udp tcp tls
	Since      Time   `json:"since"`
	ExpiresS   *int   `json:"expires_s"`
	RefreshInS *int   `json:"refresh_in_s"`
	FailbackS  *int   `json:"failback_in_s"`
	RetryInS   *int   `json:"retry_in_s"` // of a failed line
	Failovers  int    `json:"failovers"`
	Failbacks  int    `json:"failbacks"`
	LastError  Text   `json:"last_error"`
	Calls      int    `json:"calls"` // running ones
	Why        Text   `json:"why"`   // a sentence
}

// Port is /ports/{n}: an analog port.
type Port struct {
	Port   int    `json:"port"`
	Kind   string `json:"kind"` // phone fax
	Line   int    `json:"line"`
	Driver string `json:"driver"`
	Card   bool   `json:"card"`  // a line card is connected
	Hook   string `json:"hook"`  // on off
	Ring   bool   `json:"ring"`  // there is ringing voltage now
	State  string `json:"state"` // idle dialling ringing talking parked
	Call   Text   `json:"call"`  // id

	Held       Text `json:"held"`       // id of a second call, that is put aside or in a conference with the first
	Waiting    Text `json:"waiting"`    // id of a call that a tone tells of
	Conference bool `json:"conference"` // call and held hear each other

	Warning Text `json:"warning"` // why its driver does not work
}

// Call is /calls/{id}: one call of one line.
type Call struct {
	ID        string   `json:"id"`
	SIPCallID Text     `json:"sip_call_id"`
	Line      int      `json:"line"`
	Port      *int     `json:"port"`
	Direction string   `json:"direction"` // in out
	Peer      Text     `json:"peer"`
	State     string   `json:"state"` // calling proceeding ringing connected held ended
	Server    Text     `json:"server"`
	Codec     Text     `json:"codec"` // pcmu pcma g722 t38
	Media     *Media   `json:"media"`
	Started   Time     `json:"started"`
	Answered  Time     `json:"answered"`
	Ended     Time     `json:"ended"`
	Reason    Text     `json:"reason"`
	Quality   *Quality `json:"quality"`
}

// Media is where a call's packets go.
type Media struct {
	Local  Text `json:"local"`
	Remote Text `json:"remote"`
	SRTP   bool `json:"srtp"`
}

// Quality is how well a call is heard; what is not known is null.
type Quality struct {
	LossPct  *float64 `json:"loss_pct"`
	JitterMS *float64 `json:"jitter_ms"`
	RTTMS    *float64 `json:"rtt_ms"`
	R        *float64 `json:"r"`   // transmission rating, 0 to 93.2, by the E-model
	MOS      *float64 `json:"mos"` // 1 to 4.5, estimated by the E-model (ITU-T G.107)

	Lost       *int     `json:"lost"` // packets that never came
	Late       *int     `json:"late"` // that came after their time
	Duplicates *int     `json:"duplicates"`
	BufferMS   *float64 `json:"buffer_ms"` // delay of the jitter buffer

	RemoteLossPct  *float64 `json:"remote_loss_pct"` // what the far end tells by RTCP of what it hears
	RemoteJitterMS *float64 `json:"remote_jitter_ms"`
}

// DialResult is what a dial plan makes of digits.
type DialResult struct {
	State     string `json:"state"`  // incomplete matched complete blocked unmatched
	Number    Text   `json:"number"` // what would be sent
	WaitS     *int   `json:"wait_s"` // until it is sent without a further digit
	Emergency bool   `json:"emergency"`
}
