#!/bin/bash
# Sees to it that build/axe/axe.min.js is there: axe-core, which judges how the
# pages are for people who use a keyboard or a screen reader.
set -eu
version=4.14.1
sum=e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745
cd "$(dirname "$0")/../.."
[ -e build/axe/$version ] && exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm pack --silent axe-core@$version >/dev/null 2>&1) || {
	echo "axe-core $version could not be fetched with npm" >&2
	exit 1
}
echo "$sum  $work/axe-core-$version.tgz" | sha256sum --check --quiet
tar -xzf "$work/axe-core-$version.tgz" -C "$work" package/axe.min.js
mkdir -p build/axe
mv "$work/package/axe.min.js" build/axe/
touch build/axe/$version
