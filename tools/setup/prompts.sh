#!/bin/bash
# Has a free voice speak what the device says on its telephones (agent/menu/prompts.txt).
# What it makes is committed: only who changes the words runs this.
set -eu
GO=${GO:-go}
cd "$(dirname "$0")/../.."
for program in flite sox; do
	command -v $program >/dev/null && continue
	if [ "$(id -u)" != 0 ]; then
		echo "$program is missing: install the Debian packages flite and sox" >&2
		exit 1
	fi
	apt-get install -yq --no-install-recommends flite sox
done
"$GO" run ./tools/prompts agent/menu/prompts.txt agent/menu/prompts.bin
