#!/usr/bin/env bash
# Builds the fuzzers (preset clang) and runs one after the other, each on its seeds and on what
# earlier runs found worth keeping (build/clang/fuzz/runs/NAME/corpus).
#
#   scripts/fuzz.sh                       600 seconds each
#   scripts/fuzz.sh SECONDS [NAME...]     these: expression_fuzzer call_fuzzer ...
#
# Prints a line each: seconds, executions, edges covered, inputs kept, crashes. Fails when one
# crashed, hung or took too much memory: the input is build/clang/fuzz/runs/NAME/crash-*, and
# CONTRIBUTING.md says what becomes of it. FUZZ_SEED (1) is libFuzzer's seed.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-600}
[[ "$seconds" =~ ^[0-9]+$ ]] || { sed -n '2,10p' "$0" >&2; exit 2; }
shift || true
names=("$@")
if [ ${#names[@]} -eq 0 ]; then
  for file in fuzz/*_fuzzer.cc; do names+=("$(basename "$file" .cc)"); done
fi

[ -f build/clang/build.ninja ] || cmake --preset clang >/dev/null
cmake --build --preset clang --target "${names[@]}" >&2

export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0}
failed=0
printf '%-22s %8s %12s %8s %7s %8s\n' target seconds executions edges corpus crashes
for name in "${names[@]}"; do
  # Not fuzz/found/NAME, all of which CTest gives to libFuzzer as a corpus: logs are no inputs.
  run=build/clang/fuzz/runs/$name
  mkdir -p "$run/corpus"
  places=("$run/corpus")
  [ ! -d "fuzz/corpus/$name" ] || places+=("fuzz/corpus/$name")
  log=$run/log
  crashes=0
  build/clang/fuzz/"$name" -max_total_time="$seconds" -seed="${FUZZ_SEED:-1}" -max_len=4096 \
    -timeout=30 -rss_limit_mb=3072 -print_final_stats=1 -artifact_prefix="$run/" \
    "${places[@]}" >"$log" 2>&1 || crashes=1
  executions=$(sed -nE 's/^stat::number_of_executed_units: *//p' "$log")
  last=$(grep -E '^#[0-9]+.* cov: ' "$log" | tail -n 1 || true)
  edges=$(sed -nE 's/.* cov: ([0-9]+).*/\1/p' <<<"$last")
  corpus=$(sed -nE 's/.* corp: ([0-9]+).*/\1/p' <<<"$last")
  took=$(sed -nE 's/^Done [0-9]+ runs in ([0-9]+) second.*/\1/p' "$log")
  printf '%-22s %8s %12s %8s %7s %8s\n' "$name" "${took:-?}" "${executions:-?}" "${edges:-?}" \
    "${corpus:-?}" "$crashes"
  if [ "$crashes" -ne 0 ]; then
    failed=1
    grep -aE 'ERROR:|SUMMARY:|Test unit written' "$log" | head -n 5 >&2 || tail -n 5 "$log" >&2
  fi
done
exit "$failed"
