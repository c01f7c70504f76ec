package lines

import (
	"cmp"
	"errors"
	"strconv"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/digest"
	"tipring/registrar"
)

// checkSync is the event by which a server asks a device to look for new settings. No RFC
// knows it; all makers do. Cisco calls it resync too.
const checkSync = "check-sync"

// syncGap is the least time between two looks that a server may ask for.
const syncGap = 30 * time.Second

// A syncer judges check-sync NOTIFYs. That they come from a server of the line is known
// by now, but over UDP an address is easily forged, and a network of devices that all
// fetch at once is worth forging one: the sender proves that it knows the line's password.
type syncer struct {
	verifier *digest.Verifier
	last     time.Time // accepted
}

// synced takes a NOTIFY that asks to look for settings.
func (l *Line) synced(now time.Time, in *ua.Incoming) {
	if l.cfg.AuthPassword == "" {
		l.log.Warn("check-sync refused: the line has no password to prove it with", "from", in.From)
		in.Respond(now, 403, "No Password To Prove It With")
		return
	}
	if l.syncer == nil {
		l.syncer = &syncer{verifier: digest.NewVerifier(l.syncRealm(), l.password)}
		// The sender knows the line's address; a proxy of its has put the Contact in place of it.
		l.syncer.verifier.AnyURI = true
	}
	_, err := l.syncer.verifier.Check(now, in.Req, digest.UserAgent)
	switch {
	case errors.Is(err, digest.ErrNoCredentials), errors.Is(err, digest.ErrWrongPassword), errors.Is(err, digest.ErrStale):
		res := l.syncer.verifier.Challenge(now, in.Req, digest.UserAgent, errors.Is(err, digest.ErrStale))
		res.To = res.To.WithTag(in.Tag)
		in.RespondWith(now, res)
		return
	case err != nil:
		in.Respond(now, 400, "")
		return
	}
	if wait := l.syncer.last.Add(syncGap).Sub(now); !l.syncer.last.IsZero() && wait > 0 {
		res := in.Response(503, "Asked A Moment Ago")
		res.Header.Add("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
		in.RespondWith(now, res)
		return
	}
	l.syncer.last = now
	in.Respond(now, 200, "")
	l.log.Info("check-sync", "from", in.From, "event", in.Req.Header.Get("Event"))
	l.dev.Owner.CheckSync(l.cfg.N)
}

// syncRealm is the realm in which the line proves who asks: its own at its servers.
func (l *Line) syncRealm() string {
	if s := l.servers[registrar.Primary]; l.cfg.Realm == "" && s != nil {
		return l.aor(s).Host
	}
	return l.cfg.Realm
}

func (l *Line) password(username string) (string, bool) {
	return l.cfg.AuthPassword, username == cmp.Or(l.cfg.AuthUser, l.cfg.Username)
}

// asksToSync reports a NOTIFY, outside any subscription, that asks to look for settings.
func asksToSync(req *sipmsg.Message) bool {
	pkg, _, _ := req.Event()
	return req.To.Tag() == "" && (pkg == checkSync || pkg == "resync")
}
