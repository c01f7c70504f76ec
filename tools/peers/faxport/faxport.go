// Package faxport proves the fax ports of the agent that relay in real time: spandsp on the
// line-card socket faxes with spandsp at the far end of SIP calls through kamailio, in every
// mode, and through all that peers and networks do.
package faxport
