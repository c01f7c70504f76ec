module tipring

go 1.26.8

require (
	github.com/google/renameio/v2 v2.0.2 // indirect
	github.com/icholy/digest v1.2.0 // indirect
	github.com/jart/gosip v0.0.0-20250608211422-1158f11cb31e // indirect
	github.com/miekg/dns v1.1.73 // indirect
	github.com/pion/dtls/v3 v3.1.5 // indirect
	github.com/pion/logging v0.2.4 // indirect
	github.com/pion/randutil v0.1.0 // indirect
	github.com/pion/rtp v1.10.6 // indirect
	github.com/pion/stun/v3 v3.1.7 // indirect
	github.com/pion/transport/v4 v4.1.0 // indirect
	github.com/wlynxg/anet v0.0.5 // indirect
	go.uber.org/goleak v1.3.0 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	gopkg.in/ini.v1 v1.67.3 // indirect
	layeh.com/radius v0.0.0-20231213012653-1006025d24f8 // indirect
	pgregory.net/rapid v1.3.0 // indirect
)
