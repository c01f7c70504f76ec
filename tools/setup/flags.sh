# shellcheck shell=bash
# What every go command on this module is given; the scripts beside this one source it.
# HTTP/1.1 is all that the control socket, the page and provisioning speak: net/http
# without its HTTP/2 is half a megabyte less flash, and is tested as it is shipped.
# TAGS adds others: nodemo leaves tipring demo out, with the lab that it runs in.
export GOFLAGS="${GOFLAGS:-} -tags=nethttpomithttp2${TAGS:+,$TAGS}"
