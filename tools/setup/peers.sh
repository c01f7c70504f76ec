#!/bin/bash
# Sees to it that the foreign programs which the tests talk to are there:
# installs what is missing with apt where it may, and otherwise says exactly
# what is missing and how to get it. With arguments to those alone, named as below.
set -u

# program:Debian package
wanted="
baresip:baresip-core
kamailio:kamailio
/usr/lib/*/kamailio/modules/tls.so:kamailio-tls-modules
rtpengine:rtpengine-daemon
freeradius:freeradius
turnserver:coturn
sipp:sip-tester
sipsak:sipsak
tshark:tshark
dnsmasq:dnsmasq-base
rsyslogd:rsyslog
dhclient:isc-dhcp-client
dhcpcd:dhcpcd-base
udhcpc:udhcpc
busybox:busybox
shellcheck:shellcheck
nginx:nginx-light
in.tftpd:tftpd-hpa
iptables:iptables
ip:iproute2
unshare:util-linux
mksquashfs:squashfs-tools
qemu-arm-static:qemu-user-static
qemu-mipsel-static:qemu-user-static
gcc:gcc
/usr/include/stdlib.h:libc6-dev
pkg-config:pkg-config
/usr/include/spandsp/t38_core.h:libspandsp-dev
/usr/include/*/tiffio.h:libtiff-dev
tiffcp:libtiff-tools
pdftoppm:poppler-utils
git:git
strace:strace
chromium:chromium
/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf:fonts-dejavu-core
npm:npm
"
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
chosen=${*:+" $* "}
for name in "$@"; do
	[[ $wanted == *$'\n'"$name":* ]] || { echo "no program of the tests is called $name" >&2; exit 2; }
done

present() {
	case $1 in
	/*) compgen -G "$1" >/dev/null ;;
	*) command -v "$1" >/dev/null ;;
	esac
}

missing() {
	for pair in $wanted; do
		[ -z "$chosen" ] || [[ $chosen == *" ${pair%%:*} "* ]] || continue
		present "${pair%%:*}" || echo "${pair%%:*} ${pair##*:}"
	done
}

lacking=$(missing)
[ -z "$lacking" ] && exit 0
packages=$(echo "$lacking" | awk '{print $2}' | sort -u | tr '\n' ' ')

as_root=
if [ "$(id -u)" != 0 ]; then
	as_root="sudo -n"
	sudo -n true 2>/dev/null || as_root=no
fi
if [ "$as_root" = no ] || ! command -v apt-get >/dev/null; then
	{
		echo "these programs are missing, and this account may not install them:"
		echo "$lacking" | awk '{print "  " $1 "  (Debian package " $2 ")"}'
		echo "as root: apt-get install --no-install-recommends $packages"
	} >&2
	exit 1
fi

echo "installing $packages"
# The tests start their own servers in namespaces of their own; none of these
# packages is to become a service of this machine.
policy=/usr/sbin/policy-rc.d
made_policy=
if [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
	$as_root chmod 755 $policy
	made_policy=1
fi
log=$(mktemp)
{
	$as_root apt-get update &&
		$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --fix-broken --no-install-recommends $packages
} >"$log" 2>&1 </dev/null
status=$?
[ -n "$made_policy" ] && $as_root rm -f $policy
lacking=$(missing)
if [ $status != 0 ] || [ -n "$lacking" ]; then
	tail -20 "$log" >&2
	echo "still missing after apt-get (log above):" >&2
	echo "$lacking" >&2
	rm -f "$log"
	exit 1
fi
rm -f "$log"
