#!/bin/bash
# Runs both modules' tests, packages side by side, and reports both even when
# the first fails.
set -u
GO=${GO:-go}
cd "$(dirname "$0")/../.."
status=0
$GO vet ./... || status=1
$GO test ./... || status=1
if [ -f tools/peers/go.mod ]; then
	cd tools/peers
	$GO vet ./... || status=1
	# Not from the cache: it does not see that the program under test changed.
	$GO test -count=1 -timeout 40m ./... || status=1
fi
exit $status
