#!/bin/bash
# Runs both modules' tests, packages side by side, and reports both even when
# the first fails. A package that failed is run once more by itself: the tests
# against real programs in real time share their processors with whatever else
# runs there, and a fault of ours fails twice.
set -u
GO=${GO:-go}
cd "$(dirname "$0")/../.."
. tools/setup/flags.sh
status=0
out=$(mktemp)
trap 'rm -f "$out"' EXIT

# tested ARGS...: go test ARGS ./... in this folder.
tested() {
	$GO test "$@" ./... 2>&1 | tee "$out"
	[ "${PIPESTATUS[0]}" = 0 ] && return 0
	local failed
	failed=$(awk '$1 == "FAIL" && $2 ~ /\// && $3 !~ /build|setup/ {print $2}' "$out" | sort -u)
	if [ -z "$failed" ] || grep -qE 'build failed|setup failed' "$out"; then
		return 1
	fi
	echo "== once more, alone: $failed"
	$GO test -count=1 "$@" $failed
}

$GO vet ./... || status=1
tested || status=1
if [ -f tools/peers/go.mod ]; then
	cd tools/peers
	$GO vet ./... || status=1
	# Not from the cache: it does not see that the program under test changed.
	tested -count=1 -timeout 40m || status=1
fi
exit $status
