package agent

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

// What leaves the device does not tell the claim code.
func TestWithoutClaim(t *testing.T) {
	var b bytes.Buffer
	log := slog.New(withoutClaim{slog.NewTextHandler(&b, nil)}).With("a", 1).WithGroup("g")
	log.Info("no password yet", claimCode, "06421482", "path", "/x")
	log.Info("other", "n", 2)
	if got := b.String(); strings.Contains(got, "06421482") || !strings.Contains(got, "g.claim_code=********") || !strings.Contains(got, "g.path=/x") || !strings.Contains(got, "g.n=2") {
		t.Error(got)
	}
}
