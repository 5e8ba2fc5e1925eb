#!/usr/bin/env bash
# Makes pcaps/demo.pcap: a small office of four clients, a name server and a web server, real programs in network namespaces on one
# bridge. Needs root and the packages nginx-light, dnsmasq-base, curl, bind9-dnsutils, openssl, tcpdump, iputils-ping, iproute2.
# Times and ports differ from run to run; what is said does not.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
out=${1:-$top/pcaps/demo.pcap}
work=$(mktemp -d)
hosts=(anna ben cleo dora dns web)
sites=(www.example.org shop.example.org intranet.example.net mail.example.com cdn.example.com api.example.net)
pids=()

finish() {
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || :; done
	for host in "${hosts[@]}" hub; do ip netns del "demo-$host" 2>/dev/null || :; done
	rm -rf "$work"
}
trap finish EXIT

in_host() {
	local host=$1
	shift
	ip netns exec "demo-$host" "$@"
}

ip netns add demo-hub
ip -n demo-hub link add br0 type bridge
ip -n demo-hub link set br0 up
number=10
for host in "${hosts[@]}"; do
	number=$((number + 1))
	ip netns add "demo-$host"
	ip link add eth0 netns "demo-$host" address "02:00:00:00:00:$number" type veth peer name "$host" netns demo-hub
	ip -n demo-hub link set "$host" master br0 up
	ip -n "demo-$host" link set lo up
	ip -n "demo-$host" link set eth0 up
	ip -n "demo-$host" addr add "192.0.2.$number/24" dev eth0
	ip -n "demo-$host" addr add "2001:db8::$number/64" dev eth0 nodad
	in_host "$host" ethtool -K eth0 tx off tso off gso off gro off >/dev/null
done
dns=192.0.2.15 web=192.0.2.16

openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=example.org -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
mkdir -p "$work/html"
for n in 1 8 40; do head -c $((n * 1024)) /dev/zero | tr '\0' x >"$work/html/$n.txt"; done
echo '<title>demo</title>' >"$work/html/index.html"
cat >"$work/nginx.conf" <<CONF
daemon off; pid $work/nginx.pid; error_log $work/error.log;
events {}
http {
	access_log off; client_body_temp_path $work; proxy_temp_path $work; fastcgi_temp_path $work; uwsgi_temp_path $work; scgi_temp_path $work;
	server {
		listen 80; listen [::]:80; listen 443 ssl; listen [::]:443 ssl;
		ssl_certificate $work/cert.pem; ssl_certificate_key $work/key.pem; root $work/html;
	}
}
CONF
chmod -R a+rX "$work"
ip netns exec demo-web nginx -c "$work/nginx.conf" >/dev/null 2>&1 &
pids+=($!)
addresses=()
for site in "${sites[@]}"; do addresses+=("--address=/$site/$web" "--address=/$site/2001:db8::16"); done
ip netns exec demo-dns dnsmasq --keep-in-foreground --no-resolv --no-hosts --pid-file= --listen-address=$dns --local=/example.com/ --local=/example.org/ \
	--local=/example.net/ --txt-record=example.org,"v=spf1 -all" --mx-host=example.com,mail.example.com,10 "${addresses[@]}" >/dev/null 2>&1 &
pids+=($!)
for host in "${hosts[@]}"; do
	mkdir -p "/etc/netns/demo-$host"
	echo "nameserver $dns" >"/etc/netns/demo-$host/resolv.conf"
done
sleep 1
ip netns exec demo-hub tcpdump -q -U -s 0 -Z root -i br0 --immediate-mode -w "$work/demo.pcap" 'not port 5353 and not icmp6[0] = 143' >/dev/null 2>&1 &
capture=$!
pids+=("$capture")
sleep 1

browse() { # host site path scheme
	in_host "$1" curl -sk --max-time 5 -A "DemoBrowser/1.0 ($1)" -o /dev/null "$4://$2/$3"
}
for round in 1 2 3; do
	for host in anna ben cleo dora; do
		browse "$host" "${sites[$((RANDOM % ${#sites[@]}))]}" index.html https
		browse "$host" www.example.org "8.txt" http
		in_host "$host" dig +tries=1 +time=1 "@$dns" example.com MX >/dev/null
		in_host "$host" dig +tries=1 +time=1 "@$dns" "missing$round.example.org" >/dev/null
	done
	in_host anna ping -c 2 -i 0.2 -q $web >/dev/null
	browse ben shop.example.org 40.txt https
	browse cleo cdn.example.com 40.txt http
	in_host dora curl -s -6 --max-time 5 -A 'DemoBrowser/1.0 (dora)' -o /dev/null http://intranet.example.net/1.txt
	in_host dora curl -s --max-time 5 -A 'DemoBrowser/1.0 (dora)' -o /dev/null http://www.example.org/1.txt -o /dev/null http://www.example.org/gone
	in_host ben dig +tcp +tries=1 +time=1 "@$dns" example.org TXT >/dev/null
done
sleep 1
kill "$capture"
wait "$capture" || :
for host in "${hosts[@]}"; do rm -rf "/etc/netns/demo-$host"; done
cp "$work/demo.pcap" "$out"
echo "$out: $(stat -c %s "$out") bytes"
