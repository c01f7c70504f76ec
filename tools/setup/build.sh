#!/bin/bash
# Builds the agent as it is shipped, into the file that the argument names, for the
# board that GOOS, GOARCH and the like name. LDFLAGS adds to the linker's flags.
set -eu
GO=${GO:-go}
out=$(realpath -m "$1")
cd "$(dirname "$0")/../.."
. tools/setup/flags.sh

# Copies of small functions at every place that calls them are a tenth of the binary,
# most of it the tables that unwind them. They stay where code runs for every sample
# or packet, and where everything else stands on them.
gcflags=(-gcflags=all=-l)
for package in \
	runtime/... internal/runtime/... internal/abi internal/bytealg internal/byteorder internal/chacha8rand internal/cpu internal/goarch \
	internal/race internal/sync internal/unsafeheader sync/... math math/bits \
	encoding/binary github.com/pion/rtp/... crypto/internal/fips140/nistec/fiat \
	tipring/internal/dsp tipring/internal/media tipring/lines/fxs/... tipring/t38/modem tipring/t38/t4; do
	gcflags+=("-gcflags=$package=")
done

# A device without a battery knows that it cannot be earlier than the sources are.
built=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
CGO_ENABLED=0 "$GO" build -trimpath "${gcflags[@]}" -ldflags "-X tipring/agent.built=$built ${LDFLAGS:-}" -o "$out" .
