package agent

// lookForSettings has the device look for new settings now.
func (a *Agent) lookForSettings() {}
