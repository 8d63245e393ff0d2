#!/usr/bin/env bash
# Builds dist/, laid out as it is installed. Only what changed is built again.
#
#   ./build.sh                 everything
#   ./build.sh cni plugins     some targets: cni host plugins controlplane cli lab
#
# eBPF objects are compiled by the projects that own them and lie beside their assemblies.
#
# Each step's full output is in artifacts/logs/build-<step>.log.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
umask 022 # the daemon refuses plugins that others than root may write

arch="${ARCH:-x64}"
rid="linux-$arch"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1

mkdir -p artifacts/logs artifacts/stamps dist
exec 8>artifacts/.build.lock
flock -n 8 || { echo "waiting for another build in this folder"; flock 8; }

started="${EPOCHREALTIME/[^0-9]/}"
say() {
  local ms=$(((${EPOCHREALTIME/[^0-9]/} - started) / 1000))
  printf '[%4d.%ds] %s\n' $((ms / 1000)) $((ms % 1000 / 100)) "$*"
}

build/deps.sh build

# Every step depends on these.
common=(build.sh build Directory.Build.props Directory.Packages.props .editorconfig global.json)
for optional in Directory.Build.targets nuget.config NuGet.config BannedSymbols.txt; do
  [[ -e "$optional" ]] && common+=("$optional")
done
sdk="$(dotnet --version)"

