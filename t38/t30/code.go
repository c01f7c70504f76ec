package t30

import "fmt"

// Code says how a call ended. The numbers are this package's own and do not change: they
// may be stored and compared. 0 is success; below 100 the end was in phases A and B, below
// 200 while training, below 300 in the page or after it, below 400 the application's doing.
type Code uint16

// The ways a call ends.
const (
	OK Code = 0

	NoAnswer         Code = 1  // T0 or T1: nothing was heard that is facsimile
	NoIdentification Code = 2  // T1: signals were heard, but no valid DIS, DTC or DCS
	PeerLeftEarly    Code = 3  // DCN in phase B
	CannotReceive    Code = 4  // the other side is no receiver
	NothingToPoll    Code = 5  // the other side has no document
	NothingHere      Code = 6  // the other side polls, and there is no document here
	BadDCS           Code = 7  // a DCS with an invalid rate, or with what was not offered
	Incompatible     Code = 8  // no common modulation or form of page
	SecretRefused    Code = 9  // PWD was wanted and not given right
	Refused          Code = 10 // Admit said no
	SecretUnwanted   Code = 11 // the other side does not take the PWD, SUB or SEP that was to be sent
	NoCommand        Code = 12 // called for polling, or back in phase B: no DCS after DTC

	NoResponseToDCS Code = 100 // three times DCS and TCF
	TrainingFailed  Code = 101 // FTT at the lowest rate, again and again
	PeerLeftTrain   Code = 102 // DCN instead of CFR or FTT; receiving, instead of TCF
	NoRetrain       Code = 103 // T2: no new DCS after FTT

	NoCarrier       Code = 200 // T2: no page and no command after CFR
	NoPostMessage   Code = 201 // T2: no command behind a page
	NoResponse      Code = 202 // three times a post-message command
	PeerLeftPage    Code = 203 // DCN, receiving, before the last page was acknowledged
	PeerLeftResult  Code = 204 // DCN, sending, instead of a response behind a page
	PageRejected    Code = 205 // RTN again and again: the copy quality of a page was not accepted
	TooManyRepairs  Code = 206 // ECM: PPR again and again, ended with EOR
	NotReady        Code = 208 // ECM: RNR for all of T5
	NoResponseToCTC Code = 209 // three times CTC
	NoResponseToEOR Code = 210 // three times EOR
	NoResponseToRR  Code = 211 // three times RR
	WrongResponse   Code = 212 // an answer that does not belong to the command, three times
	WrongCommand    Code = 213 // a command that cannot follow what was before
	PageTooLong     Code = 214 // a page's signal without end
	BadPages        Code = 215 // received to the end, but pages are damaged that were not accepted

	Stopped     Code = 300 // by the application
	LineLost    Code = 301 // hung up without DCN
	SourceError Code = 302 // the document could not be read
	SinkError   Code = 303 // a page could not be stored
	NoPages     Code = 304 // the document is empty
	TakenOver   Code = 305 // by an operator, for speech
	CallTooLong Code = 306 // the limit of the whole call
)

var codeTexts = map[Code]string{
	OK:               "all pages confirmed",
	NoAnswer:         "no facsimile machine heard",
	NoIdentification: "the other machine's identification could not be read",
	PeerLeftEarly:    "the other machine disconnected before it stated what it can do",
	CannotReceive:    "the other machine does not receive",
	NothingToPoll:    "the other machine has no document to poll",
	NothingHere:      "the other machine polls, and there is no document here",
	BadDCS:           "the other machine commands a mode that is invalid or was not offered",
	Incompatible:     "no mode common to both machines",
	SecretRefused:    "password missing or wrong",
	Refused:          "the other machine was not admitted",
	SecretUnwanted:   "the other machine takes no subaddress, selection or password",
	NoCommand:        "no command after the request to send",
	NoResponseToDCS:  "no answer to three trainings",
	TrainingFailed:   "training failed down to the lowest rate",
	PeerLeftTrain:    "the other machine disconnected during training",
	NoRetrain:        "no new training after a failed one",
	NoCarrier:        "no page signal after the training was confirmed",
	NoPostMessage:    "no command after a page",
	NoResponse:       "no answer to three commands after a page",
	PeerLeftPage:     "the other machine disconnected before its last page was acknowledged",
	PeerLeftResult:   "the other machine disconnected instead of acknowledging a page",
	PageRejected:     "a page was rejected again and again",
	TooManyRepairs:   "a page needed too many repairs",
	NotReady:         "the other machine was not ready for too long",
	NoResponseToCTC:  "no answer to three commands to continue to correct",
	NoResponseToEOR:  "no answer to three ends of retransmission",
	NoResponseToRR:   "no answer to three questions whether the receiver is ready",
	WrongResponse:    "the other machine's answers do not belong to the commands",
	WrongCommand:     "the other machine's command cannot follow what was before",
	PageTooLong:      "a page's signal did not end",
	BadPages:         "received to the end, with pages damaged",
	Stopped:          "stopped by the application",
	LineLost:         "the line was lost",
	SourceError:      "the document could not be read",
	SinkError:        "a page could not be stored",
	NoPages:          "the document has no pages",
	TakenOver:        "taken over by an operator",
	CallTooLong:      "the call lasted too long",
}

// String is one sentence for the operator.
func (c Code) String() string {
	if s, ok := codeTexts[c]; ok {
		return s
	}
	return fmt.Sprintf("code %d", uint16(c))
}

// Codes lists every code there is, in rising order.
func Codes() []Code {
	list := make([]Code, 0, len(codeTexts))
	for c := range Code(400) {
		if _, ok := codeTexts[c]; ok {
			list = append(list, c)
		}
	}
	return list
}
