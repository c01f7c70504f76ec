package frame

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"tipring/webui/api"
	"tipring/webui/static"
)

// Files serve the embedded files. The style sheet and the mark are a part of the login,
// which is open; the script needs one.
func (s *Site) Files() []api.Route {
	return []api.Route{
		{Method: "GET", Path: "/login/style.css", For: api.Anyone, Handle: file("style.css", "text/css; charset=utf-8")},
		{Method: "GET", Path: "/login/icon.svg", For: api.Anyone, Handle: file("icon.svg", "image/svg+xml")},
		{Method: "GET", Path: "/static/app.js", For: api.User, Handle: file("app.js", "text/javascript; charset=utf-8")},
	}
}

// file answers with an embedded file, which a browser may keep and ask about.
func file(name, media string) http.HandlerFunc {
	text, err := static.Files.ReadFile(name)
	if err != nil {
		panic(err) // it is embedded
	}
	sum := sha256.Sum256(text)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("ETag", tag)
		if strings.Contains(r.Header.Get("If-None-Match"), tag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("Content-Type", media)
		_, _ = w.Write(text) // a visitor who has left misses nothing
	}
}
