package api

import (
	"net/http"
)

// Telephones is what people set at their telephones, and the calls that they missed.
type Telephones interface {
	// Features tells what a port has set. The error wraps ErrNotFound for a port that is none of
	// a telephone.
	Features(port int) (Features, error)
	// ChangeFeatures changes what is not nil. What it returns wraps ErrInvalid for what cannot be.
	ChangeFeatures(port int, c FeatureChange) error
	// Missed lists the missed calls, the newest first.
	Missed() []MissedCall
	// ForgetMissed empties that list.
	ForgetMissed() error
}

// Features is /ports/{n}/features: what a telephone has set.
type Features struct {
	Port            int  `json:"port"`
	ForwardAll      Text `json:"forward_all"` // numbers
	ForwardBusy     Text `json:"forward_busy"`
	ForwardNoAnswer Text `json:"forward_no_answer"`
	NoAnswerS       int  `json:"no_answer_s"`      // how long it rings before
	DND             bool `json:"dnd"`              // calls are refused as busy
	HideNumber      bool `json:"hide_number"`      // of every call
	RejectAnonymous bool `json:"reject_anonymous"` // callers who hide are refused
	CallWaiting     bool `json:"call_waiting"`     // a second call is announced

	SpeedDials  map[string]string `json:"speed_dials"` // numbers by a digit
	LastCaller  Text              `json:"last_caller"`
	LastDialled Text              `json:"last_dialled"`
	StarCodes   string            `json:"star_codes"` // local server off
	Codes       []StarCode        `json:"codes"`      // that this device acts on
}

// StarCode is a code that a telephone dials.
type StarCode struct {
	Name string `json:"name"` // what it does, as star_code_table calls it
	Code string `json:"code"`
}

// FeatureChange is what is to be set; nil: it stays as it is. An empty text takes a forward or a
// speed dial away.
type FeatureChange struct {
	ForwardAll, ForwardBusy, ForwardNoAnswer      *Text
	NoAnswerS                                     *int
	DND, HideNumber, RejectAnonymous, CallWaiting *bool
	SpeedDials                                    map[string]Text
}

// MissedCall is a call that nobody answered.
type MissedCall struct {
	Line   int  `json:"line"`
	Number Text `json:"number"` // null: the caller hid
	Name   Text `json:"name"`
	At     Time `json:"at"`
}

// HandleTelephones adds their routes.
func (a *API) HandleTelephones(t Telephones) {
	const v1 = "/api/v1"
	h := telephoneRoutes{a, t}
	a.Handle(
		Route{"GET", v1 + "/ports/{n}/features", User, h.get},
		Route{"PATCH", v1 + "/ports/{n}/features", User, h.change},
		Route{"GET", v1 + "/missed", User, h.missed},
		Route{"DELETE", v1 + "/missed", User, h.forget},
	)
}

type telephoneRoutes struct {
	*API
	telephones Telephones
}

func (h telephoneRoutes) get(w http.ResponseWriter, r *http.Request) {
	if port, ok := h.port(w, r); ok {
		h.show(w, r, port.Port)
	}
}

func (h telephoneRoutes) show(w http.ResponseWriter, r *http.Request, port int) {
	f, err := h.telephones.Features(port)
	if err != nil {
		h.fail(w, r, ProblemOf(err))
		return
	}
	f.Codes = list(f.Codes)
	if f.SpeedDials == nil {
		f.SpeedDials = map[string]string{}
	}
	h.answer(w, r, http.StatusOK, f)
}

func (h telephoneRoutes) change(w http.ResponseWriter, r *http.Request) {
	port, ok := h.port(w, r)
	if !ok {
		return
	}
	var c FeatureChange
	if !h.read(w, r,
		field{"forward_all", &c.ForwardAll}, field{"forward_busy", &c.ForwardBusy}, field{"forward_no_answer", &c.ForwardNoAnswer},
		field{"no_answer_s", &c.NoAnswerS}, field{"dnd", &c.DND}, field{"hide_number", &c.HideNumber},
		field{"reject_anonymous", &c.RejectAnonymous}, field{"call_waiting", &c.CallWaiting}, field{"speed_dials", &c.SpeedDials},
	) {
		return
	}
	if err := h.telephones.ChangeFeatures(port.Port, c); err != nil {
		h.fail(w, r, ProblemOf(err))
		return
	}
	h.show(w, r, port.Port)
}

func (h telephoneRoutes) missed(w http.ResponseWriter, r *http.Request) {
	h.answer(w, r, http.StatusOK, list(h.telephones.Missed()))
}

func (h telephoneRoutes) forget(w http.ResponseWriter, r *http.Request) {
	if err := h.telephones.ForgetMissed(); err != nil {
		h.fail(w, r, ProblemOf(err))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
