//go:build nodemo

package main

import "tipring/agent/cli"

// tell is no command of a board's program: the lab that the demo runs in is half a megabyte.
var tell func(cli.DemoOptions) error
