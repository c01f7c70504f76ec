// Package static holds the files that the pages need besides themselves.
package static

import "embed"

// Files are style.css, and what else the pages name.
//
//go:embed style.css
var Files embed.FS
