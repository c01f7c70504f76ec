package config

import "sync/atomic"

// Running holds the configuration in force. A reload with faults leaves it as it is.
// It is safe for use by several goroutines.
type Running struct{ current atomic.Pointer[Config] }

// NewRunning begins with c.
func NewRunning(c *Config) *Running {
	r := &Running{}
	r.current.Store(c)
	return r
}

// Current returns the configuration in force.
func (r *Running) Current() *Config { return r.current.Load() }

// Reload puts layers in force and tells what that changed, or changes nothing and
// returns their Faults.
func (r *Running) Reload(layers []Layer, checks Checks) ([]Change, error) {
	c, err := Load(layers, checks)
	if err != nil {
		return nil, err
	}
	return Diff(r.current.Swap(c), c), nil
}
