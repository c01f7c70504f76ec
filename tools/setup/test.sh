#!/bin/bash
# Runs both modules' tests, packages side by side, and reports both even when
# the first fails.
set -u
GO=${GO:-go}
cd "$(dirname "$0")/../.."
status=0

# tested ARGS...: vet and test everything in this folder.
tested() {
	$GO vet ./... || status=1
	$GO test "$@" ./... || status=1
}

tested
if [ -f tools/peers/go.mod ]; then
	cd tools/peers
	# Not from the cache: it does not see that the program under test changed.
	tested -count=1 -timeout 40m
fi
exit $status