# closure PATH: the folders a project is made of - its own, and those of the projects and files it includes.
declare -A seen
closure() {
  local folder="$1" include project
  [[ -n "${seen[$folder]:-}" ]] && return
  seen[$folder]=1
  for project in "$folder"/*.csproj; do
    [[ -e "$project" ]] || continue
    while IFS= read -r include; do
      include="${include//\\//}"
      include="${include%%\**}"
      include="$(realpath -m --relative-to=. "$folder/$include")"
      [[ "$include" == ..* ]] && continue
      if [[ -f "$include" && "$include" == *.csproj ]]; then closure "$(dirname "$include")"
      elif [[ "$include" == *.targets ]]; then seen[$(dirname "$include")]=1 # and the sources it compiles
      elif [[ -e "$include" ]]; then seen[$include]=1; fi
    done < <(grep -hoE '(Include|Project)="\.\.[\\/][^"]+"' "$project" | sed -E 's/^[A-Za-z]+="(.*)"$/\1/')
  done
}

# digest EXTRA PATH...: one hash over names and contents.
digest() {
  local extra="$1"
  shift
  { echo "$extra $sdk $rid"
    find "$@" -type f -not -path '*/bin/*' -not -path '*/obj/*' -print0 | sort -zu | xargs -0 -r sha256sum
  } | sha256sum | cut -d' ' -f1
}

failed=()
# step NAME OUTPUT DIGEST COMMAND...: runs the command unless OUTPUT is there and was made from the same inputs.
step() {
  local name="$1" output="$2" hash="$3" log="artifacts/logs/build-${1//\//-}.log" stamp="artifacts/stamps/${1//\//-}-$arch"
  shift 3
  if [[ -e "$output" && "$(cat "$stamp" 2>/dev/null)" == "$hash" ]]; then
    return 0
  fi
  rm -f "$stamp"
  say "building $name"
  if "$@" >"$log" 2>&1 8>&- && [[ -e "$output" ]]; then
    echo "$hash" >"$stamp"
  else
    say "FAILED   $name"
    { grep -E '(error|fatal)[ :]' "$log" | sort -u | head -n 20; } || tail -n 20 "$log"
    echo "         all of it: $log"
    failed+=("$name")
  fi
}

# swap NEW OLD: puts a folder in place in one step, so that a reader sees the old or the new one.
swap() {
  rm -rf "$2.old"
  mkdir -p "$(dirname "$2")"
  if [[ -e "$2" ]]; then mv "$2" "$2.old"; fi
  mv "$1" "$2"
  rm -rf "$2.old"
}

publish() { # PROJECT OUTPUT OPTIONS...
  local project="$1" output="$2" fresh
  shift 2
  fresh="dist/.new-$$"
  rm -rf "$fresh"
  # Analyzers have their say where the tests are built, of the same sources: test.sh would run them twice.
  # An artifacts folder of its own: the tests' builds have no runtime identifier, and the two would undo each other's restore.
  dotnet publish "$project" -c Release -r "$rid" -m:1 -v minimal -nologo -p:RunAnalyzers=false --artifacts-path "$PWD/artifacts/publish" -o "$fresh" "$@" || return 1
  swap "$fresh" "$output"
}

publish_managed() { # PROJECT OUTPUT
  publish "$1" "$2" --self-contained false -p:PublishReadyToRun=true -p:DebugType=portable
}

publish_native() { # PROJECT OUTPUT
  local sysroot
  sysroot="$(build/sysroot.sh "$arch")" || return 1
  publish "$1" "$2" "-p:SysRoot=$sysroot" -p:CppCompilerAndLinker=clang-14 || return 1
  # Debug symbols stay out of what is copied onto nodes.
  mkdir -p artifacts/symbols
  find "$2" -name '*.dbg' -exec mv -t artifacts/symbols {} +
}

publish_plugin() { # PROJECT OUTPUT
  rm -rf "$(dirname "$2")"
  publish_managed "$1" "$2" || return 1
  [[ -e "$2/plugin.json" ]] || cp "$(dirname "$1")/plugin.json" "$2/"
}

app() { # NAME PROJECT-FOLDER OUTPUT-FOLDER PROGRAM PUBLISH-FUNCTION
  local project
  project="$(ls "$2"/*.csproj 2>/dev/null | head -n1)" || true
  [[ -n "$project" ]] || return 0 # not part of this tree
  seen=()
  closure "$2"
  step "$1" "$3/$4" "$(digest "$5" "${common[@]}" "${!seen[@]}")" "$5" "$project" "$3"
}

target_cni() { app cni src/Terway.Cni dist/cni terway publish_native; }
target_host() { app host src/Terway.Host dist/host terwayd publish_managed; }
target_controlplane() { app controlplane src/Terway.ControlPlane dist/controlplane terway-controlplane publish_managed; }
target_cli() { app cli src/Terway.Cli dist/cli terway-cli publish_managed; }
target_lab() { app lab src/Terway.Lab dist/lab terway-lab publish_managed; }
target_plugins() {
  local manifest folder name version
  for manifest in plugins/*/plugin.json; do
    [[ -e "$manifest" ]] || continue
    folder="$(dirname "$manifest")" name="$(basename "$(dirname "$manifest")")"
    version="$(sed -nE 's/^[[:space:]]*"version"[[:space:]]*:[[:space:]]*"([^"]+)".*/\1/p' "$manifest" | head -n1)"
    [[ -n "$version" ]] || { say "FAILED   plugins/$name: no \"version\" in $manifest"; failed+=("plugins/$name"); continue; }
    [[ -e "$folder/$name.csproj" ]] || continue
    seen=()
    closure "$folder"
    step "plugins/$name" "dist/plugins/$name/$version/$name.dll" \
      "$(digest "$version" "${common[@]}" plugins/Directory.Build.props "${!seen[@]}")" \
      publish_plugin "$folder/$name.csproj" "dist/plugins/$name/$version"
  done
}

targets=("$@")
((${#targets[@]})) || targets=(cni host plugins controlplane cli lab)
for target in "${targets[@]}"; do
  declare -F "target_$target" >/dev/null || { echo "build.sh: unknown target '$target'" >&2; exit 2; }
  "target_$target"
done
rm -rf dist/.new-*

if ((${#failed[@]})); then
  say "not built: ${failed[*]}"
  exit 1
fi
say "dist/ is up to date"
