#!/usr/bin/env bash
# Puts every eBPF object of the node through the verifiers of the oldest kernel that is promised (5.10), of 6.1 and of 6.12: Debian's cloud kernels,
# booted by qemu without KVM, with bpftool in an initrd. Both as a single-stack and as a dual-stack node loads them. Then a packet of a pod meets the program
# there: without an entry for the pod it is dropped (2), to a pod that has one it is redirected (7), from an ENI to nobody it goes on (-1). And a socket meets the
# hooks: a Service's address leads to a server on the loopback, and to a refusal when the Service has no backends.
#
#   tests/verifiers.sh
#
# build/deps.sh verifiers, which it calls, installs the emulator and fetches the kernels.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

objects=(dp_from_pod dp_from_eni dp_to_pod dp_to_eni)
hooks=(svc_connect4 svc_connect6 svc_sendmsg4 svc_sendmsg6 svc_recvmsg4 svc_recvmsg6 svc_getpeername4 svc_getpeername6)
patience=300 # seconds for one kernel: it boots in a few, on a busy machine in many

build/deps.sh verifiers
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

source tests/kernels.sh

initrd="$work/initrd"
mkdir -p "$initrd"/{bin,proc,sys,objects,tmp} "$work/src"
cp -r bpf/. "$work/src"
for ipv6 in 0 1; do
  # The loader sets it; bpftool cannot.
  for maps in dp svc; do
    sed "s/^const volatile __u32 ${maps}_ipv6;/const volatile __u32 ${maps}_ipv6 = $ipv6;/" "bpf/include/${maps}_maps.h" >"$work/src/include/${maps}_maps.h"
  done
  for object in "${objects[@]}" "${hooks[@]}"; do
    clang-14 -O2 -g -Wall -Wextra -Werror -target bpf -mcpu=v3 -I"$work/src/include" -I"/usr/include/$(uname -m)-linux-gnu" \
      -c "$work/src/$object.bpf.c" -o "$initrd/objects/${object}_ipv6_$ipv6.o"
  done
done
cp "$(command -v busybox)" "$initrd/bin/busybox"
program bpftool "$initrd"
cat >"$initrd/init" <<'INIT'
#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t bpf bpf /sys/fs/bpf
$b mkdir -p /cgroup
$b mount -t cgroup2 cgroup2 /cgroup
$b echo "kernel $($b uname -r)"
for o in /objects/*.o; do
  n=$($b basename "$o" .o)
  # What a hook is, its section says.
  case "$n" in svc_*) type= ;; *) type="type classifier" ;; esac
  if /bin/bpftool prog load "$o" "/sys/fs/bpf/$n" $type >/tmp/log 2>&1; then
    $b echo "accepted $n"
  else
    $b echo "REFUSED $n"
    $b tail -n 20 /tmp/log
  fi
done
# run PROGRAM: its verdict on the packet
run() { /bin/bpftool prog run pinned "$1" data_in /packet repeat 1 2>&1 | $b sed -n 's/.*Return value: \([0-9]*\).*/\1/p'; }
# pod ADDRESS: an address of a pod behind the link with index 1, which test runs come from
pod() {
  /bin/bpftool map update pinned /sys/fs/bpf/maps/dp_pods4 key hex 0a 00 01 "$1" value hex \
    01 00 00 00 dc 05 00 00 02 00 00 00 01 01 02 00 00 00 02 01 02 00 00 00 03 01 00 00
}
/bin/bpftool prog load /objects/dp_from_pod_ipv6_0.o /sys/fs/bpf/run_pod type classifier pinmaps /sys/fs/bpf/maps 2>/dev/null
$b echo "verdict dropped $(run /sys/fs/bpf/run_pod)"
pod 0b
pod 0c
$b echo "verdict redirected $(run /sys/fs/bpf/run_pod)"
$b echo "verdict passed $(run /sys/fs/bpf/dp_from_eni_ipv6_0)"
# 172.21.0.10:80 over TCP is set 1, whose one backend, in slot 0, is 127.0.0.1:8080.
$b ip link set lo up
/bin/bpftool prog load /objects/svc_connect4_ipv6_0.o /sys/fs/bpf/hook pinmaps /sys/fs/bpf/svc >/dev/null 2>&1
/bin/bpftool cgroup attach /cgroup connect4 pinned /sys/fs/bpf/hook multi
key="00 00 00 00 00 00 00 00 00 00 ff ff ac 15 00 0a 00 50 06 00"
# frontend COUNT
frontend() { /bin/bpftool map update pinned /sys/fs/bpf/svc/svc_frontends key hex $key value hex b2 97 fb e9 01 00 00 00 00 00 00 00 "$1" 00 00 00 00 00 00 00 00 00 00 00; }
/bin/bpftool map update pinned /sys/fs/bpf/svc/svc_slots key hex 00 00 00 00 value hex 00 00 00 00 00 00 00 00 00 00 ff ff 7f 00 00 01 1f 90 00 00 01 00 00 00
frontend 01
$b echo answer | $b nc -l -p 8080 >/tmp/asked &
$b usleep 300000
$b echo "service $($b echo hello | $b timeout 5 nc 172.21.0.10 80)"
frontend 00
if $b timeout 5 nc 172.21.0.10 80 </dev/null 2>/tmp/log; then $b echo "refusal none"; else $b echo "refusal $($b grep -o 'refused' /tmp/log)"; fi
$b poweroff -f
INIT
# Ethernet, IPv4 and TCP, from 10.0.1.11 to 10.0.1.12.
printf '%b' '\x02\0\0\0\x02\x01\x02\0\0\0\x01\x01\x08\0' '\x45\0\0\x28\0\0\0\0\x40\x06\x64\xb8\x0a\0\x01\x0b\x0a\0\x01\x0c' \
  '\x9c\x40\0\x50\0\0\0\0\0\0\0\0\x50\x02\x20\0\0\0\0\0' >"$initrd/packet"
chmod +x "$initrd/init"
pack "$initrd" "$work/initrd.gz"

failed=0
wanted=$((2 * (${#objects[@]} + ${#hooks[@]})))
for suite in "${suites[@]}"; do
  image="$(kernel "$suite")/vmlinuz"
  timeout "$patience" qemu-system-x86_64 -accel tcg -m 512 -nographic -no-reboot -kernel "$image" -initrd "$work/initrd.gz" \
    -append "console=ttyS0 quiet panic=-1" >"$work/$suite.log" 2>&1 </dev/null || true
  grep -aoE 'kernel [0-9].*|REFUSED.*' "$work/$suite.log" || true
  accepted="$(grep -ac 'accepted ' "$work/$suite.log" || true)"
  echo "  $accepted of $wanted objects accepted"
  verdicts="$(grep -aoE 'verdict [a-z]+ [0-9]+' "$work/$suite.log" | cut -d' ' -f2- | paste -sd, || true)"
  echo "  verdicts: $verdicts"
  service="$(grep -aoE '(service|refusal) [a-z]+' "$work/$suite.log" | paste -sd, || true)"
  echo "  socket: $service"
  if ((accepted != wanted)) || [[ "$verdicts" != "dropped 2,redirected 7,passed 4294967295" || "$service" != "service answer,refusal refused" ]]; then
    failed=1
    tail -n 40 "$work/$suite.log"
  fi
done
exit "$failed"
