#!/bin/sh
# Keeps for tipring what busybox's udhcpc was told by the DHCP server: where the
# configuration is (options 66, 67, 43, 120, 125, 150, 159 and 160). udhcpc itself keeps
# nothing. It changes nothing else and says nothing; it may be run or sourced.
#
# OpenWrt: install as /etc/udhcpc.user.d/tipring, and have the interface ask:
#   uci set network.wan.reqopts='66 67 43 120 125 150 159 160'; uci commit network
# Buildroot: install, executable, in /usr/share/udhcpc/default.script.d/.
# Elsewhere: call it with "$@" at the end of udhcpc's script. udhcpc asks for more by
#   -O 66 -O 67 -O 43 -O 120 -O 125 -O 150 -O 159 -O 160
#
# One file an interface, replaced at once: /var/run/tipring/udhcpc-INTERFACE.lease

tipring_udhcpc() (
	set -u
	LC_ALL=C
	umask 022
	dir=${TIPRING_RUN_DIR:-/var/run/tipring}

	# The name becomes a file's.
	case ${interface-} in
	'' | .* | *[!A-Za-z0-9_.:@-]*) exit 0 ;;
	esac
	file=$dir/udhcpc-$interface.lease

	case ${1-} in
	bound | renew) ;;
	deconfig)
		rm -f "$file"
		exit 0
		;;
	*) exit 0 ;; # leasefail, nak: deconfig follows when the lease is lost
	esac

	# A value comes from the network: one with anything but printable ASCII in it, a
	# line's end above all, is left out.
	keep() {
		case $2 in
		'' | *[!\ -~]*) ;;
		*) printf '%s=%s\n' "$1" "$2" ;;
		esac
	}

	[ -d "$dir" ] || mkdir -m 0750 "$dir" || exit 0
	read -r uptime _ </proc/uptime || exit 0
	{
		echo "# the lease of udhcpc, kept by udhcpc-tipring.sh"
		keep interface "$interface"
		keep uptime "${uptime%%.*}"
		keep lease "${lease-}"
		keep tftp "${tftp-}"
		keep bootfile "${bootfile-}"
		keep sname "${sname-}"
		keep boot_file "${boot_file-}"
		keep sipsrv "${sipsrv-}"
		keep opt43 "${opt43-}"
		keep opt66 "${opt66-}"
		keep opt67 "${opt67-}"
		keep opt120 "${opt120-}"
		keep opt125 "${opt125-}"
		keep opt150 "${opt150-}"
		keep opt159 "${opt159-}"
		keep opt160 "${opt160-}"
		echo end
	} >"$file.new" && mv -f "$file.new" "$file"
	exit 0
)

tipring_udhcpc "$@"
unset -f tipring_udhcpc
