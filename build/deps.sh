#!/usr/bin/env bash
# Installs what a fresh Debian 12 with the .NET SDK lacks. Does nothing, at once, when all is there.
#
#   build/deps.sh build           to build dist/
#   build/deps.sh build test      to run the tests as well
set -euo pipefail

packages=()
for group in "${@:-build}"; do
  case "$group" in
    # NativeAOT's linker, the eBPF compiler with libbpf's headers, and the keys that the sysroot is verified with
    build) packages+=(clang-14 binutils gcc libc6-dev linux-libc-dev libbpf-dev zlib1g-dev debian-archive-keyring ca-certificates) ;;
    # what nodes, regions and real CNI callers are made of
    test) packages+=(libbpf1 bpftool iproute2 nftables util-linux procps iperf3 containernetworking-plugins containerd runc podman busybox-static) ;;
    bench) packages+=(containernetworking-plugins iptables util-linux libbpf1) ;;
    *) echo "deps.sh: unknown group '$group': build, test or bench" >&2; exit 2 ;;
  esac
done

command -v dotnet >/dev/null || {
  echo "deps.sh: the .NET 10 SDK is missing (https://dotnet.microsoft.com/download/dotnet/10.0)" >&2
  exit 1
}

missing=()
installed="$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${packages[@]}" 2>/dev/null || true)"
for package in "${packages[@]}"; do
  grep -qx "$package installed" <<<"$installed" || missing+=("$package")
done
((${#missing[@]})) || exit 0

echo "installing Debian packages: ${missing[*]}"
[[ "$(id -u)" == 0 ]] || {
  echo "deps.sh: not root. Run: sudo apt-get install --no-install-recommends ${missing[*]}" >&2
  exit 1
}
export DEBIAN_FRONTEND=noninteractive
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
install() { apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=120 install "${missing[@]}" >"$log" 2>&1; }
# Fresh machines have no package lists, or stale ones.
install || { apt-get -q update >"$log" 2>&1 && install; } || { tail -n 30 "$log" >&2; echo "deps.sh: apt-get failed" >&2; exit 1; }
