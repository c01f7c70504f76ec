package api

import (
	"context"
	"net/http"
)

// Role says what somebody may do: each role all that those before it may.
type Role uint8

// The roles.
const (
	Anyone  Role = iota // everybody who reaches the device
	Scraper             // who asks for /metrics from the device itself
	User                // sees what the device does, calls and faxes
	Admin               // changes the device, and sees what may name secrets
)

// String names the role as the interface does.
func (r Role) String() string {
	return [...]string{"anyone", "scraper", "user", "admin"}[r]
}

// A Visitor is who sent a request.
type Visitor struct {
	Name  string // of the user, or of the token; empty: nobody knows
	Role  Role
	Via   string // session token socket; empty: nobody knows
	Since string // id of the session or token, which says nothing to a thief
}

// A Gate decides who somebody is.
type Gate interface {
	// Visitor returns who sent the request, or why it is refused whatever it asks for.
	Visitor(r *http.Request) (Visitor, *Problem)
}

// A Watcher is a Gate whose visitors may stay for a while, as readers of a stream do.
type Watcher interface {
	Gate
	// Still returns who sent the request that is still being answered, or why he may see no
	// more. It does not count as a visit: a page that is left open keeps no session alive.
	Still(r *http.Request) (Visitor, *Problem)
}

// Open is the gate of the control socket: whoever may open it may do everything.
type Open struct{}

// Visitor lets the request pass.
func (Open) Visitor(*http.Request) (Visitor, *Problem) {
	return Visitor{Role: Admin, Via: "socket"}, nil
}

type (
	visitorKey struct{}
	gateKey    struct{}
)

func withVisitor(ctx context.Context, v Visitor) context.Context {
	return context.WithValue(ctx, visitorKey{}, v)
}

func withGate(ctx context.Context, g Gate) context.Context {
	return context.WithValue(ctx, gateKey{}, g)
}

// stillThere asks the gate once more for the visitor of a request: he may have logged out, or
// be allowed less than when he came.
func stillThere(r *http.Request) bool {
	var v Visitor
	var p *Problem
	switch g := r.Context().Value(gateKey{}).(type) {
	case Watcher:
		v, p = g.Still(r)
	case Gate:
		v, p = g.Visitor(r)
	}
	return p == nil && v.Role >= VisitorOf(r.Context()).Role
}

// VisitorOf is who sent the request of a context.
func VisitorOf(ctx context.Context) Visitor {
	v, _ := ctx.Value(visitorKey{}).(Visitor)
	return v
}

// may returns nil when the visitor may use the route, or what to answer.
func (v Visitor) may(r *http.Request, route *route) *Problem {
	least := route.For
	if least == Anyone && isVerbose(r) {
		least = User
	}
	switch {
	case v.Role >= least:
		return nil
	case v.Role < User: // nobody has logged in
		return problem(http.StatusUnauthorized, "log in first, or send a token")
	}
	return problem(http.StatusForbidden, v.Role.String()+" "+v.Name+" may not: "+route.Path+" is for "+least.String())
}
