# Sourced by scripts that boot Debian's cloud kernels under qemu, in the root of the tree.

suites=(bullseye bookworm trixie) # 5.10, 6.1, 6.12

# kernel SUITE: prints the folder of its vmlinuz and modules/*.ko.
kernel() { build/kernel.sh "$1"; }

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
