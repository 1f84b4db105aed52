#!/usr/bin/env bash
# Checks that programs were built with what makes a mistake in them harder to use
# (cmake/ThrongOptions.cmake), as readelf of binutils sees it.
#
#   scripts/check_hardening.sh build/package/bin/throngd build/package/bin/throng
set -euo pipefail
[ $# -gt 0 ] || { sed -n '2,5p' "$0" >&2; exit 2; }

failed=0
# expect PROGRAM WHAT PATTERN TEXT: one of the text's lines matches.
expect() {
  grep -qE "$3" <<<"$4" && return
  printf '%s: %s\n' "$1" "$2" >&2
  failed=1
}

for program in "$@"; do
  headers=$(readelf -hldW "$program")
  symbols=$(readelf --dyn-syms -W "$program")
  expect "$program" "no position-independent executable" 'Type: +DYN' "$headers"
  expect "$program" "no read-only relocations (-z relro)" 'GNU_RELRO' "$headers"
  expect "$program" "relocations are not made at the start (-z now)" \
    '(BIND_NOW|FLAGS_1.* NOW)' "$headers"
  expect "$program" "an executable stack" 'GNU_STACK .* RW +0x' "$headers"
  expect "$program" "no stack protector" '__stack_chk_fail' "$symbols"
  expect "$program" "no fortified functions (_FORTIFY_SOURCE)" '__[a-z]+_chk(@| |$)' "$symbols"
done
exit "$failed"
