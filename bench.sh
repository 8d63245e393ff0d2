#!/usr/bin/env bash
# Benchmarks, as ratios within one run: ./bench.sh cni [--runs N] [--burst N]. One JSON line per figure.
set -euo pipefail
cd "$(dirname "$0")"
[[ $# -gt 0 ]] || { echo "usage: ./bench.sh cni [--runs N] [--burst N]" >&2; exit 2; }
build/deps.sh bench >&2
./build.sh >&2
dotnet build bench/Terway.Bench -c Release -v quiet -nologo >&2
exec dotnet artifacts/bin/Terway.Bench/release/Terway.Bench.dll "$@" --dist "$PWD/dist"
