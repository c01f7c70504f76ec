package agent

import (
	"tipring/webui/api"
)

func (a *Agent) warnings() []api.Warning { return nil }
