#!/bin/bash
# Builds the agent for every board, statically, starts the arm and mipsle
# builds under the emulator, and prints the size of each as a file and as it
# would lie in flash (squashfs with xz). Arguments: GOARCH:SETTING, the setting may be empty.
set -eu
GO=${GO:-go}
cd "$(dirname "$0")/../.."
mkdir -p build/cross
printf '%-8s %12s %14s  %s\n' board bytes squashfs-xz starts
for board in "$@"; do
	arch=${board%%:*}
	extra=${board#*:}
	out=build/cross/$arch/tipring
	mkdir -p build/cross/"$arch"
	env GOOS=linux GOARCH="$arch" ${extra:+$extra} CGO_ENABLED=0 \
		$GO build -trimpath -ldflags "$LDFLAGS" -o "$out" .
	case $arch in
	amd64) starts=$($out version) ;;
	arm) starts=$(qemu-arm-static $out version) ;;
	mipsle) starts=$(qemu-mipsel-static $out version) ;;
	*) starts="(not started)" ;;
	esac
	rm -f $out.squashfs
	mksquashfs $out $out.squashfs -comp xz -no-progress -quiet -root-owned >/dev/null
	printf '%-8s %12d %14d  %s\n' "$arch" "$(stat -c %s $out)" "$(stat -c %s $out.squashfs)" "$(echo "$starts" | head -1)"
done
