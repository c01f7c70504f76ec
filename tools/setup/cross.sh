#!/bin/bash
# Builds the agent for every board, statically, starts each under its emulator,
# and prints the size as a file and as it would lie in flash (squashfs with xz, in blocks of
# 1 MiB as boards with little flash have them).
# Then runs the test vectors of the signal code there: every processor is to make
# the same samples and to hear the same in them. Arguments: GOARCH:SETTING, the
# setting may be empty.
set -eu
GO=${GO:-go}
cd "$(dirname "$0")/../.."
. tools/setup/flags.sh
mkdir -p build/cross

# emulator names what runs a GOARCH's programs here; nothing, where they just run.
emulator() {
	case $1 in
	"$native") ;;
	386) [ "$native" = amd64 ] || echo qemu-i386-static ;;
	amd64) echo qemu-x86_64-static ;;
	arm64) echo qemu-aarch64-static ;;
	mipsle) echo qemu-mipsel-static ;;
	*) echo "qemu-$1-static" ;;
	esac
}

for_board() { env GOOS=linux GOARCH="$arch" ${extra:+$extra} "$@"; }

vectors() {
	local package=$1 program=build/cross/$arch/$(basename "$1").test
	for_board env CGO_ENABLED=0 "$GO" test -c -o "$program" "./$package"
	program=$PWD/$program
	(cd "$package" && timeout 300 $(emulator $arch) "$program" -test.run '^TestVectorsAreTheSameOnEveryProcessor$' -test.v) >"$program.log" 2>&1 || true
	if ! grep -q '^--- PASS' "$program.log"; then
		cat "$program.log"
		echo "vectors of $package on $arch: differ"
		return 1
	fi
	echo "vectors of $package on $arch: the same"
}

native=$($GO env GOHOSTARCH)
printf '%-8s %12s %14s  %s\n' board bytes squashfs-xz starts
for board in "$@"; do
	arch=${board%%:*}
	extra=${board#*:}
	out=build/cross/$arch/tipring
	mkdir -p build/cross/"$arch"
	for_board env TAGS=nodemo tools/setup/build.sh "$out"
	starts=$($(emulator $arch) $out version)
	rm -f $out.squashfs
	mksquashfs $out $out.squashfs -comp xz -b 1M -no-progress -quiet -root-owned >/dev/null
	printf '%-8s %12d %14d  %s\n' "$arch" "$(stat -c %s $out)" "$(stat -c %s $out.squashfs)" "$(echo "$starts" | head -1)"
done
for board in "$@" 386:; do
	arch=${board%%:*}
	extra=${board#*:}
	mkdir -p build/cross/"$arch"
	for package in t38/modem internal/dsp; do
		vectors $package
	done
done
