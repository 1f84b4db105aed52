#!/usr/bin/env bash
# Installs what is needed, builds and runs the tests. The last lines are CTest's.
#
#   ./run_tests.sh            the release build: what users run (README)
#   ./run_tests.sh asan       address and undefined-behaviour sanitizers
#   ./run_tests.sh tsan       thread sanitizer: the in-process engine
#   ./run_tests.sh clang      clang: thread-safety annotations as errors, and the fuzzers' corpora
#   ./run_tests.sh all        tsan, asan, clang and then release
#
# What follows the first argument goes to CTest: ./run_tests.sh release -R Parser
# THRONG_TEST_SEED and THRONG_TEST_ROUNDS steer the randomized tests (CONTRIBUTING.md).
set -euo pipefail
cd "$(dirname "$0")"

usage() { sed -n '2,11p' "$0"; }

# Sanitizers map shadow memory at fixed places, which some kernels' address randomisation takes:
# run without it where that is allowed.
without_randomisation() {
  if setarch "$(uname -m)" -R true 2>/dev/null; then
    setarch "$(uname -m)" -R "$@"
  else
    "$@"
  fi
}

# run_preset PRESET [CTEST-ARGUMENT...]
run_preset() {
  local preset=$1
  shift
  echo "== $preset: configure and build"
  cmake --preset "$preset"
  cmake --build --preset "$preset" -j "$jobs"
  echo "== $preset: test"
  case "$preset" in
    release) ctest --preset "$preset" -j "$jobs" "$@" ;;
    *) without_randomisation ctest --preset "$preset" -j "$jobs" "$@" ;;
  esac
}

preset=${1:-release}
[ $# -eq 0 ] || shift
case "$preset" in
  release | asan | tsan | clang | dev) presets=("$preset") ;;
  all) presets=(tsan asan clang release) ;;
  -h | --help) usage; exit 0 ;;
  *) usage >&2; exit 2 ;;
esac

jobs=$(nproc)
readonly jobs
scripts/install_deps.sh test
for preset in "${presets[@]}"; do run_preset "$preset" "$@"; done
