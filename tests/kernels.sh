# Sourced by scripts that boot Debian's cloud kernels under qemu. Kernels come through apt with lists of their own, verified by Debian's archive key; nothing
# is installed. They are kept in ${XDG_CACHE_HOME:-~/.cache}/terway-net. Needs $work, a folder that goes with the script.

suites=(bullseye bookworm trixie) # 5.10, 6.1, 6.12
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
cache="${XDG_CACHE_HOME:-$HOME/.cache}/terway-net"
# What a node's links need; in some of the kernels built in.
modules=(veth tun sch_fq sch_ingress cls_bpf sch_tbf)

# kernel SUITE: prints the folder of its vmlinuz and modules/*.ko, and fetches them first if they are not there.
kernel() {
  local target="$cache/kernel-$1" apt="$work/apt-$1" mirror name module file
  if [[ ! -e "$target/modules" ]]; then
    mirror="$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -m1 -E '/debian/?$')"
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/root" "$apt/modules" "$target"
    : >"$apt/status"
    echo "deb [signed-by=$keyring] $mirror $1 main" >"$apt/sources.list"
    cat >"$apt/apt.conf" <<CONF
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
APT::Architecture "amd64";
APT::Sandbox::User "root";
Acquire::Languages "none";
CONF
    APT_CONFIG="$apt/apt.conf" apt-get update -qq >&2
    name="$(APT_CONFIG="$apt/apt.conf" apt-cache depends linux-image-cloud-amd64 | sed -nE 's/.*Depends: (linux-image-[0-9].*)/\1/p' | head -n1)"
    (cd "$apt" && APT_CONFIG="$apt/apt.conf" apt-get download -qq "$name" >&2 && dpkg-deb -x linux-image-*.deb root)
    for module in "${modules[@]}"; do
      while read -r file; do
        case "$file" in
          *.xz) xz -dc "$file" >"$apt/modules/$module.ko" ;;
          *) cp "$file" "$apt/modules/$module.ko" ;;
        esac
      done < <(find "$apt/root" -name "$module.ko" -o -name "$module.ko.xz")
    done
    cp "$apt"/root/boot/vmlinuz-* "$target/vmlinuz"
    # Last, and at once: a fetch that was cut off is done again.
    rm -rf "$target/modules.new"
    cp -r "$apt/modules" "$target/modules.new"
    mv "$target/modules.new" "$target/modules"
  fi
  echo "$target"
}

# program NAME FOLDER: copies a program with its libraries into an initrd.
program() {
  local file library
  file="$(readlink -f "$(command -v "$1")")"
  cp "$file" "$2/bin/$1"
  { ldd "$file" || true; } | { grep -o '/[^ ]*' || true; } | while read -r library; do
    mkdir -p "$2$(dirname "$library")"
    cp -L "$library" "$2$library"
  done
}

# pack FOLDER FILE: makes an initrd.
pack() { (cd "$1" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$2"; }
