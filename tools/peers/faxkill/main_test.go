package faxkill

import (
	"testing"

	"tipring/tools/peers/faxlab"
)

func TestMain(m *testing.M) { faxlab.Main(m) }
