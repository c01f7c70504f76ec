package agent

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"testing"

	"tipring/webui/api"
)

// A request that is still being worked on at the end is cut short, and no reason to end in
// bad order.
func TestRequestIsCutShortAtTheEnd(t *testing.T) {
	dir, asked := t.TempDir(), make(chan struct{})
	a := &Agent{log: slog.New(slog.DiscardHandler)}
	socket, err := api.ServeSocket(nil, dir, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	}), a.log)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, api.SocketName))
	}}}
	cut := make(chan error)
	go func() {
		_, err := client.Get("http://tipring/")
		cut <- err
	}()
	<-asked
	if err := a.closeSocket(socket); err != nil {
		t.Errorf("the end: %v", err)
	}
	if err := <-cut; err == nil {
		t.Error("the request was answered")
	}
}
