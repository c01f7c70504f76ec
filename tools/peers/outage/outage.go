// Package outage holds the table of what can befall a line's primary server,
// over which transport, at which moment, and what must come of it; its tests
// make each case true in a small network and look.
package outage

import (
	"fmt"
	"strings"
)

// A Moment is what the line is doing when the fault strikes.
type Moment string

// The moments.
const (
	Start    Moment = "start"    // the device starts into the fault: its first REGISTER meets it
	Idle     Moment = "idle"     // registered; keep-alive must find out
	Register Moment = "register" // a REGISTER of a registered line meets it
	Invite   Moment = "invite"   // a call is dialled into it
	Ringing  Moment = "ringing"  // the far end rings; the caller then hangs up
	InCall   Moment = "in call"  // a call is up; the user then hangs up
)

// Moments in the order of the table.
var Moments = []Moment{Start, Idle, Register, Invite, Ringing, InCall}

// Transports in the order of the table.
var Transports = []string{"udp", "tcp", "tls"}

// An Outcome is what must come of a case.
type Outcome string

// The outcomes. In each the next call that is dialled completes.
const (
	// Silence tells nothing: the server gets its whole span, which on UDP is the
	// request and its retransmissions, and then the backup serves.
	Silence Outcome = "backup after the span"
	// A signal tells at once, and the backup serves at once.
	Signal Outcome = "backup at once"
	// Nothing moves: the primary goes on serving.
	Stays Outcome = "stays"
	// The case does not exist; the reason stands beside it.
	None Outcome = "-"
)

// A Fault is one row group of the table.
type Fault struct {
	Name string
	// Cases gives the outcome and, for None, the reason.
	Cases func(transport string, m Moment) (Outcome, string)
}

func always(o Outcome) func(string, Moment) (Outcome, string) {
	return func(string, Moment) (Outcome, string) { return o, "" }
}

// icmp tells a UDP socket and a connection attempt at once; on an open
// connection it is a hint that TCP keeps to itself (RFC 1122 section 4.2.3.9),
// and only silence is left.
func icmp(transport string, m Moment) (Outcome, string) {
	if transport == "udp" || m == Start {
		return Signal, ""
	}
	return Silence, ""
}

func connections(o Outcome, why string) func(string, Moment) (Outcome, string) {
	return func(transport string, m Moment) (Outcome, string) {
		if transport == "udp" {
			return None, why
		}
		return o, ""
	}
}

// Faults is the table.
var Faults = []Fault{
	{"black hole both ways", always(Silence)},
	{"replies lost", always(Silence)},
	{"ICMP port unreachable", icmp},
	{"ICMP host unreachable", icmp},
	{"dead neighbour", icmp},
	{"TCP refused", connections(Signal, "UDP has no connection to refuse; a closed UDP port is ICMP port unreachable")},
	{"SYN black hole", connections(Silence, "UDP opens no connection; its silence is the black hole")},
	{"accepted then silent", connections(Silence, "UDP opens no connection; its silence is the black hole")},
	{"cut mid-message", connections(Signal, "a datagram comes whole or not at all")},
	{"500", always(Signal)},
	{"503", always(Signal)},
	{"503 with Retry-After", always(Signal)},
	{"bad certificate", func(transport string, m Moment) (Outcome, string) {
		if transport != "tls" {
			return None, "no certificate without TLS"
		}
		return Signal, ""
	}},
	{"NXDOMAIN", func(_ string, m Moment) (Outcome, string) {
		switch m {
		case Start:
			return Signal, ""
		case Idle, Register, Invite:
			return Stays, "" // the addresses that the line has still serve it
		}
		return None, "no name is asked for within a transaction or a dialog"
	}},
	{"dead first SRV", func(_ string, m Moment) (Outcome, string) {
		switch m {
		case Start:
			return Stays, "" // the primary's second address serves
		case Register, Invite:
			return Stays, ""
		}
		return None, "the line is at the second address already; nothing fails"
	}},
	{"link flap", func(_ string, m Moment) (Outcome, string) {
		if m == Start {
			return None, "the flap would end before the first retransmission or be a dead link"
		}
		return Stays, ""
	}},
}

// A Case is one cell of the table.
type Case struct {
	Fault     string
	Transport string
	Moment    Moment
	Outcome   Outcome
	Why       string // for None
}

// Name names the case as a test.
func (c Case) Name() string {
	return strings.ReplaceAll(fmt.Sprintf("%s/%s/%s", c.Fault, c.Transport, c.Moment), " ", "-")
}

// Cases lists all cells, row by row.
func Cases() []Case {
	var all []Case
	for _, f := range Faults {
		for _, transport := range Transports {
			for _, m := range Moments {
				o, why := f.Cases(transport, m)
				all = append(all, Case{f.Name, transport, m, o, why})
			}
		}
	}
	return all
}

// Table writes the cells as Markdown.
func Table() string {
	var b strings.Builder
	b.WriteString("| fault | transport |")
	for _, m := range Moments {
		fmt.Fprintf(&b, " %s |", m)
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(Moments)) + "\n")
	reasons := map[string]int{}
	var notes []string
	for _, f := range Faults {
		for _, transport := range Transports {
			fmt.Fprintf(&b, "| %s | %s |", f.Name, transport)
			for _, m := range Moments {
				o, why := f.Cases(transport, m)
				if why != "" {
					if reasons[why] == 0 {
						notes = append(notes, why)
						reasons[why] = len(notes)
					}
					o = Outcome(fmt.Sprintf("- (%d)", reasons[why]))
				}
				fmt.Fprintf(&b, " %s |", o)
			}
			b.WriteByte('\n')
		}
	}
	b.WriteString("\nNot applicable:\n\n")
	for i, n := range notes {
		fmt.Fprintf(&b, "%d. %s.\n", i+1, n)
	}
	return b.String()
}
