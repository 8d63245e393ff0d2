#!/usr/bin/env bash
# Benchmarks, as ratios within one run. One JSON line per figure, see docs/benchmarks.md.
#
#   ./bench.sh cni [--runs N] [--burst N]
#   ./bench.sh datapath [--quick] [--only same_node,cross_node,service, each also with _v6] [--plot FILE.svg]
set -euo pipefail
cd "$(dirname "$0")"
[[ $# -gt 0 ]] || { sed -n '2,5s/^# \{0,1\}//p' bench.sh >&2; exit 2; }
build/deps.sh build bench >&2
./build.sh >&2
dotnet build bench/Terway.Bench -c Release -v quiet -nologo >&2
exec dotnet artifacts/bin/Terway.Bench/release/Terway.Bench.dll "$@" --dist "$PWD/dist"
