package webui

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// streams is the one route whose answer goes on, and that ends with its address.
const streams = "/api/v1/events"

// policy is what a page may do: show itself, with its own style, script and pictures.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// guard sets the headers that every answer has, and how long a body may take to come.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Frame-Options", "DENY")
		h.Set("X-Content-Type-Options", "nosniff")
		// With no-referrer the forms of a page say Origin: null; where there is no TLS, and so no
		// Sec-Fetch-Site, they would be another site's.
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
		// Where the page is served by HTTP too, the promise would shut out whoever goes back to it.
		if r.TLS != nil && s.cert.given() && s.web.Load().Listen == "" {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if r.ContentLength != 0 {
			// A connection that cannot have a deadline is a test's.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime))
		}
		if r.ContentLength < 0 {
			// Where it ends, a proxy in between may see otherwise; nothing that follows is heard (RFC 9112
			// section 6.1).
			h.Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// bodyTime is how long a body may take to come, unless its route takes documents.
const bodyTime = 30 * time.Second

// streamsEnd ends streams when their address is left: nobody else would.
func streamsEnd(closing context.Context, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == streams {
			ctx, cancel := context.WithCancel(r.Context())
			defer cancel()
			defer context.AfterFunc(closing, cancel)()
			r = r.WithContext(ctx)
		}
		next.ServeHTTP(w, r)
	})
}

// quiet is the log of net/http: what strangers do to a listener is no news.
type quiet struct{ slog.Handler }

// Handle tells of what went wrong here, and at debug level of what others did.
func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	if r.Level = slog.LevelDebug; strings.HasPrefix(r.Message, "http: panic") {
		r.Level = slog.LevelError
	}
	if !q.Enabled(ctx, r.Level) {
		return nil
	}
	return q.Handler.Handle(ctx, r)
}
