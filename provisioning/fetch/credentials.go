package fetch

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"

	"tipring/internal/ua/digest"
)

// maxTries is how often one request is sent with credentials: the second time, when the
// server says that nothing but the nonce was wrong.
const maxTries = 2

// authorize answers a 401 with the URL's user name and password: by Digest where the
// server takes it, else by Basic (RFC 7617), which shows them to whoever listens.
func (c *Client) authorize(u *url.URL, challenges []string, tries int) (string, error) {
	password, _ := u.User.Password()
	user := digest.Credentials{Username: u.User.Username(), Password: password}
	value, stale, err := digest.Answer(challenges, user, http.MethodGet, u.RequestURI())
	switch {
	case tries == 0 && err == nil || tries < maxTries && err == nil && stale:
		return value, nil
	case tries > 0:
		return "", fmt.Errorf("%w: those of the URL are refused", ErrCredentials)
	case !digest.Offers(challenges, "Basic"):
		return "", fmt.Errorf("%w: %w", ErrCredentials, err)
	case u.Scheme != "https" && !c.AllowClear:
		return "", fmt.Errorf("%w: Basic over http would show them to everybody on the way: allow clear secrets, or use https", ErrCredentials)
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user.Username+":"+user.Password)), nil
}
