package api

import (
	_ "embed" // the description
	"net/http"
)

// description is this interface as OpenAPI 3.1 describes it. It is made of the routes' table
// and of the Go types of the answers: go test ./webui/api -run OpenAPI -update
//
//go:embed openapi.json
var description string

func (a *API) getDescription(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(description)) // who has left misses nothing
}
