#!/usr/bin/env bash
# Reserves hugepages of 2 MB on each NUMA node alike, and shows what there is.
#
#	hugepages.sh                  shows
#	hugepages.sh MB               reserves MB megabytes in all, until the next boot
#	hugepages.sh MB --persist     and at each boot (/etc/sysctl.d/60-hugepages.conf)
#	hugepages.sh 0                gives them back
set -euo pipefail

usage() { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; }
die() { echo "hugepages: $1" >&2; exit 1; }

show() {
	local node
	for node in /sys/devices/system/node/node[0-9]*; do
		echo "${node##*/}: $(<"$node/hugepages/hugepages-2048kB/nr_hugepages") pages of 2 MB," \
			"$(<"$node/hugepages/hugepages-2048kB/free_hugepages") free"
	done
}

mb= persist=
for argument; do
	case $argument in
	-h | --help) usage; exit 0 ;;
	--persist) persist=1 ;;
	*[!0-9]* | '') die "\"$argument\" is no number of megabytes; --help tells more" ;;
	*) mb=$argument ;;
	esac
done
[ -n "$mb" ] || { [ -z "$persist" ] || die "how many megabytes?"; show; exit 0; }
[ "$(id -u)" = 0 ] || die "only root may reserve hugepages: sudo ${BASH_SOURCE[0]} $*"

nodes=(/sys/devices/system/node/node[0-9]*)
[ -e "${nodes[0]}/hugepages/hugepages-2048kB/nr_hugepages" ] || die "this kernel has no hugepages of 2 MB"
each=$(((mb / 2 + ${#nodes[@]} - 1) / ${#nodes[@]}))
for node in "${nodes[@]}"; do
	echo "$each" >"$node/hugepages/hugepages-2048kB/nr_hugepages"
	got=$(<"$node/hugepages/hugepages-2048kB/nr_hugepages")
	[ "$got" -ge "$each" ] ||
		echo "hugepages: ${node##*/}: $got of $each pages; memory is too fragmented: reserve them at boot (--persist) and reboot" >&2
done
if [ -n "$persist" ]; then
	echo "vm.nr_hugepages = $((each * ${#nodes[@]}))" >/etc/sysctl.d/60-hugepages.conf
fi
show
