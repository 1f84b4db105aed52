#!/usr/bin/env bash
# Looks for mistakes with cppcheck and clang-tidy 14. What they check, and what they do not, is in
# .clang-tidy and below.
#
#   scripts/lint_code.sh              all of index, query, storage, server and cli: an hour or two
#   scripts/lint_code.sh COMMIT       the files of these that changed since then, e.g. main
#   scripts/lint_code.sh FILE.cc...   these
#
# Fails when something is found. No part of CI, as clang-tidy takes 10 to 30 s a file: run it on
# your changes before they go in, and on everything before a release. A finding that is wrong gets
# NOLINT(check) or cppcheck-suppress with the reason beside it.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly folders=(index query storage server cli)
files=()
if [ $# -eq 0 ]; then
  mapfile -t files < <(git ls-files -- "${folders[@]/%//*.cc}")
elif [ $# -eq 1 ] && [ ! -f "$1" ]; then
  mapfile -t files < <(git diff --name-only --diff-filter=d "$1" -- "${folders[@]/%//*.cc}")
else
  files=("$@")
fi
[ ${#files[@]} -gt 0 ] || { echo "lint_code: nothing has changed"; exit 0; }

# A build of its own for the command lines: of Clang, and without precompiled headers, which
# clang-tidy cannot read when GCC made them. Only what is generated is built.
readonly build=build/lint
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_COMPILER=clang++-14 \
  -DCMAKE_EXPORT_COMPILE_COMMANDS=ON -DTHRONG_PRECOMPILE=OFF -DTHRONG_BUILD_TESTS=OFF >/dev/null
generated=$(ninja -C "$build" -t targets all | sed -nE 's/^(proto\/.*\.pb\.h): .*/\1/p')
# shellcheck disable=SC2086
ninja -C "$build" $generated >/dev/null

failed=0
echo "cppcheck: ${#files[@]} files"
cppcheck --std=c++20 --language=c++ --enable=warning,performance,portability --inline-suppr \
  --suppressions-list=.cppcheck --quiet --error-exitcode=1 -I. "${files[@]}" || failed=1
for file in "${files[@]}"; do
  echo "clang-tidy: $file"
  clang-tidy-14 --quiet -p "$build" "$file" 2>/dev/null || failed=1
done
exit "$failed"
