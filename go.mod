module tipring

go 1.26.8

require (
	github.com/a-h/templ v0.3.977
	github.com/google/renameio/v2 v2.0.2
	github.com/icholy/digest v1.2.0
	github.com/jart/gosip v0.0.0-20250608211422-1158f11cb31e
	github.com/pion/rtp v1.10.6
	github.com/pion/stun/v3 v3.1.7
	go.uber.org/goleak v1.3.0
	golang.org/x/crypto v0.58.0
	golang.org/x/net v0.62.0
	golang.org/x/sys v0.49.0
	gopkg.in/ini.v1 v1.67.3
	layeh.com/radius v0.0.0-20231213012653-1006025d24f8
	pgregory.net/rapid v1.3.0
)

require (
	github.com/pion/dtls/v3 v3.1.5 // indirect
	github.com/pion/logging v0.2.4 // indirect
	github.com/pion/randutil v0.1.0 // indirect
	github.com/pion/transport/v4 v4.1.0 // indirect
	github.com/wlynxg/anet v0.0.5 // indirect
)
