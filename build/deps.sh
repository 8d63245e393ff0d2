#!/usr/bin/env bash
# Installs what a fresh Debian 12 with the .NET SDK lacks. Does nothing, at once, when all is there.
#
#   build/deps.sh build           to build dist/
#   build/deps.sh build test      to run the tests as well
#   build/deps.sh verifiers       for tests/verifiers.sh and others that boot kernels: an emulator, and the kernels
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

packages=() kernels=() sdk=
for group in "${@:-build}"; do
  case "$group" in
    # NativeAOT's linker, the eBPF compiler with libbpf's headers, and the keys that the sysroot is verified with
    build) sdk=1 packages+=(clang-14 binutils gcc libc6-dev linux-libc-dev libbpf-dev zlib1g-dev debian-archive-keyring ca-certificates) ;;
    # what nodes, regions and real CNI callers are made of
    test) sdk=1 packages+=(libbpf1 bpftool iproute2 nftables util-linux procps iperf3 containernetworking-plugins containerd runc podman busybox-static) ;;
    bench) sdk=1 packages+=(containernetworking-plugins iptables util-linux libbpf1) ;;
    # Suites whose kernels are 5.10, 6.1 and 6.12.
    verifiers)
      packages+=(qemu-system-x86 bpftool busybox-static clang-14 linux-libc-dev libc6-dev libbpf-dev iproute2 iperf3 gzip xz-utils debian-archive-keyring)
      kernels=(bullseye bookworm trixie)
      ;;
    *) echo "deps.sh: unknown group '$group': build, test, bench or verifiers" >&2; exit 2 ;;
  esac
done

[[ -z "$sdk" ]] || command -v dotnet >/dev/null || {
  echo "deps.sh: the .NET 10 SDK is missing (https://dotnet.microsoft.com/download/dotnet/10.0)" >&2
  exit 1
}

missing=()
installed="$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${packages[@]}" 2>/dev/null || true)"
for package in "${packages[@]}"; do
  grep -qx "$package installed" <<<"$installed" || missing+=("$package")
done

install() { apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=120 install "${missing[@]}" >"$log" 2>&1; }
if ((${#missing[@]})); then
  echo "installing Debian packages: ${missing[*]}"
  [[ "$(id -u)" == 0 ]] || {
    echo "deps.sh: not root. Run: sudo apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  }
  export DEBIAN_FRONTEND=noninteractive
  log="$(mktemp)"
  trap 'rm -f "$log"' EXIT
  # Fresh machines have no package lists, or stale ones.
  install || { apt-get -q update >"$log" 2>&1 && install; } || { tail -n 30 "$log" >&2; echo "deps.sh: apt-get failed" >&2; exit 1; }
fi

for suite in "${kernels[@]}"; do
  ./kernel.sh "$suite" >/dev/null || { echo "deps.sh: the kernel of $suite could not be fetched" >&2; exit 1; }
done
