#!/usr/bin/env bash
# Runs the tests that need fair queues (sch_fq), and are skipped on kernels without them, on 5.10, 6.1 and 6.12 (tests/onkernel.sh): the queues by themselves, what the host does
# with them, and pods of two nodes whose limit holds by departure times, through a restart of the daemon, until nothing is left.
#
#   tests/fairqueues.sh [SUITE...]      bullseye, bookworm, trixie; all when none is given
#
# Needs the test projects built (Terway.Linux.Tests, Terway.Host.Tests, Terway.EndToEnd.Tests) and dist/; six minutes for each kernel.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tests/kernels.sh
(($# == 0)) || suites=("$@")

# In each class one test is about kernels without: it is skipped, and nothing else.
runs=(
  "1 Terway.Linux.Tests -class Terway.Linux.Tests.Netlink.FairQueueTests"
  "1 Terway.Host.Tests -class Terway.Host.Tests.Kernel.FairQueueTests"
  "0 Terway.EndToEnd.Tests -method *.DataPathV2Tests.A_pods_egress_limit_holds*"
)
failed=0
for suite in "${suites[@]}"; do
  for run in "${runs[@]}"; do
    read -r -a words <<<"$run"
    output="$(tests/onkernel.sh "$suite" "${words[@]:1}")" && status=0 || status=$?
    grep -E '^kernel |\[FAIL\]|  Total: ' <<<"$output" || true
    # A run that found no test is none.
    if ((status != 0)) || ! grep -qE "Total: [1-9][0-9]*, Errors: 0, Failed: 0, Skipped: ${words[0]}, Not Run: 0" <<<"$output"; then
      failed=1
      tail -n 60 <<<"$output"
    fi
  done
done
exit "$failed"
