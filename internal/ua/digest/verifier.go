package digest

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"tipring/internal/sipmsg"
)

// A Verifier asks for credentials and checks them (RFC 3261 section 22.1). Its nonces
// carry their time and a seal, so that none is stored before it is used; a used one is
// remembered with its highest nc, so that no answer counts twice. One goroutine owns it.
type Verifier struct {
	// Algorithms are offered in this order; empty stands for SHA-256, then MD5.
	Algorithms []Algorithm
	// Life is how long a nonce may be used; zero stands for 5 minutes.
	Life time.Duration
	// MaxNonces bounds the used nonces remembered; zero stands for 1024. Beyond it the
	// oldest become stale.
	MaxNonces int
	// AnyURI takes a uri parameter that is not the Request-URI, as a proxy on the way
	// may have changed that.
	AnyURI bool

	realm    string
	password func(username string) (password string, ok bool)
	key      [32]byte
	used     map[[nonceOctets]byte]uint32 // highest nc by nonce
	order    [][nonceOctets]byte          // of first use
	floor    time.Time                    // no nonce made before is good any more
}

// A nonce is the time it was made, a random number, and a seal over both.
const (
	nonceOctets = 8 + 8 + sealOctets
	sealOctets  = 16
)

// NewVerifier makes a verifier of a realm. password looks a user up.
func NewVerifier(realm string, password func(username string) (string, bool)) *Verifier {
	v := &Verifier{realm: realm, password: password, used: map[[nonceOctets]byte]uint32{}}
	rand.Read(v.key[:]) // never fails
	return v
}

// String names the realm alone.
func (v *Verifier) String() string { return "digest verifier of " + v.realm }

// GoString keeps the key out of %#v.
func (v *Verifier) GoString() string { return v.String() }

// LogValue keeps the key out of a log.
func (v *Verifier) LogValue() slog.Value { return slog.StringValue(v.String()) }

// Challenge builds the 401 or 407 to req, with one challenge for each algorithm (RFC
// 8760 section 2). stale says that the password was not the fault. A To tag is the
// caller's to add.
func (v *Verifier) Challenge(now time.Time, req *sipmsg.Message, role Role, stale bool) *sipmsg.Message {
	res := req.Response(role.Status(), "")
	nonce := v.newNonce(now)
	for _, a := range v.algorithms() {
		c := "Digest realm=" + quote(v.realm) + `, nonce="` + nonce + `", algorithm=` + a.String() + `, qop="auth,auth-int"`
		if stale {
			c += ", stale=true"
		}
		res.Header.Add(role.challenge(), c)
	}
	return res
}

// Check looks for credentials of this realm in req and tells whose they are. The error
// is an *Error: ErrNoCredentials and ErrStale ask for a challenge (the latter with
// stale), ErrWrongPassword for a challenge or a refusal, the others for a 400.
func (v *Verifier) Check(now time.Time, req *sipmsg.Message, role Role) (username string, err error) {
	fail := func(kind error, detail string) (string, error) {
		return "", &Error{Kind: kind, Realm: v.realm, Detail: detail}
	}
	c, err := v.find(req, role)
	if err != nil {
		return fail(ErrMalformed, err.Error())
	}
	if c == nil {
		return fail(ErrNoCredentials, "")
	}
	a, sess, ok := algorithm(c.raw("algorithm"))
	if !ok || sess || !v.offers(a) {
		return fail(ErrUnsupported, "algorithm "+c.raw("algorithm"))
	}
	qop := strings.ToLower(c.raw("qop"))
	if qop != auth && qop != authInt {
		return fail(ErrUnsupported, "qop "+c.raw("qop"))
	}
	count, err := strconv.ParseUint(c.raw("nc"), 16, 32)
	if err != nil || len(c.raw("nc")) != 8 || c.raw("cnonce") == "" {
		return fail(ErrMalformed, "nc or cnonce")
	}
	if uri, err := sipmsg.ParseURI(c.value("uri")); !v.AnyURI && (err != nil || !uri.Equal(req.RequestURI)) {
		return fail(ErrMalformed, "uri is not the Request-URI")
	}
	username = c.value("username")
	password, known := v.password(username)
	want := proof{
		algorithm: a, username: username, realm: v.realm, password: password,
		nonce: c.value("nonce"), cnonce: c.value("cnonce"), nc: c.raw("nc"), qop: qop,
		method: req.Method, uri: c.value("uri"), body: req.Body,
	}.response()
	right := subtle.ConstantTimeCompare([]byte(want), []byte(strings.ToLower(c.raw("response")))) == 1
	if !known || !right {
		return fail(ErrWrongPassword, "")
	}
	// After the password, so that stale=true is said to those alone who know it.
	if !v.use(now, c.raw("nonce"), uint32(count)) {
		return fail(ErrStale, "")
	}
	return username, nil
}

