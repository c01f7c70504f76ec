package agent

import (
	"fmt"
	"log/slog"

	"tipring/internal/config"
	"tipring/internal/unixsocket"
	"tipring/lines/fxs"
	"tipring/lines/fxs/sim"
	"tipring/lines/fxs/socket"
)

// drivers make a port's driver by the name in [portN] driver. A driver with hardware of
// its own adds a folder under lines/fxs and a line here.
var drivers = map[string]func(p config.Port, f fittings) (fxs.Driver, error){
	"unix": openSocket,
	"tcp":  openSocket,
	"sim":  openSim,
}

// fittings are what a driver may need of the device.
type fittings struct {
	country *fxs.Country
	sockets *unixsocket.Keeper
	log     *slog.Logger
}

func openSocket(p config.Port, f fittings) (fxs.Driver, error) {
	return socket.New(socket.Config{
		Port: p.N, Kind: p.Kind, Address: p.Driver.String(), Token: p.DriverToken, Keeper: f.sockets, Log: f.log,
	})
}

// openSim makes a telephone without hardware: it answers the second ring, and hangs up
// when a tone asks it to. Calls from it are made over the HTTP interface.
func openSim(_ config.Port, f fittings) (fxs.Driver, error) {
	return sim.New(sim.Config{Country: f.country, Answer: sim.Answer{Bursts: 2, HangUp: true}}), nil
}

// openDriver makes the driver of a port; nil for none, a port without a machine.
func openDriver(p config.Port, f fittings) (fxs.Driver, error) {
	if p.Driver.Name == "none" {
		return nil, nil
	}
	open, ok := drivers[p.Driver.Name]
	if !ok {
		return nil, fmt.Errorf("no driver %q", p.Driver.Name)
	}
	return open(p, f)
}
