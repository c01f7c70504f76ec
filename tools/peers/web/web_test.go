// Package web proves the page on the device as people meet it: in Chromium, against the
// program itself with its lines at real servers.
package web

import (
	"testing"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/netlab"
)

func TestMain(m *testing.M) { netlab.Main(agent.Build, m.Run) }
