package access

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// A device cookie shows that a user logged in with a browser before. It opens nothing: it gives
// the browser a lane of its own.

// DeviceLifeS is how long a browser keeps its device cookie, in seconds: as long as browsers
// keep any.
const DeviceLifeS = 400 * 24 * 60 * 60

var cookie64 = base64.RawURLEncoding.Strict()

// deviceCookie makes the cookie of one browser of a user: NONCE.SIGNATURE.
func deviceCookie(key digest, user string) string {
	var b [16]byte
	rand.Read(b[:])
	nonce := cookie64.EncodeToString(b[:])
	return nonce + "." + cookie64.EncodeToString(signDevice(key, nonce, user))
}

func signDevice(key digest, nonce, user string) []byte {
	mac := hmac.New(sha256.New, key[:])
	mac.Write([]byte(nonce + "\x00" + user))
	return mac.Sum(nil)
}

// knownDevice returns the nonce of a cookie that was made for this user.
func knownDevice(key digest, cookie, user string) (nonce string, ok bool) {
	nonce, signature, ok := strings.Cut(cookie, ".")
	if !ok || len(cookie) > 100 {
		return "", false
	}
	// What is made is compared, and not what is read: a decoder is lenient with line ends.
	return nonce, hmac.Equal([]byte(signature), []byte(cookie64.EncodeToString(signDevice(key, nonce, user))))
}
