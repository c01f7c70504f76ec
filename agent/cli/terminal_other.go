//go:build !linux

package cli

import (
	"errors"
	"os"
)

// isTerminal takes everything for a program's: the agent runs on Linux.
func isTerminal(*os.File) bool { return false }

func hideInput(*os.File) (func(), error) { return nil, errors.ErrUnsupported }
