package spandsp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"time"

	"tipring/tools/peers/lockstep"
)

// A Result is what a machine says at its end: the JSON line of faxaudio and faxt38, and
// what else is good to know. A gateway fills Rate, ECM, Pages and the packets.
type Result struct {
	OK          bool      `json:"ok"`
	Code        int       `json:"code"` // the library's T30_ERR number
	Text        string    `json:"text"`
	Pages       int       `json:"pages"`
	Rate        int       `json:"rate"` // bit/s
	ECM         bool      `json:"ecm"`
	ECMRetries  int       `json:"ecm_retries"`
	BadRows     int       `json:"bad_rows"`
	RemoteIdent string    `json:"remote_ident"`
	Coding      string    `json:"coding"` // on the line, as the library calls it
	DCS         float64   `json:"dcs_s"`  // seconds of the call until the first DCS; -1: none
	Call        float64   `json:"call_s"` // seconds that the call lasted
	PageEnds    []float64 `json:"page_s"` // seconds of the call until each page was confirmed

	Sent      int `json:"sent"` // IFP packets
	Lost      int `json:"lost"` // gaps that redundancy did not fill
	Recovered int `json:"recovered"`
	Malformed int `json:"malformed"`
}

// A process is a program in lock step on its standard input and output.
type process struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stream *lockstep.Stream
	errors bytes.Buffer
	ended  bool
	result Result
	err    error
}

func start(ctx context.Context, name string, args []string) (*process, error) {
	path, err := program(name)
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.CommandContext(ctx, path, args...)}
	p.cmd.Stderr = &p.errors
	p.cmd.WaitDelay = time.Second
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p.stream = lockstep.NewStream(stdout, p.stdin)
	return p, nil
}

// end lets the program come to its end, which it does once nobody talks to it, and
// reads the line that it leaves.
func (p *process) end() (Result, error) {
	if p.ended {
		return p.result, p.err
	}
	p.ended = true
	_ = p.stdin.Close()
	status := p.cmd.Wait()
	lines := bytes.Split(bytes.TrimSpace(p.errors.Bytes()), []byte("\n"))
	if err := json.Unmarshal(lines[len(lines)-1], &p.result); err != nil {
		p.err = fmt.Errorf("%s: %v: %s", p.cmd.Args[0], status, p.errors.Bytes())
	}
	return p.result, p.err
}

// A Fax is spandsp's audio fax machine.
type Fax struct {
	lockstep.PCMEnd
	*process
}

// StartFax starts one with the options that tools/spandsp/sp-fax.c lists. It is killed
// when ctx ends.
func StartFax(ctx context.Context, options ...string) (*Fax, error) {
	p, err := start(ctx, "sp-fax", options)
	if err != nil {
		return nil, err
	}
	return &Fax{p.stream.Machine(), p}, nil
}

// A Terminal is spandsp's T.38 terminal.
type Terminal struct {
	lockstep.IFPEnd
	*process
}

// StartTerminal starts one with the options that tools/spandsp/sp-t38.c lists.
func StartTerminal(ctx context.Context, options ...string) (*Terminal, error) {
	p, err := start(ctx, "sp-t38", options)
	if err != nil {
		return nil, err
	}
	return &Terminal{p.stream.Terminal(), p}, nil
}

// A Gateway is spandsp's T.38 gateway.
type Gateway struct {
	lockstep.GatewayEnd
	*process
}

// StartGateway starts one with the options that tools/spandsp/sp-gw.c lists.
func StartGateway(ctx context.Context, options ...string) (*Gateway, error) {
	p, err := start(ctx, "sp-gw", options)
	if err != nil {
		return nil, err
	}
	return &Gateway{p.stream.Gateway(), p}, nil
}

// Result hangs up if the call is still on, waits for the program's end and returns what
// it says. A call that went wrong is a Result, not an error.
func (p *process) Result() (Result, error) { return p.end() }

// Log is what the program wrote on standard error: with --log 1 the frames. It is
// complete after Result.
func (p *process) Log() string { return p.errors.String() }
