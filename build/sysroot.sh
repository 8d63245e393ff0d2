#!/usr/bin/env bash
# Prints the folder of a Debian 11 sysroot (glibc 2.31) and makes it first if it is not there.
#
#   build/sysroot.sh [x64|arm64]
#
# The entrypoint is copied onto hosts with older C libraries than the build machine's, so it links against this one. The packages come through
# apt with lists of their own, verified by Debian's archive key; nothing is installed. Kept in ${XDG_CACHE_HOME:-~/.cache}/terway-net.
set -euo pipefail

case "${1:-x64}" in
  x64) deb_arch=amd64 triplet=x86_64-linux-gnu ;;
  arm64) deb_arch=arm64 triplet=aarch64-linux-gnu ;;
  *) echo "sysroot.sh: unknown architecture '$1': x64 or arm64" >&2; exit 2 ;;
esac

readonly RECIPE=1 # raise when the packages or their handling change
packages=(libc6 libc6-dev libgcc-s1 libgcc-10-dev libstdc++-10-dev zlib1g zlib1g-dev linux-libc-dev)
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
cache="${XDG_CACHE_HOME:-$HOME/.cache}/terway-net"
target="$cache/sysroot-${1:-x64}"

if [[ "$(cat "$target/.recipe" 2>/dev/null)" == "$RECIPE" ]]; then
  echo "$target"
  exit 0
fi

mkdir -p "$cache"
exec 9>"$cache/sysroot.lock"
flock 9
if [[ "$(cat "$target/.recipe" 2>/dev/null)" == "$RECIPE" ]]; then # somebody else made it meanwhile
  echo "$target"
  exit 0
fi

[[ -r "$keyring" ]] || { echo "sysroot.sh: $keyring is missing: apt-get install debian-archive-keyring" >&2; exit 1; }
work="$(mktemp -d "$cache/sysroot.XXXXXX")"
trap 'rm -rf "$work"' EXIT
chmod 0755 "$work"
mkdir -p "$work"/apt/lists/partial "$work"/apt/cache/archives/partial "$work"/debs "$work"/root
: >"$work/apt/status"

# The mirror of the machine's own sources, so that a site's proxy or mirror serves this too.
mirror="$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -m1 -E '/debian/?$' || true)"
[[ -n "$mirror" ]] || { echo "sysroot.sh: no Debian mirror (an address ending in /debian) in apt's sources; add the one this machine uses" >&2; exit 1; }
echo "deb [signed-by=$keyring] $mirror bullseye main" >"$work/apt/sources.list"
cat >"$work/apt/apt.conf" <<EOF
Dir::Etc::sourcelist "$work/apt/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::lists "$work/apt/lists";
Dir::State::status "$work/apt/status";
Dir::Cache "$work/apt/cache";
APT::Architecture "$deb_arch";
APT::Architectures { "$deb_arch"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
EOF
export APT_CONFIG="$work/apt/apt.conf"
{
  apt-get -q update
  (cd "$work/debs" && apt-get -q download "${packages[@]}")
} >"$work/log" 2>&1 || { cat "$work/log" >&2; echo "sysroot.sh: could not fetch Debian 11 packages from $mirror" >&2; exit 1; }

for deb in "$work"/debs/*.deb; do dpkg-deb -x "$deb" "$work/root"; done

# Absolute links would lead out of the tree.
find "$work/root" -type l -lname '/*' -print0 | while IFS= read -r -d '' link; do
  ln -sfnr "$work/root$(readlink "$link")" "$link"
done
[[ -e "$work/root/usr/lib/$triplet/libc.so" && -e "$work/root/lib/$triplet/libc.so.6" ]] ||
  { echo "sysroot.sh: the packages did not bring a C library for $triplet" >&2; exit 1; }

echo "$RECIPE" >"$work/root/.recipe"
rm -rf "$target"
mv "$work/root" "$target"
echo "$target"
