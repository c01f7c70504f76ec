// Package faxkill proves that no fax that was accepted is lost when the agent is killed while
// it takes faxes from machines and delivers them.
package faxkill
