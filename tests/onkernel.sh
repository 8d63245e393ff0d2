#!/usr/bin/env bash
# Runs tests of one project on another kernel: one of Debian's cloud kernels, booted by qemu without KVM, with the .NET runtime and the project's output in an initrd; for
# Terway.EndToEnd.Tests with dist/ too, so that daemon, plugins and CNI calls are tried there as they are. Everything is 20 to 40 times slower there.
#
#   tests/onkernel.sh SUITE PROJECT [ARGUMENT...]      bullseye (5.10), bookworm (6.1) or trixie (6.12); arguments of xunit: -class NAME, -method PATTERN
#
# Prints what the tests print and ends as they end. Needs the project built and 4 GiB of memory. Container runtimes and iptables are not there.
# build/deps.sh verifiers, which it calls, installs the emulator and fetches the kernels.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
(($# >= 2)) || { sed -n '5s/^# *//p' tests/onkernel.sh >&2; exit 2; }
suite="$1" project="$2"
shift 2
patience=1200 # seconds

build/deps.sh verifiers >&2
[[ -x "artifacts/bin/$project/debug/$project" ]] || { echo "onkernel.sh: build tests/$project first" >&2; exit 2; }
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
source tests/kernels.sh

initrd="$work/initrd"
mkdir -p "$initrd"/{bin,proc,sys,dev,run,var,tmp,modules,dotnet,tests,root}
ln -s /run "$initrd/var/run"
cp "$(command -v busybox)" "$initrd/bin/busybox"
for name in ip nsenter; do program "$name" "$initrd"; done
dotnet="$(dirname "$(readlink -f "$(command -v dotnet)")")"
cp -r "$dotnet/host" "$dotnet/shared" "$initrd/dotnet/"
cp -r "artifacts/bin/$project/debug/." "$initrd/tests/$project"
# What those, and libbpf, load at run time.
for library in libstdc++.so.6 libm.so.6 libgcc_s.so.1 libc.so.6 libdl.so.2 libpthread.so.0 librt.so.1 libz.so.1 libbpf.so.1 libelf.so.1 libssl.so.3 libcrypto.so.3; do
  file="$(ldconfig -p | awk -v name="$library" '$1 == name && /x86-64/ && !found { print $NF; found = 1 }')"
  mkdir -p "$initrd$(dirname "$file")"
  cp -L "$file" "$initrd$file"
done
mkdir -p "$initrd/lib64"
cp -L /lib64/ld-linux-x86-64.so.2 "$initrd/lib64/"
case "$project" in
  Terway.EndToEnd.Tests)
    [[ -e dist/host/terwayd.dll ]] || { echo "onkernel.sh: ./build.sh first" >&2; exit 2; }
    cp -r dist "$initrd/dist"
    program nft "$initrd"
    ;;
  Terway.Host.Tests)
    # A test compiles an object on its first use: it is there already.
    mkdir -p "$initrd/tests/$project/Kernel"
    clang-14 -O2 -g -target bpf "-I/usr/include/$(uname -m)-linux-gnu" -c tests/Terway.Linux.Tests/Bpf/count.bpf.c -o "$initrd/tests/$project/Kernel/count.bpf.o"
    printf '#!/bin/busybox true\n' >"$initrd/bin/clang-14"
    chmod +x "$initrd/bin/clang-14"
    ;;
esac

cat >"$initrd/init" <<INIT
#!/bin/busybox sh
b=/bin/busybox
\$b mount -t proc proc /proc
\$b mount -t sysfs sysfs /sys
\$b mount -t devtmpfs dev /dev
\$b mount -t tmpfs run /run
\$b mount -t tmpfs tmp /tmp
\$b mount -t bpf bpf /sys/fs/bpf
\$b mount -t cgroup2 cgroup2 /sys/fs/cgroup
\$b --install -s /bin 2>/dev/null
# Some need others: those that are not in yet are tried again.
for round in 1 2 3 4 5; do
  for m in /modules/*.ko; do insmod "\$m" 2>/dev/null && rm "\$m"; done
done
ulimit -n 65536
ip link set lo up
export DOTNET_ROOT=/dotnet HOME=/root PATH=/bin TERWAY_DIST=/dist TERWAY_LAB_PATIENCE=10
echo "kernel \$(uname -r)"
/tests/$project/$project -nocolor -parallel none $(printf '%q ' "$@")
echo "ended with \$?"
poweroff -f
INIT
chmod +x "$initrd/init"

image="$(kernel "$suite")"
cp "$image"/modules/*.ko "$initrd/modules/" 2>/dev/null || true
pack "$initrd" "$work/initrd.gz"
timeout "$patience" qemu-system-x86_64 -accel tcg -smp 2 -m 4096 -nographic -no-reboot -kernel "$image/vmlinuz" -initrd "$work/initrd.gz" \
  -append "console=ttyS0 quiet panic=-1" >"$work/log" 2>&1 </dev/null || true
tr -d '\r' <"$work/log" | sed -n '/kernel [0-9]/,/^ended with/p' | sed 's/^.*\(kernel [0-9]\)/\1/'
status="$(tr -d '\r' <"$work/log" | sed -n 's/^ended with \([0-9]*\)$/\1/p' | tail -n 1)"
[[ -n "$status" ]] || { tail -n 40 "$work/log"; echo "onkernel.sh: no end within $patience s, or the kernel did not come up" >&2; exit 1; }
exit "$status"
