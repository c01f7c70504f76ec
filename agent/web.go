package agent

import (
	"net/http"

	"tipring/internal/config"
	"tipring/webui"
	"tipring/webui/access"
	"tipring/webui/api"
)

// A page is what the network sees of the device: its listeners, and who may use them.
type page struct {
	desk   *access.Desk
	server *webui.Server

	announced bool // the claim code was logged
}

// openDesk reads who may use the device.
func (a *Agent) openDesk() {
	a.page.desk = access.Open(access.Options{
		Dir: a.dir, Log: a.log, FirstPassword: func() string { return a.config().Web.FirstPassword },
	})
}

// openWeb adds the routes of logging in, and makes what will serve all of them.
func (a *Agent) openWeb(routes *api.API) {
	routes.HandleAccess(a.page.desk)
	server := webui.New(webui.Options{API: routes, Desk: a.page.desk, Dir: a.dir, Log: a.log, Now: a.clock.Now, Visited: a.changed})
	a.turn.Lock()
	defer a.turn.Unlock()
	a.page.server = server
}

// serveWeb begins to serve the routes to the network.
func (a *Agent) serveWeb() {
	a.turn.Lock()
	defer a.turn.Unlock()
	a.setWeb()
}

// setWeb has the page served where the configuration says, and logs the claim code while nobody
// may use it. The lock turn is held.
func (a *Agent) setWeb() {
	if a.page.server == nil {
		return // Run has not begun
	}
	web := a.config().Web
	if served := web.Listen != "" || web.TLSListen != ""; served && !a.page.announced {
		a.page.announced = true
		a.page.desk.Announce()
	}
	a.page.server.Configure(web)
}

// shutsOut are the ways in which settings of the page would shut out whoever sent a request.
func (a *Agent) shutsOut(web config.Web, by *http.Request) (list []api.Fault) {
	a.turn.Lock()
	server := a.page.server
	a.turn.Unlock()
	if server == nil || api.VisitorOf(by.Context()).Via == "socket" {
		return nil
	}
	for _, x := range server.ShutsOut(web, by) {
		list = append(list, api.Fault{Section: "web", Key: api.Text(x.Key), Text: x.Text})
	}
	return list
}

// closeWeb ends what openWeb and serveWeb began.
func (a *Agent) closeWeb() {
	a.page.server.Close()
	a.page.desk.Close()
}
