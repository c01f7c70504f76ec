// Package provisioning has real devices, tipring run with a MAC address and a factory's
// file, provision themselves from real servers: FreeRADIUS, nginx, tftpd-hpa, dnsmasq and
// sipp; and shows at kamailio that they have their lines, whoever lies to them.
package provisioning
