// Package faxspool proves the fax ports of the agent that store and forward, its calls ahead
// and its mailboxes, with spandsp on the line-card socket and at the far end of SIP calls.
package faxspool
