package agent

import "tipring/webui/api"

// systems is what the HTTP interface shows and moves of the device as a machine.
type systems struct{ a *Agent }

// Log implements api.System.
func (s systems) Log() []api.LogLine { return s.a.book.all() }

// Messages implements api.System.
func (s systems) Messages() []api.Message {
	return s.a.allMessages()
}

// ForgetMessage implements api.System.
func (s systems) ForgetMessage(id string) error { return s.a.texts.forget(id) }

// Warnings implements api.System.
func (s systems) Warnings() []api.Warning { return s.a.warnings() }

// System implements api.System.
func (s systems) System() api.Machine { return s.a.machine() }

// Restart implements api.System.
func (s systems) Restart(now bool) error { return s.a.Restart(now) }
