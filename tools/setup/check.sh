#!/bin/bash
# What a change is held to besides its tests: form, the analysers at pinned
# versions, the race detector, 32-bit, and every board's build.
set -u
GO=${GO:-go}
staticcheck=$1
errcheck=$2
templ=$3
cd "$(dirname "$0")/../.."
. tools/setup/flags.sh
excluded=$PWD/tools/setup/errcheck.txt # closing, and writing to where nobody hears of a failure
status=0

step() {
	echo "== $*"
	"$@" || status=1
}

formed() {
	local files
	files=$(gofmt -l $(git ls-files '*.go'))
	[ -z "$files" ] || { echo "not gofmt'ed: $files"; return 1; }
}

# generated tells components whose Go is not what they would give now.
generated() {
	local made
	made=$(mktemp -d)
	cp -r webui "$made/" && $GO run ./tools/pages "$templ" "$made/webui"
	diff -r webui "$made/webui"
	local differs=$?
	rm -rf "$made"
	return $differs
}

on_board() {
	local arch=${1%%:*} extra=${1#*:}
	env GOOS=linux GOARCH="$arch" ${extra:+$extra} CGO_ENABLED=0 $GO vet ./...
}

# The race detector's compiler, and what this module's own tests talk to.
step tools/setup/peers.sh gcc /usr/include/stdlib.h sipp dnsmasq iptables ip
step formed
step generated
for module in . tools/peers; do
	[ -f $module/go.mod ] || continue
	pushd $module >/dev/null
	echo "-- module $module"
	step $GO vet ./...
	step $GO run "$staticcheck" ./...
	step $GO run "$errcheck" -ignoretests -exclude "$excluded" ./...
	popd >/dev/null
done
step env CGO_ENABLED=1 $GO test -race -timeout 40m ./...
step env GOARCH=386 CGO_ENABLED=0 $GO build ./...
step env GOARCH=386 CGO_ENABLED=0 $GO test ./...
for board in arm64: arm:GOARM=7 mipsle:GOMIPS=softfloat riscv64:; do
	step on_board $board
done
exit $status
