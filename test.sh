#!/usr/bin/env bash
# Builds, and runs the tests. The last line is always: N passed, N failed[, N skipped]
#
#   ./test.sh                          all test projects
#   ./test.sh Terway.Cni Terway.Lab    those whose name begins so
#   ./test.sh --filter EXPRESSION      as dotnet test takes it
#   ./test.sh chaos --ops 500 --kills 50 --seed 1
#                                      ADD and DEL cycles under daemons that are killed, and a cloud that fails, at random
#   ./test.sh chaos --points           a daemon that is killed at every step it takes (docs/testing.md)
#
# Needs root: the tests make network namespaces, and remove them. Full output of each project: artifacts/logs/test-<project>.log.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1
readonly PROJECT_LIMIT=1200 # seconds, a hang is a failure too

if [[ "${1:-}" == chaos ]]; then
  shift
  { build/deps.sh build test && ./build.sh; } >&2 || exit 1
  [[ -x dist/lab/terway-lab ]] || { echo "test.sh: this tree has no terway-lab" >&2; exit 1; }
  exec dist/lab/terway-lab chaos "$@"
fi

passed=0 failed=0 skipped=0
finish() {
  if ((skipped)); then echo "$passed passed, $failed failed, $skipped skipped"; else echo "$passed passed, $failed failed"; fi
  ((failed == 0)) && exit 0
  exit 1
}
broken() { # a failure outside of any test counts as one
  echo "FAILED   $*"
  failed=$((failed + 1))
}
runner=
trap '[[ -n "$runner" ]] && kill "$runner" 2>/dev/null; broken "interrupted"; finish' INT TERM

prefixes=() filter=()
while (($#)); do
  case "$1" in
    --filter)
      if (($# < 2)); then broken "--filter needs an expression"; finish; fi
      filter=(--filter "$2")
      shift 2
      ;;
    -*) broken "unknown option $1"; finish ;;
    *) prefixes+=("$1"); shift ;;
  esac
done

[[ "$(id -u)" == 0 ]] || { broken "not root: the tests make network namespaces"; finish; }
build/deps.sh build test || { broken "dependencies"; finish; }
mkdir -p artifacts/logs

./build.sh || broken "build of dist/"

# All test projects in one build where all are wanted: what they share is looked at once. Where it fails, each project by itself tells whose fault it is.
built=
if ((!${#prefixes[@]})); then
  echo "building the tests"
  if dotnet build Terway.sln -m:2 -v quiet -nologo >artifacts/logs/test-build.log 2>&1; then built=1; fi
fi

leftovers() {
  { find /run/netns /var/run/netns -maxdepth 1 \( -name 'twt-*' -o -name 'twl-*' \) -printf 'namespace %f\n' 2>/dev/null
    find /sys/class/net -maxdepth 1 -name 'cali*' -printf 'link %f\n' 2>/dev/null
    find /sys/fs/cgroup -type d \( -name 'twt-*' -o -name 'twl-*' \) -printf 'cgroup %f\n' 2>/dev/null
  } | sort -u
}
before="$(leftovers)"

counter() { # NAME FILE: a number out of the result file's Counters element
  sed -nE "s/.*<Counters[^>]* $1=\"([0-9]+)\".*/\1/p" "$2" | head -n1
}

ran=0
for project in tests/*.Tests/*.csproj; do
  name="$(basename "$project" .csproj)"
  if ((${#prefixes[@]})); then
    wanted=
    for prefix in "${prefixes[@]}"; do [[ "$name" == "$prefix"* ]] && wanted=1; done
    [[ -n "$wanted" ]] || continue
  fi
  ran=$((ran + 1))
  log="artifacts/logs/test-$name.log" results="$PWD/artifacts/test-results/$name"
  rm -rf "$results"
  if [[ -z "$built" ]]; then
    echo "building $name"
    if ! dotnet build "$project" -m:1 -v quiet -nologo >"$log" 2>&1; then
      grep -E 'error' "$log" | sort -u | head -n 20
      broken "$name does not build ($log)"
      continue
    fi
  fi

  begin=$SECONDS
  timeout --kill-after=15 "$PROJECT_LIMIT" dotnet test "$project" --no-build --nologo "${filter[@]}" \
    --logger "trx;LogFileName=results.trx" --results-directory "$results" >"$log" 2>&1 &
  runner=$!
  while kill -0 "$runner" 2>/dev/null; do # a sign of life for whoever watches
    for _ in {1..75}; do sleep 0.2; kill -0 "$runner" 2>/dev/null || break 2; done
    echo "         $name: running for $((SECONDS - begin)) s"
  done
  wait "$runner"
  code=$?

  trx="$results/results.trx"
  if [[ ! -s "$trx" ]]; then
    if [[ "$code" == 0 && ${#filter[@]} -gt 0 ]]; then continue; fi # nothing here matches the filter
    tail -n 25 "$log"
    broken "$name: the runner ended with code $code and left no results ($log)"
    continue
  fi
  total="$(counter total "$trx")" ok="$(counter passed "$trx")" executed="$(counter executed "$trx")"
  total="${total:-0}" ok="${ok:-0}" executed="${executed:-0}"
  bad=$((executed - ok))
  passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + total - executed))
  echo "         $name: $ok passed, $bad failed, $((total - executed)) skipped, $((SECONDS - begin)) s"
  if ((bad)); then
    grep -vE '^\s*(Passed|Skipped) ' "$log" | tail -n 120
  elif [[ "$code" != 0 && "$total" != 0 ]]; then
    tail -n 25 "$log"
    broken "$name: the runner ended with code $code though no test failed: it crashed, or timed out ($log)"
  elif ((total == 0 && ${#filter[@]} == 0)); then
    broken "$name has no tests"
  fi
done
((ran)) || broken "no test project matches: ${prefixes[*]:-tests/*.Tests}"

# What a test made and did not remove. Somebody else's may come and go meanwhile: only what stays counts.
for _ in {1..25}; do
  left="$(comm -13 <(echo "$before") <(leftovers))"
  [[ -n "$left" ]] || break
  sleep 0.2
done
if [[ -n "$left" ]]; then
  echo "$left"
  broken "the tests left these behind"
fi
finish
