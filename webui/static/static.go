// Package static holds the files that the pages need besides themselves.
package static

import "embed"

// Files are style.css, app.js and icon.svg.
//
//go:embed style.css app.js icon.svg
var Files embed.FS
