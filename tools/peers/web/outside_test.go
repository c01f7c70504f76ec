package web

import (
	"path/filepath"
	"strings"
	"testing"

	"tipring/tools/peers/browser"
	"tipring/tools/peers/faxend"
	"tipring/tools/peers/faxlab"
	"tipring/tools/peers/finding"
	"tipring/tools/peers/freeradius"
	"tipring/tools/peers/netlab"
)

// What a far fax machine calls itself, what a RADIUS server replies, what DHCP says where settings
// are, and whose messages wait, are text on every page that shows them: all of them are somebody's
// who is not the owner.
func TestTextsFromMachinesAndServers(t *testing.T) {
	t.Parallel()
	const (
		ident = `<inj-x a="1">&'` // twenty octets at most
		reply = `"><img src=x onerror=top.injected=2><inj-x b='2'>`
		file  = `http://10.9.0.99/<inj-x c=3>/x.ini`
	)
	dir := t.TempDir()
	f := &faxed{Lab: faxlab.New(t, 1, func(string, int) faxend.Script {
		return faxend.Script{Switch: faxend.AtOnce, Recv: filepath.Join(dir, "far"), Options: []string{"--ident", ident}}
	}), t: t}
	f.desk = f.Lan.Host("desk", 30)
	radius := freeradius.Start(t, f.Lan.Host("radius", 41), freeradius.Options{
		Signs: true, Users: "DEFAULT Auth-Type := Accept\n\tReply-Message = '" + strings.ReplaceAll(reply, "'", `\'`) + "'\n",
	})
	finding.ServeDHCP(t, f.Lan.Host("dhcp", 42), "66,"+file)
	f.Config.Set("web", "listen", ":8080").Set("port1", "driver", "none").Set("provisioning", "order", "dhcp").
		Set("radius", "servers", radius.Auth.String()).Set("radius", "secret", freeradius.Secret).Set("radius", "account", "provider")
	f.Run(1)
	f.address = "http://" + f.Host.Addr.String() + ":8080"
	b := signedIn(t, f.desk, browser.Desktop, f.Agent, f.address)
	shows := func(path, text string) {
		t.Helper()
		b.Go(f.address + path)
		if !netlab.Until(browser.Patience, func() bool { return strings.Contains(b.Text(""), text) }) {
			t.Errorf("%s does not show %s:\n%s", path, text, b.Text(""))
		}
		clean(t, b, path)
	}

	id := faxlab.SendDocument(t, f.Agent, 1, "601", faxlab.NewDocument(t, 1, 300, 1).File)
	faxlab.WaitFax(t, f.Agent, faxlab.Patience, faxlab.OnPort(1, "out"), "sent")
	shows("/fax/"+id, ident)

	b.Go(f.address + "/radius")
	b.Press("Ask")
	b.UntilText("main", reply)
	clean(t, b, "/radius")

	shows("/provisioning", file)
	for _, path := range []string{"/", "/provisioning/explain", "/calls", "/fax", "/line/1/messages"} {
		b.Go(f.address + path)
		clean(t, b, path)
	}
	shows("/system/log", "<inj-x c=3>")
}
