// Package transport carries SIP messages over UDP, TCP and TLS (RFC 3261 section 18).
//
// A Layer listens, and keeps one flow for each target: a UDP socket connected to it,
// on the listener's port, whose error queue tells every ICMP error that comes back; or
// a TCP or TLS connection that is made in the background. What comes in is parsed by
// sipmsg and handed to one Handler, which knows what transactions and dialogs are;
// this package does not. Health remembers, for all lines, which servers are down.
//
// Finding the targets of a host name (RFC 3263) is package targets; a network in
// memory, for tests under a simulated clock, is package memnet.
package transport
