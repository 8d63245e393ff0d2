#!/usr/bin/env bash
# Runs the tests that need fair queues (sch_fq), and are skipped on kernels without them, on 5.10, 6.1 and 6.12: Debian's cloud kernels, booted by qemu without KVM with
# the .NET runtime and the test projects' output in an initrd.
#
#   tests/fairqueues.sh [SUITE...]      bullseye, bookworm, trixie; all when none is given
#
# Needs the test projects built (Terway.Linux.Tests, Terway.Host.Tests) and 2 GiB of memory. build/deps.sh verifiers, which it calls, installs the emulator and
# fetches the kernels.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

projects=(Terway.Linux.Tests Terway.Host.Tests)
classes=(Terway.Linux.Tests.Netlink.FairQueueTests Terway.Host.Tests.Kernel.FairQueueTests)
patience=300 # seconds for one kernel

build/deps.sh verifiers
for project in "${projects[@]}"; do
  [[ -x "artifacts/bin/$project/debug/$project" ]] || { echo "fairqueues.sh: build tests/$project first" >&2; exit 2; }
done
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
source tests/kernels.sh
(($# == 0)) || suites=("$@")

initrd="$work/initrd"
mkdir -p "$initrd"/{bin,proc,sys,dev,run,var,tmp,modules,dotnet,tests,root}
ln -s /run "$initrd/var/run"
cp "$(command -v busybox)" "$initrd/bin/busybox"
for name in ip nsenter; do program "$name" "$initrd"; done
dotnet="$(dirname "$(readlink -f "$(command -v dotnet)")")"
cp -r "$dotnet/host" "$dotnet/shared" "$initrd/dotnet/"
for project in "${projects[@]}"; do
  mkdir -p "$initrd/tests/$project/Kernel"
  find "artifacts/bin/$project/debug" -maxdepth 1 -type f -exec cp {} "$initrd/tests/$project/" \;
done
# What those, and libbpf, load at run time.
for library in libstdc++.so.6 libm.so.6 libgcc_s.so.1 libc.so.6 libdl.so.2 libpthread.so.0 librt.so.1 libz.so.1 libbpf.so.1 libelf.so.1 libssl.so.3 libcrypto.so.3; do
  file="$(ldconfig -p | awk -v name="$library" '$1 == name && /x86-64/ && !found { print $NF; found = 1 }')"
  mkdir -p "$initrd$(dirname "$file")"
  cp -L "$file" "$initrd$file"
done
mkdir -p "$initrd/lib64"
cp -L /lib64/ld-linux-x86-64.so.2 "$initrd/lib64/"
# A test compiles an object on its first use: it is there already.
clang-14 -O2 -g -target bpf "-I/usr/include/$(uname -m)-linux-gnu" -c tests/Terway.Linux.Tests/Bpf/count.bpf.c -o "$initrd/tests/Terway.Host.Tests/Kernel/count.bpf.o"
printf '#!/bin/busybox true\n' >"$initrd/bin/clang-14"
chmod +x "$initrd/bin/clang-14"

cat >"$initrd/init" <<INIT
#!/bin/busybox sh
b=/bin/busybox
\$b mount -t proc proc /proc
\$b mount -t sysfs sysfs /sys
\$b mount -t devtmpfs dev /dev
\$b mount -t tmpfs run /run
\$b mount -t bpf bpf /sys/fs/bpf
echo "kernel \$(\$b uname -r)"
for m in /modules/*.ko; do \$b insmod "\$m"; done
\$b ip link set lo up
export DOTNET_ROOT=/dotnet HOME=/root PATH=/bin
for class in ${classes[*]}; do
  for project in ${projects[*]}; do
    case "\$class" in "\$project".*) /tests/\$project/\$project -nocolor -class "\$class" ;; esac
  done
done
\$b poweroff -f
INIT
chmod +x "$initrd/init"

failed=0
for suite in "${suites[@]}"; do
  image="$(kernel "$suite")"
  rm -f "$initrd"/modules/*
  cp "$image"/modules/*.ko "$initrd/modules/" 2>/dev/null || true
  pack "$initrd" "$work/initrd.gz"
  timeout "$patience" qemu-system-x86_64 -accel tcg -smp 2 -m 2048 -nographic -no-reboot -kernel "$image/vmlinuz" -initrd "$work/initrd.gz" \
    -append "console=ttyS0 quiet panic=-1" >"$work/$suite.log" 2>&1 </dev/null || true
  grep -aoE 'kernel [0-9][0-9.a-z+-]*|\[FAIL\]|  [A-Za-z.]+  Total: .*' "$work/$suite.log" | tr -d '\r' || true
  # In each class one test is about kernels without: it is skipped, and nothing else.
  passed="$(grep -acE 'Total: [0-9]+, Errors: 0, Failed: 0, Skipped: 1, Not Run: 0' "$work/$suite.log" || true)"
  if ((passed != ${#classes[@]})); then
    failed=1
    tail -n 60 "$work/$suite.log"
  fi
done
exit "$failed"
