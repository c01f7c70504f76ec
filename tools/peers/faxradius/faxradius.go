// Package faxradius proves the RADIUS side of a fax with freeradius as the provider: what the
// agent asks and tells of every kind of fax is decoded by freeradius' own detail module, with
// a dictionary, for tests alone, that numbers all of FaxBack's attributes. Two servers are used,
// so that accounting can be away while questions are answered. The far end and the machines on
// the ports are spandsp's, in real time; kamailio is between them.
package faxradius
