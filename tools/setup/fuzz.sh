#!/bin/bash
# Runs every Fuzz target of the module for FUZZTIME each. Inputs that find something new are
# made smaller for two seconds at most: by default it is a minute, in which nothing is tried.
set -u
GO=${GO:-go}
cd "$(dirname "$0")/../.."
. tools/setup/flags.sh
status=0
count=0
for package in $($GO list ./...); do
	for target in $($GO test -list '^Fuzz' "$package" | grep '^Fuzz'); do
		count=$((count + 1))
		echo "== $package $target"
		$GO test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-60s}" -fuzzminimizetime 2s "$package" || status=1
	done
done
echo "$count fuzz targets"
[ $count -gt 0 ] || status=1
exit $status
