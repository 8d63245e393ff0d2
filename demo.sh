#!/usr/bin/env bash
# Brings up a region with two nodes on this machine and shows pods getting their VPC network. Options: --keep, --json.
set -euo pipefail
cd "$(dirname "$0")"
build/deps.sh build test >&2
./build.sh >&2
exec dist/lab/terway-lab demo --dist dist "$@"
