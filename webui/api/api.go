// Package api is the HTTP interface of the device: JSON under /api/v1, errors as
// problem details (RFC 9457), Prometheus text at /metrics. It keeps no state of its
// own: the agent hands in a Device, which tells snapshots and takes actions.
//
// Every route stands in one table, which says for whom it is, and behind one Gate, which
// says who is there. On the control socket the gate is Open, because the file's mode 0600
// is the gate there; listeners bring their own. The pages stand in the same table, added
// with Handle, and use the other routes through Ask.
//
// Besides the goroutines of net/http the package starts one, in ServeSocket, and
// ends it in Close.
package api

import (
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tipring/internal/metrics"
)

// A Route is one method of one path.
type Route struct {
	Method string // GET routes answer HEAD too
	Path   string // with {name} for a segment that the handler asks r.PathValue for
	For    Role   // the least that a visitor must be
	Handle http.HandlerFunc
}

// An API serves the routes of one device.
type API struct {
	device  Device
	metrics *metrics.Set
	log     *slog.Logger
	routes  []route

	bodyWait time.Duration
	refuse   func(http.ResponseWriter, *http.Request, *Problem)
}

type route struct {
	Route
	segments []string
	body     int64 // most octets of a request's body
	page     bool  // for people: refused by a page
	upload   bool  // its body is not a form that is read for it
}

// New makes the interface of a device. set may be nil; its metrics follow those that
// are made from the device's snapshots.
func New(device Device, set *metrics.Set, log *slog.Logger) *API {
	a := &API{device: device, metrics: set, log: log, bodyWait: bodyWait}
	a.Handle(a.deviceRoutes()...)
	return a
}

// Handle adds routes. It must not be called once the API serves.
func (a *API) Handle(routes ...Route) {
	for _, r := range routes {
		a.handle(r, maxBody)
	}
}

// handle adds a route with a bound of its own.
func (a *API) handle(r Route, body int64) {
	a.routes = append(a.routes, route{Route: r, segments: strings.Split(r.Path, "/"), body: body})
}

// HandlePages adds routes that are for people, with small forms. Where one of them is refused,
// and where somebody looks for a page that is not there, refuse answers. Like Handle it must not
// be called once the API serves.
func (a *API) HandlePages(refuse func(http.ResponseWriter, *http.Request, *Problem), pages ...Route) {
	a.refuse = refuse
	a.HandleForms(Form{Max: maxForm}, pages...)
}

// HandleForms adds routes that are for people, with forms of one kind. GET has none.
func (a *API) HandleForms(f Form, pages ...Route) {
	for _, r := range pages {
		x := route{Route: r, segments: strings.Split(r.Path, "/"), page: true}
		if r.Method != http.MethodGet {
			x.body, x.upload = f.Max, f.Upload
		}
		a.routes = append(a.routes, x)
	}
}

// Routes lists every route, in the order in which they were added.
func (a *API) Routes() []Route {
	all := make([]Route, len(a.routes))
	for i, r := range a.routes {
		all[i] = r.Route
	}
	return all
}

// Behind is the handler that serves the routes behind a gate.
func (a *API) Behind(gate Gate) http.Handler { return &handler{a, gate} }

type handler struct {
	api  *API
	gate Gate
}

// ServeHTTP finds the route, asks the gate, and hands the request on.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	visitor, p := h.gate.Visitor(r)
	if p != nil {
		h.refuse(w, r, nil, p)
		return
	}
	r = r.WithContext(withGate(withVisitor(r.Context(), visitor), h.gate))
	found, values, allowed := h.api.find(r)
	switch {
	case found == nil && allowed == nil:
		p = problem(http.StatusNotFound, "there is no "+r.URL.Path)
	case found == nil:
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		p = problem(http.StatusMethodNotAllowed, r.URL.Path+" takes "+strings.Join(allowed, ", "))
	default:
		p = visitor.may(r, found)
	}
	if p != nil {
		h.refuse(w, r, found, p)
		return
	}
	for i, segment := range found.segments {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			r.SetPathValue(strings.TrimSuffix(name, "}"), values[i])
		}
	}
	r.Body = http.MaxBytesReader(w, r.Body, found.body)
	if found.page && found.body > 0 {
		if p = h.api.takeForm(w, r, found.upload); p != nil {
			h.refuse(w, r, found, p)
			return
		}
	}
	found.Handle(w, r)
}

// refuse answers a request that goes no further: in the words of a page to whoever looks for
// one.
func (h *handler) refuse(w http.ResponseWriter, r *http.Request, found *route, p *Problem) {
	page := found != nil && found.page || found == nil && !strings.HasPrefix(r.URL.Path, "/api/") && strings.Contains(r.Header.Get("Accept"), "text/html")
	if page && h.api.refuse != nil {
		h.api.refuse(w, r, p)
		return
	}
	h.api.fail(w, r, p)
}

// Bounds of a request's body, in octets, but for routes that take documents.
const (
	maxBody     = 16 << 10
	maxSettings = 2 << 20 // a whole configuration
)

// find returns the request's route and the segments of its path. Without a route for
// the method it returns the methods that the path takes; none means an unknown path.
func (a *API) find(r *http.Request) (found *route, values, allowed []string) {
	values = strings.Split(r.URL.EscapedPath(), "/")
	for i, v := range values {
		plain, err := url.PathUnescape(v)
		if err != nil {
			return nil, nil, nil
		}
		values[i] = plain
	}
	for i := range a.routes {
		route := &a.routes[i]
		if !route.matches(values) {
			continue
		}
		if route.Method == r.Method || route.Method == http.MethodGet && r.Method == http.MethodHead {
			return route, values, nil
		}
		if !slices.Contains(allowed, route.Method) {
			allowed = append(allowed, route.Method)
		}
	}
	return nil, values, allowed
}

func (r *route) matches(values []string) bool {
	if len(values) != len(r.segments) {
		return false
	}
	for i, segment := range r.segments {
		if strings.HasPrefix(segment, "{") && values[i] != "" {
			continue
		}
		if segment != values[i] {
			return false
		}
	}
	return true
}
