package web

import (
	"log/slog"
	"slices"
	"strings"

	"tipring/webui/api"
	"tipring/webui/pages"
)

// pageRoutes are the routes of pages, as the program adds them: all that people can open, so that
// none is forgotten by who looks at all of them.
func pageRoutes() (all []string) {
	a := api.New(nil, nil, slog.New(slog.DiscardHandler))
	programs := len(a.Routes())
	pages.Add(a, nil)
	for _, r := range a.Routes()[programs:] {
		// What a page is drawn with is none; /line leads to the line that is chosen.
		if r.Method == "GET" && !strings.Contains(r.Path, ".") && r.Path != "/line" {
			all = append(all, r.Path)
		}
	}
	return slices.Compact(all)
}
