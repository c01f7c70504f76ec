// Package directory asks FreeRADIUS, which has loaded the product's own dictionary, for
// what a FaxBack directory tells: by tipring radius on the command line, and as
// provisioning asks.
package directory
