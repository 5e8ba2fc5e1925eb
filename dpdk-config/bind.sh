#!/usr/bin/env bash
# Takes a NIC from the kernel and gives it to DPDK (vfio-pci), or back.
#
#	bind.sh                        shows the NICs and who has them
#	bind.sh NIC                    to vfio-pci; NIC is an interface (eth1) or a PCI address (0000:03:00.0)
#	bind.sh --driver DRIVER NIC    to DRIVER; to the one the kernel had to give it back
#	bind.sh --force NIC            even if the default route goes through it
set -euo pipefail

usage() { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; }
die() { echo "bind: $1" >&2; exit 1; }
devices=/sys/bus/pci/devices

driver_of() { if [ -e "$devices/$1/driver" ]; then basename "$(readlink -f "$devices/$1/driver")"; else echo none; fi; }

interfaces_of() {
	local net
	for net in "$devices/$1"/net/* "$devices/$1"/*/net/*; do
		if [ -e "$net" ]; then basename "$net"; fi
	done
}

show() {
	local device
	for device in "$devices"/*; do
		[[ $(<"$device/class") == 0x02* ]] || continue
		printf '%-14s %-14s %s\n' "${device##*/}" "$(driver_of "${device##*/}")" "$(interfaces_of "${device##*/}" | xargs)"
	done
}

# The PCI address of an interface or an address, long or short.
address_of() {
	local path
	if [ -e "/sys/class/net/$1" ]; then
		path=$(readlink -f "/sys/class/net/$1/device" 2>/dev/null) || die "$1: no device behind it"
		while [ "$path" != / ] && [ ! -e "$devices/${path##*/}" ]; do path=$(dirname "$path"); done
		[ "$path" != / ] || die "$1: not a PCI device"
		echo "${path##*/}"
	elif [ -e "$devices/$1" ]; then
		echo "$1"
	elif [ -e "$devices/0000:$1" ]; then
		echo "0000:$1"
	else
		die "$1: neither an interface nor a PCI device of this machine; without arguments they are listed"
	fi
}

driver=vfio-pci force= nic=
while [ $# -gt 0 ]; do
	case $1 in
	-h | --help) usage; exit 0 ;;
	--force) force=1 ;;
	--driver) [ $# -gt 1 ] || die "--driver needs a name"; driver=$2; shift ;;
	-*) die "\"$1\" is not known; --help tells more" ;;
	*) [ -z "$nic" ] || die "one NIC at a time"; nic=$1 ;;
	esac
	shift
done
[ -n "$nic" ] || { show; exit 0; }

address=$(address_of "$nic")
before=$(driver_of "$address")
[ "$before" != "$driver" ] || { echo "$address: has $driver already"; exit 0; }
for interface in $(interfaces_of "$address"); do
	if [ -z "$force" ] && ip route show default dev "$interface" 2>/dev/null | grep -q .; then
		die "$address: the default route goes through $interface: you would lose the machine; --force does it all the same"
	fi
done
[ "$(id -u)" = 0 ] || die "only root may bind: sudo ${BASH_SOURCE[0]} $nic"
[ -e "/sys/bus/pci/drivers/$driver" ] || modprobe "$driver" || die "the driver $driver is not there: is the IOMMU on (intel_iommu=on)?"

for interface in $(interfaces_of "$address"); do ip link set "$interface" down; done
echo "$driver" >"$devices/$address/driver_override"
if [ "$before" != none ]; then echo "$address" >"$devices/$address/driver/unbind"; fi
echo "$address" >/sys/bus/pci/drivers_probe
echo >"$devices/$address/driver_override"
[ "$(driver_of "$address")" = "$driver" ] || die "$address: $driver does not take it; it has $(driver_of "$address") now"
echo "$address: $driver (before: $before)"
[ "$before" = none ] || echo "back: ${BASH_SOURCE[0]} --driver $before $address"