// find is the Digest credentials of this realm among those of req, nil without any.
func (v *Verifier) find(req *sipmsg.Message, role Role) (*statement, error) {
	for _, line := range req.Header.Values(role.answer()) {
		all, err := parseStatements(line)
		if err != nil {
			return nil, err
		}
		for i := range all {
			if strings.EqualFold(all[i].scheme, "Digest") && all[i].value("realm") == v.realm {
				return &all[i], nil
			}
		}
	}
	return nil, nil
}

func (v *Verifier) algorithms() []Algorithm {
	if len(v.Algorithms) == 0 {
		return []Algorithm{SHA256, MD5}
	}
	return v.Algorithms
}

func (v *Verifier) offers(a Algorithm) bool {
	for _, o := range v.algorithms() {
		if o == a {
			return true
		}
	}
	return false
}

func (v *Verifier) life() time.Duration {
	if v.Life <= 0 {
		return 5 * time.Minute
	}
	return v.Life
}

func (v *Verifier) newNonce(now time.Time) string {
	if v.floor.After(now) { // the clock was set back: begin anew, or all would be stale
		rand.Read(v.key[:])
		v.floor, v.order = time.Time{}, nil
		clear(v.used)
	}
	var n [nonceOctets]byte
	binary.BigEndian.PutUint64(n[:], uint64(now.UnixNano()))
	rand.Read(n[8:16]) // never fails
	v.seal(n[16:], n[:16])
	return base64.RawURLEncoding.EncodeToString(n[:])
}

func (v *Verifier) seal(dst, src []byte) {
	mac := hmac.New(sha256.New, v.key[:])
	mac.Write(src)
	copy(dst, mac.Sum(nil)[:sealOctets])
}

// use counts one use of a nonce, and refuses one that is not ours, too old, or whose nc
// does not grow (RFC 7616 section 3.3: replays).
func (v *Verifier) use(now time.Time, text string, count uint32) bool {
	var n [nonceOctets]byte
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) != nonceOctets {
		return false
	}
	copy(n[:], raw)
	var seal [sealOctets]byte
	v.seal(seal[:], n[:16])
	made := madeAt(n)
	if age := now.Sub(made); !hmac.Equal(seal[:], n[16:]) || age.Abs() > v.life() || made.Before(v.floor) {
		return false
	}
	highest, seen := v.used[n]
	if count <= highest {
		return false
	}
	if !seen {
		v.remember(now, n)
	}
	v.used[n] = count
	return true
}

// remember makes room for a nonce: those past their life go, and when it is full the
// oldest used, with all that were made before it.
func (v *Verifier) remember(now time.Time, n [nonceOctets]byte) {
	limit := v.MaxNonces
	if limit <= 0 {
		limit = 1024
	}
	for len(v.order) > 0 && (len(v.order) >= limit || now.Sub(madeAt(v.order[0])) > v.life()) {
		oldest := v.order[0]
		v.order = v.order[1:]
		delete(v.used, oldest)
		if at := madeAt(oldest).Add(1); at.After(v.floor) {
			v.floor = at
		}
	}
	v.order = append(v.order, n)
}

func madeAt(n [nonceOctets]byte) time.Time {
	return time.Unix(0, int64(binary.BigEndian.Uint64(n[:8])))
}
