#!/usr/bin/env bash
# Measures whether pods get the bandwidth that their limits say, by departure times and fair queues, on 5.10, 6.1 and 6.12: Debian's cloud kernels, booted by qemu
# without KVM. A node with an ENI, two pods in namespaces of their own and the VPC in another; DataPathV2's own programs and entries; fq with the daemon's limits.
# iperf3 sends TCP, and UDP at several times the limit; what counts are the bytes that arrive at the receiver's link in six seconds, headers included, which have
# to be 85 to 105 % of the limit. At last a pod without a limit sends: it has to be much faster, or nothing was proven.
#
#   tests/pacing.sh [SUITE...]      bullseye, bookworm, trixie; all when none is given
#
# build/deps.sh verifiers, which it calls, installs the emulator and fetches the kernels.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

objects=(dp_from_pod dp_from_eni dp_to_pod dp_to_eni)
patience=600 # seconds for one kernel

build/deps.sh verifiers
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
source tests/kernels.sh
(($# == 0)) || suites=("$@")

initrd="$work/initrd"
mkdir -p "$initrd"/{bin,proc,sys,dev,run,var,objects,modules,tmp,etc} "$work/src"
ln -s /run "$initrd/var/run"
cp -r bpf/. "$work/src"
# What the loader sets, bpftool cannot: the node's own ENI is the link with index 100. And maps are shared by their pins.
sed -e 's/^const volatile __u32 dp_uplink;/const volatile __u32 dp_uplink = 100;/' \
  -e 's/^} \(dp_[a-z0-9]*\) SEC(".maps");/\t__uint(pinning, LIBBPF_PIN_BY_NAME);\n} \1 SEC(".maps");/' bpf/include/dp_maps.h >"$work/src/include/dp_maps.h"
for object in "${objects[@]}"; do
  clang-14 -O2 -g -Wall -Wextra -Werror -target bpf -mcpu=v3 -I"$work/src/include" -I"/usr/include/$(uname -m)-linux-gnu" \
    -c "$work/src/$object.bpf.c" -o "$initrd/objects/$object.o"
done
cp "$(command -v busybox)" "$initrd/bin/busybox"
for name in bpftool ip tc iperf3; do program "$name" "$initrd"; done

cat >"$initrd/init" <<'INIT'
#!/bin/busybox sh
b=/bin/busybox
export PATH=/bin
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs dev /dev
$b mount -t tmpfs run /run
$b mount -t bpf bpf /sys/fs/bpf
echo "kernel $($b uname -r)"
for m in /modules/*.ko; do $b insmod "$m" || echo "FAILED insmod $m"; done

# busybox would take its own programs of these names.
ip() { /bin/ip "$@"; }
tc() { /bin/tc "$@"; }
# in_ NAMESPACE PROGRAM ARGUMENTS...
in_() {
  local ns="$1" program="$2"
  shift 2
  case "$program" in /*) ;; *) program="/bin/$program" ;; esac
  $b nsenter --net="/run/netns/$ns" "$program" "$@"
}
# bytes of a number, low ones first: le NUMBER COUNT
le() { local n="$1" i=0; while [ "$i" -lt "$2" ]; do printf '%02x ' $((n & 255)); n=$((n >> 8)); i=$((i + 1)); done; }
put() { /bin/bpftool map update pinned "/sys/fs/bpf/$1" key hex $2 value hex $3 || echo "FAILED map $1"; }

for ns in a b vpc; do ip netns add "$ns"; in_ "$ns" ip link set lo up; done
ip link set lo up
# pod NAMESPACE LINK NUMBER: its veth, its address 10.0.1.NUMBER, its way out
pod() {
  ip link add "cali$2" index "$2" address "02:00:00:00:02:$2" type veth peer name eth0 address "02:00:00:00:01:$2" netns "$1"
  ip link set "cali$2" up
  in_ "$1" ip link set eth0 up
  in_ "$1" ip addr add "10.0.1.$2/32" dev eth0
  in_ "$1" ip route add 169.254.1.1 dev eth0
  in_ "$1" ip neigh add 169.254.1.1 lladdr "02:00:00:00:02:$2" dev eth0
  in_ "$1" ip route add default via 169.254.1.1
  ip route add "10.0.1.$2/32" dev "cali$2"
  ip neigh add "10.0.1.$2" lladdr "02:00:00:00:01:$2" dev "cali$2"
  in_ vpc ip neigh add "10.0.1.$2" lladdr 02:00:00:00:03:01 dev v1
}
ip link add eth1 index 100 address 02:00:00:00:03:01 type veth peer name v1 netns vpc
ip link set eth1 up
in_ vpc ip link set v1 up
in_ vpc ip addr add 10.0.1.253/24 dev v1
in_ vpc ip addr add 10.0.2.33/32 dev lo
ip addr add 10.0.1.10/24 dev eth1
ip route add default via 10.0.1.253
echo 1 >/proc/sys/net/ipv4/ip_forward
pod a 11
pod b 12

for o in dp_from_pod dp_from_eni dp_to_pod dp_to_eni; do
  /bin/bpftool prog load "/objects/$o.o" "/sys/fs/bpf/prog_$o" type classifier 2>/tmp/log || { echo "FAILED load $o"; $b tail -n 5 /tmp/log; }
done
# attach LINK DIRECTION PROGRAM
attach() {
  tc qdisc add dev "$1" clsact 2>/dev/null
  tc filter add dev "$1" "$2" prio 25000 handle 1 bpf da object-pinned "/sys/fs/bpf/prog_$3" || echo "FAILED attach $3"
}
for link in cali11 cali12; do attach "$link" ingress dp_from_pod; attach "$link" egress dp_to_pod; done
attach eth1 ingress dp_from_eni
attach eth1 egress dp_to_eni
for link in cali11 cali12 eth1; do tc qdisc add dev "$link" root handle 7e57: fq limit 65536 flow_limit 16384 || echo "FAILED fq $link"; done

# entry LINK FLAGS: of a pod, as the plan has it
entry() { put dp_pods4 "0a 00 01 $(le "$1" 1)" "$(le "$1" 4) dc 05 00 00 02 00 00 00 01 $1 02 00 00 00 02 $1 02 00 00 00 03 01 $(le "$2" 2)"; }
# MACs above are written as decimal digits of the link: 11 and 12 are also hexadecimal.
limit() { put dp_limits "00 00 00 00 00 00 00 00 00 00 ff ff 0a 00 01 $(le "$1" 1)" "$(le "$2" 8) $(le "$3" 8) $(le "$1" 4) 00 00 00 00"; }
put dp_enis "02 00 00 00 03 01 00 00" "$(le 100 4) dc 05 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 0a 00 01 fd"
egress=1000000
ingress=1500000
limit 11 "$egress" "$ingress"
entry 11 3
entry 12 0

# look NAMESPACE LINK: hundredths of seconds, and the bytes that came in
look() {
  in_ "$1" busybox awk -v file="/tmp/net-$1/class/net/$2/statistics/rx_bytes" \
    'BEGIN { getline bytes <file; getline time <"/proc/uptime"; split(time, t, " "); printf "%d %s", t[1] * 100, bytes }'
}
# measure NAME LIMIT SENDER RECEIVER LINK ADDRESS ARGUMENTS...: what arrives at the receiver's link
measure() {
  local name="$1" limit="$2" from="$3" to="$4" link="$5" address="$6" before after bytes server client
  shift 6
  # With exec, so that what is ended below is iperf3 itself.
  (exec $b nsenter --net="/run/netns/$to" /bin/iperf3 -s -1 -B "$address" >/tmp/server 2>&1) &
  server=$!
  # It listens at port 5201.
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    in_ "$to" busybox grep -q ':1451 .* 0A ' /proc/net/tcp /proc/net/tcp6 && break
    $b usleep 500000
  done
  (exec $b nsenter --net="/run/netns/$from" /bin/iperf3 -c "$address" -t 60 "$@" >/tmp/client 2>&1) &
  client=$!
  $b sleep 4
  before=$(look "$to" "$link")
  $b sleep 6
  after=$(look "$to" "$link")
  bytes=$((${after#* } - ${before#* }))
  echo "rate $name $limit $((bytes * 100 / (${after% *} - ${before% *})))"
  [ "$bytes" != 0 ] || $b cat /tmp/client /tmp/server
  kill -9 "$client" "$server" 2>/dev/null
  wait "$client" "$server" 2>/dev/null
  # Else the next one would measure what is left of this.
  if $b pidof iperf3 >/dev/null; then echo "FAILED iperf3 goes on after $name"; fi
  # What waits in a queue leaves before the next one begins.
  $b sleep 3
}
# A namespace's links are in the sysfs that was mounted from inside it.
for ns in a b vpc; do $b mkdir -p "/tmp/net-$ns"; in_ "$ns" $b mount -t sysfs net "/tmp/net-$ns"; done

udp="-u -b 40M -l 1400"
measure egress-tcp "$egress" a vpc v1 10.0.2.33
measure egress-udp "$egress" a vpc v1 10.0.2.33 $udp
measure ingress-tcp "$ingress" vpc a eth0 10.0.1.11
measure ingress-udp "$ingress" vpc a eth0 10.0.1.11 $udp
measure node-egress-tcp "$egress" a b eth0 10.0.1.12
measure node-egress-udp "$egress" a b eth0 10.0.1.12 $udp
measure node-ingress-tcp "$ingress" b a eth0 10.0.1.11
measure node-ingress-udp "$ingress" b a eth0 10.0.1.11 $udp
# Both ends: the sender's limit is the lower one, then the receiver's.
limit 12 0 800000
entry 12 1
measure node-both-tcp 800000 a b eth0 10.0.1.12
measure node-both-udp 800000 a b eth0 10.0.1.12 $udp
limit 12 0 0
entry 12 0
measure unlimited-tcp 0 b vpc v1 10.0.2.33
# For whoever looks for a reason.
for link in eth1 cali11 cali12; do tc -s qdisc show dev "$link" root; done
$b poweroff -f
INIT
chmod +x "$initrd/init"

failed=0
for suite in "${suites[@]}"; do
  image="$(kernel "$suite")"
  rm -f "$initrd"/modules/*
  cp "$image"/modules/{veth,tun,sch_*,cls_*}.ko "$initrd/modules/" 2>/dev/null || true
  pack "$initrd" "$work/initrd.gz"
  timeout "$patience" qemu-system-x86_64 -accel tcg -m 1024 -nographic -no-reboot -kernel "$image/vmlinuz" -initrd "$work/initrd.gz" \
    -append "console=ttyS0 quiet panic=-1" >"$work/$suite.log" 2>&1 </dev/null || true
  grep -aoE 'kernel [0-9][0-9.a-z+-]*|FAILED.*' "$work/$suite.log" || true
  wanted=0
  while read -r _ name limit rate; do
    wanted=$((wanted + 1))
    rate="${rate%$'\r'}"
    if ((limit == 0)); then
      echo "  $name: $rate bytes/s without a limit"
      ((rate > 3000000)) || failed=1
    else
      percent=$((rate * 1000 / limit))
      printf '  %-18s %8d of %8d bytes/s  %3d.%d %%' "$name" "$rate" "$limit" $((percent / 10)) $((percent % 10))
      if ((percent < 850 || percent > 1050)); then
        failed=1
        printf '  OUT OF BOUNDS'
      fi
      echo
    fi
  done < <(grep -aE '^rate [a-z-]+ [0-9]+ [0-9]+' "$work/$suite.log")
  if ((wanted != 11)) || grep -aq FAILED "$work/$suite.log"; then
    failed=1
    tail -n 40 "$work/$suite.log"
  fi
done
exit "$failed"
