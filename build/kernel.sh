#!/usr/bin/env bash
# Fetches Debian's cloud kernel (amd64) of a suite, to be booted by qemu, and prints the folder of its vmlinuz and modules/*.ko. Does nothing else when it is there.
#
#   build/kernel.sh bullseye
#
# It comes through apt with lists of its own, verified by Debian's archive key; nothing is installed. Kernels are kept in
# ${XDG_CACHE_HOME:-~/.cache}/terway-net; who wants a newer one of the suite removes the folder.
set -euo pipefail

suite="${1:?kernel.sh: name a suite of Debian}"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
# The number changes with the list of modules.
target="${XDG_CACHE_HOME:-$HOME/.cache}/terway-net/kernel-$suite-2"
if [[ -e "$target/modules" ]]; then
  echo "$target"
  exit 0
fi
# What a node's links and a NAT gateway need; in some of the kernels built in.
modules=(
  veth tun sch_fq sch_ingress cls_bpf sch_tbf
  crc32c_generic libcrc32c nf_defrag_ipv4 nf_defrag_ipv6 nf_conntrack nf_nat nfnetlink nf_tables nft_chain_nat nft_ct nft_masq nft_nat
)

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
# Where this machine gets Debian from; without package lists it does not say.
mirror="$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -m1 -E '/debian/?$' || true)"
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/root" "$target"
: >"$work/status"
echo "deb [signed-by=$keyring] ${mirror:-http://deb.debian.org/debian} $suite main" >"$work/sources.list"
cat >"$work/apt.conf" <<CONF
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::lists "$work/lists";
Dir::State::status "$work/status";
Dir::Cache "$work/cache";
APT::Architecture "amd64";
APT::Sandbox::User "root";
Acquire::Languages "none";
CONF
export APT_CONFIG="$work/apt.conf"
apt-get update -qq >&2
name="$(apt-cache depends linux-image-cloud-amd64 | sed -nE 's/.*Depends: (linux-image-[0-9].*)/\1/p' | head -n1)"
[[ -n "$name" ]] || { echo "kernel.sh: $suite has no cloud kernel" >&2; exit 1; }
(cd "$work" && apt-get download -qq "$name" >&2 && dpkg-deb -x linux-image-*.deb root)
mkdir "$work/modules"
for module in "${modules[@]}"; do
  while read -r file; do
    case "$file" in
      *.xz) xz -dc "$file" >"$work/modules/$module.ko" ;;
      *) cp "$file" "$work/modules/$module.ko" ;;
    esac
  done < <(find "$work/root" -name "$module.ko" -o -name "$module.ko.xz")
done
cp "$work"/root/boot/vmlinuz-* "$target/vmlinuz"
# Last, and at once: a fetch that was cut off is done again.
rm -rf "$target/modules.new"
cp -r "$work/modules" "$target/modules.new"
mv "$target/modules.new" "$target/modules"
echo "$target"
