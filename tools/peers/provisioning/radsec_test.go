package provisioning

import (
	"strings"
	"testing"

	"tipring/tools/peers/certs"
	"tipring/tools/peers/freeradius"
	"tipring/tools/peers/kamailio"
)

// Over RadSec nobody else reads what RADIUS says: an argument may hold a password, which over
// UDP is refused.
func TestRadsec(t *testing.T) {
	t.Parallel()
	w := &provider{world: newWorld(t), dict: dictionary(t)}
	pair := w.ca.Server("radsec", certs.Good, "10.9.0.3")
	password := kamailio.Password("1002")
	w.radius = freeradius.Start(t, w.lan.Host("radius", 3), freeradius.Options{
		Signs: true, Requires: true, TLS: &pair, Dictionary: w.dict,
		Users: strings.Replace(users, "PLANTED-arg", password, 1),
	})

	clear := begin(t, w.host, "02:00:00:00:00:E5", own(), w.factory())
	if p := clear.looked(); p.State != "failed" || !strings.Contains(p.Error, "allow_clear_secrets") {
		t.Errorf("over UDP: %+v", p)
	}
	clear.Stop()

	d := begin(t, w.host, "02:00:00:00:00:E5", own(), w.factory().Set("radius", "servers", "10.9.0.3;tls"))
	d.registered("primary", 1)
	if p := d.good(); p.Source != "radius:10.9.0.3:2083" {
		t.Errorf("%+v", p)
	}
	d.wants(map[string][2]string{
		"sip1.auth_password": {"********", "radius:10.9.0.3:2083"},
		"sip1.username":      {"1002", "radius:10.9.0.3:2083"},
	})
	d.silent(password, freeradius.Secret)
}
