package fax

import "tipring/t38/t30"

// Numbers of FB-Fax-Error-Code, in the vendor's number space: a base for each source and, but
// for the first one, a standard's code on top.
const (
	codeSIP3xx = 28160
	codeSIP4xx = 28416
	codeSIP5xx = 28672
	codeSIP6xx = 28928
	codeQ850   = 29184

	codeNoResponse  = 27976 // no server answered the INVITE
	codeNotAnswered = 27977 // no final response in time
	codeNoFax       = 27979 // answered, and neither fax tones nor T.38 came
	codeHungUp      = 27983 // BYE before the fax was complete
	codeSilent      = 27985 // T.38 is up, and nothing came for T1
	codeSIT         = 28023
	codeBusyTone    = 28024
	codeSpeech      = 28025
	codeRingback    = 28026
	codeFastBusy    = 28027
	codeCancelled   = codeSIP4xx + 87 // 487
)

// Of the failures of T.30 the vendor says that they are 27986 to 27997, from training to the
// end of a page and DCN. Which is which within that range is this program's choice.
var codesT30 = map[t30.Code]int{
	t30.NoIdentification: 27986, t30.NoCommand: 27986,
	t30.PeerLeftEarly: 27987,
	t30.CannotReceive: 27988, t30.NothingToPoll: 27988, t30.NothingHere: 27988, t30.BadDCS: 27988, t30.Incompatible: 27988,
	t30.SecretRefused: 27988, t30.Refused: 27988, t30.SecretUnwanted: 27988,
	t30.NoResponseToDCS: 27989, t30.NoRetrain: 27989,
	t30.TrainingFailed: 27990,
	t30.PeerLeftTrain:  27991,
	t30.NoCarrier:      27992, t30.NoPostMessage: 27992, t30.PageTooLong: 27992,
	t30.NoResponse: 27993, t30.NotReady: 27993, t30.NoResponseToCTC: 27993, t30.NoResponseToEOR: 27993, t30.NoResponseToRR: 27993,
	t30.PeerLeftPage: 27994, t30.PeerLeftResult: 27994,
	t30.PageRejected: 27995, t30.TooManyRepairs: 27995, t30.BadPages: 27995,
	t30.WrongResponse: 27996, t30.WrongCommand: 27996,
	t30.SourceError: 27997, t30.SinkError: 27997, t30.NoPages: 27997, t30.TakenOver: 27997, t30.CallTooLong: 27997,
}

var codesHeard = map[Sound]int{
	SpecialTone: codeSIT, BusyTone: codeBusyTone, FastBusy: codeFastBusy, Ringback: codeRingback,
}

// ErrorCode is FB-Fax-Error-Code of a call that went so; 0: success.
func ErrorCode(o *Outcome) int {
	switch heard := codesHeard[o.Heard]; {
	case o.OK:
		return 0
	case o.T30 == t30.Stopped:
		return codeCancelled
	case heard != 0 && !o.Begun:
		return heard
	case o.Voice:
		return codeSpeech
	case !o.Answered:
		return codeUnanswered(o)
	case o.T30 == t30.NoAnswer && o.Transport == "t38":
		return codeSilent
	case o.T30 == t30.NoAnswer:
		return codeNoFax
	case codesT30[o.T30] != 0:
		return codesT30[o.T30]
	case o.Cause != 0:
		return codeQ850 + o.Cause
	}
	return codeHungUp
}

func codeUnanswered(o *Outcome) int {
	switch c := o.Code; {
	case c >= 600 && c < 700:
		return codeSIP6xx + c - 600
	case c >= 500 && c < 600:
		return codeSIP5xx + c - 500
	case o.NoAnswer:
		return codeNotAnswered
	case c >= 400 && c < 500:
		return codeSIP4xx + c - 400
	case c >= 300 && c < 400:
		return codeSIP3xx + c - 300
	}
	return codeNoResponse
}

// Judge fills in what follows from the rest of an Outcome: ErrorCode, CalledResult of a fax
// that was sent, Busy, NoAnswer and Permanent. The owner of the call has filled in Code,
// Answered, Begun, Voice, Heard, OK, T30, Transport, and NoAnswer where the time to answer was over.
func (o *Outcome) Judge(sent bool) {
	if !o.OK && !o.Begun {
		o.Busy = o.Busy || o.Heard == BusyTone || o.Heard == FastBusy || !o.Answered && busyCodes[o.Code]
		o.NoAnswer = o.NoAnswer || o.Heard == Ringback || o.Heard == SpecialTone
	}
	o.ErrorCode = ErrorCode(o)
	o.Permanent = !o.OK && permanent(o)
	o.CalledResult = Unknown
	if sent {
		o.CalledResult = calledResult(o)
	}
}

// busyCodes are the responses that the vendor's engine takes as busy.
var busyCodes = map[int]bool{480: true, 486: true, 503: true, 600: true}

// calledResult is what a call tells of the called number. A failure of telephony or of servers
// says nothing.
func calledResult(o *Outcome) CalledNumberResult {
	switch {
	case o.OK:
		return Success
	case o.Begun:
		return FaxError
	case o.ErrorCode == codeSpeech, o.ErrorCode == codeNoFax:
		return VoiceError
	}
	return Unknown
}

// permanent tells that another try would end as this one did.
func permanent(o *Outcome) bool {
	switch {
	case o.T30 == t30.Stopped, o.ErrorCode == codeSpeech:
		return true
	case o.Busy, o.NoAnswer:
		return false
	case o.Answered:
		return permanentT30[o.T30]
	}
	return permanentSIP(o.Code)
}

// permanentT30 are the ends that lie in the document or in what the other machine is.
var permanentT30 = map[t30.Code]bool{
	t30.CannotReceive: true, t30.NothingToPoll: true, t30.NothingHere: true, t30.Incompatible: true,
	t30.SecretRefused: true, t30.SecretUnwanted: true, t30.SourceError: true, t30.NoPages: true,
}

// permanentSIP tells the responses that speak of the number or the caller (404: not in
// service) from those of the moment and of a server (RFC 3261 section 21).
func permanentSIP(code int) bool {
	switch code {
	case 401, 407, 408, 423, 425, 429, 430, 439, 480, 481, 482, 483, 486, 487, 491, 494, 600:
		return false
	case 501, 505, 513, 580:
		return true
	}
	return code >= 300 && code < 500 || code >= 600
}
