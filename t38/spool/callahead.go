package spool

// Modes of call-ahead, as FB-Call-Ahead-Mode has them.
const (
	ModeNever   = 0
	ModeDynamic = 1
	ModeAlways  = 2
)

// An Answer is what a provider said when it was asked whether to call a number ahead.
type Answer struct {
	Kind  AnswerKind
	Value int // of Said
}

// AnswerKind is how a provider answered.
type AnswerKind uint8

// The ways. Only a provider that is not asked, or is silent, leaves the decision to the
// device's own memory.
const (
	NotAsked AnswerKind = iota // none is configured
	NoAnswer                   // in time
	Rejected
	Absent // an answer that does not say
	Said
)

// A Question is all that the decision about a call-ahead rests on.
type Question struct {
	Mode    string // the port's call_ahead: never, dynamic or always; empty: as the account has it
	Account *int   // FB-Call-Ahead-Mode of the account; nil: it does not say
	Ask     func() Answer
	Memory  *Memory // nil: none
	Number  string
}

// Decide tells whether a fax is preceded by a call that finds out who answers, and why, in
// words. In doubt it is: only an explicit no, or a fax machine that is known to be there,
// spares it. Ask is called in mode dynamic alone; nil stands for NotAsked.
func Decide(q Question) (ahead bool, why string) {
	switch q.mode() {
	case ModeNever:
		return false, "call-ahead is off" + q.by()
	case ModeAlways:
		return true, "call-ahead is always on" + q.by()
	}
	answer := Answer{}
	if q.Ask != nil {
		answer = q.Ask()
	}
	switch {
	case answer.Kind == Said && answer.Value == 0:
		return false, "the provider says that no call is needed"
	case answer.Kind == Said:
		return true, "the provider asks for it"
	case answer.Kind == Rejected:
		return true, "the provider rejected the question"
	case answer.Kind == Absent:
		return true, "the provider does not say"
	}
	return q.remember(answer)
}

// mode is the port's, else the account's, else dynamic (the account's own default).
func (q *Question) mode() int {
	switch {
	case q.Mode == "never":
		return ModeNever
	case q.Mode == "always":
		return ModeAlways
	case q.Mode == "" && q.Account != nil && (*q.Account == ModeNever || *q.Account == ModeAlways):
		return *q.Account
	}
	return ModeDynamic
}

func (q *Question) by() string {
	if q.Mode == "" {
		return " for this account"
	}
	return " for this port"
}

// remember decides by what earlier calls told.
func (q *Question) remember(a Answer) (ahead bool, why string) {
	before := ""
	if a.Kind == NoAnswer {
		before = "the provider did not answer, and "
	}
	fax, known := false, false
	if q.Memory != nil {
		fax, known = q.Memory.Known(q.Number)
	}
	switch {
	case !known:
		return true, before + "the number was not called before"
	case fax:
		return false, before + "a fax machine answered there before"
	default:
		return true, before + "a voice answered there before"
	}
}
