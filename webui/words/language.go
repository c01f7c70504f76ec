package words

import (
	"net/http"
	"strconv"
	"strings"
)

// Choose is the catalogue that suits an Accept-Language header (RFC 9110 section 12.5.4) best;
// nil is English. Of languages that are liked alike the first one counts.
func Choose(accept string) *Catalogue { return choose(accept, catalogues()) }

func choose(accept string, all map[string]*Catalogue) *Catalogue {
	var best *Catalogue
	liked := 0.0
	for n, part := range strings.Split(accept, ",") {
		if n == maxRanges {
			break
		}
		tag, parameter, _ := strings.Cut(strings.TrimSpace(part), ";")
		q := 1.0
		if text, ok := strings.CutPrefix(strings.TrimSpace(parameter), "q="); ok {
			var err error
			if q, err = strconv.ParseFloat(text, 64); err != nil || !(q >= 0 && q <= 1) {
				continue
			}
		}
		if q <= liked {
			continue
		}
		if c, ok := lookUp(tag, all); ok {
			best, liked = c, q
		}
	}
	return best
}

// maxRanges bounds how much of a header is looked at.
const maxRanges = 20

// lookUp finds a language by its tag, or by the beginning of it (RFC 4647 section 3.4).
func lookUp(tag string, all map[string]*Catalogue) (*Catalogue, bool) {
	for tag != "" {
		if strings.EqualFold(tag, "en") {
			return nil, true
		}
		for name, c := range all {
			if strings.EqualFold(name, tag) {
				return c, true
			}
		}
		tag = tag[:max(strings.LastIndexByte(tag, '-'), 0)]
	}
	return nil, false
}

// Spoken has a handler answer in the language that the visitor's browser asks for, where
// none is chosen yet.
func Spoken(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, chosen := r.Context().Value(catalogueKey{}).(*Catalogue); chosen {
			h(w, r)
			return
		}
		w.Header().Add("Vary", "Accept-Language")
		h(w, r.WithContext(With(r.Context(), Choose(r.Header.Get("Accept-Language")))))
	}
}
