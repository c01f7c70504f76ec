package agent

import (
	"fmt"
	"log/slog"

	"tipring/internal/config"
	"tipring/lines/fxs"

	"tipring/lines/fxs/socket"
)

// drivers make a port's driver by the name in [portN] driver. A driver with hardware of
// its own adds a folder under lines/fxs and a line here.
var drivers = map[string]func(p config.Port, log *slog.Logger) (fxs.Driver, error){
	"unix": openSocket,
	"tcp":  openSocket,
}

func openSocket(p config.Port, log *slog.Logger) (fxs.Driver, error) {
	return socket.New(socket.Config{Port: p.N, Kind: p.Kind, Address: p.Driver.String(), Token: p.DriverToken, Log: log})
}

// openDriver makes the driver of a port; nil for none, a port without a machine.
func openDriver(p config.Port, log *slog.Logger) (fxs.Driver, error) {
	if p.Driver.Name == "none" {
		return nil, nil
	}
	open, ok := drivers[p.Driver.Name]
	if !ok {
		return nil, fmt.Errorf("no driver %q", p.Driver.Name)
	}
	return open(p, log)
}
