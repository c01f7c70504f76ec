package frame

import (
	"context"
	"strings"

	"tipring/webui/words"
)

// Words are the words for the values of one member of the interface: value, English word.
// A page shows them translated, and hands them to the script, which has only the values.
type Words [][2]string

// Of is the visitor's word for a value. A value without one stands for itself.
func (w Words) Of(ctx context.Context, value string) string {
	for _, p := range w {
		if p[0] == value {
			return words.T(ctx, p[1])
		}
	}
	return value
}

// list is all of them as the script reads them: value=Word|value=Word.
func (w Words) list(ctx context.Context) string {
	var b strings.Builder
	for i, p := range w {
		if i > 0 {
			b.WriteByte('|')
		}
		b.WriteString(p[0] + "=" + words.T(ctx, p[1]))
	}
	return b.String()
}

var n = words.N

// What the interface calls states, in words for people.
var (
	LineStates = Words{{"registered", n("Registered")}, {"registering", n("Registering")}, {"failed", n("Not registered")}, {"disabled", n("Switched off")}}
	Servers    = Words{{"primary", n("Primary server")}, {"backup", n("Backup server")}, {"none", n("No server")}}
	Transports = Words{{"udp", n("UDP")}, {"tcp", n("TCP")}, {"tls", n("TLS")}}

	PortKinds  = Words{{"phone", n("Telephone")}, {"fax", n("Fax machine")}}
	PortStates = Words{{"idle", n("Idle")}, {"dialling", n("Dialling")}, {"ringing", n("Ringing")}, {"talking", n("In a call")}, {"parked", n("Left off the hook")}}
	Hooks      = Words{{"on", n("On-hook")}, {"off", n("Off-hook")}}
	LineCards  = Words{{"true", n("Connected")}, {"false", n("No line card")}}

	CallStates = Words{{"calling", n("Calling")}, {"proceeding", n("Calling")}, {"ringing", n("Ringing")}, {"connected", n("Connected")}, {"held", n("On hold")}, {"ended", n("Ended")}}
	Directions = Words{{"in", n("Incoming")}, {"out", n("Outgoing")}}
	Codecs     = Words{{"pcmu", n("G.711 µ-law")}, {"pcma", n("G.711 A-law")}, {"g722", n("G.722 (HD)")}, {"t38", n("T.38 fax")}}

	FaxStates = Words{{"queued", n("Waiting")}, {"probing", n("Calling ahead")}, {"dialling", n("Dialling")}, {"sending", n("Sending")}, {"receiving", n("Receiving")},
		{"delivering", n("Delivering")}, {"sent", n("Sent")}, {"received", n("Received")}, {"failed", n("Failed")}, {"cancelled", n("Cancelled")}}
	PageResults = Words{{"confirmed", n("Confirmed")}, {"rejected", n("Rejected")}, {"lost", n("Lost")}}

	ProvisioningStates = Words{{"idle", n("Nothing fetched")}, {"searching", n("Searching")}, {"fetching", n("Fetching")}, {"applying", n("Applying")}, {"trial", n("On trial")},
		{"rolling_back", n("Rolling back")}, {"good", n("In force")}, {"rolled_back", n("Rolled back")}, {"unproven", n("Not proven")}, {"failed", n("Failed")}}

	// AccountStates are what RADIUS said of the device, within a sentence.
	AccountStates = Words{{"", n("not asked yet")}, {"found", n("found")}, {"remembered", n("remembered from before: no server answers")},
		{"rejected", n("refused: the servers do not know this device")}, {"empty", n("accepted, but without an account")},
		{"unknown_flag", n("found, with something that this version does not know")}, {"disabled", n("found, but switched off")}, {"no_answer", n("no server answers")}}

	YesNo = Words{{"true", n("Yes")}, {"false", n("No")}}
	OnOff = Words{{"true", n("On")}, {"false", n("Off")}}
)
