#!/usr/bin/env bash
# Formats every tracked C++ file as .clang-format says.
#
#   scripts/format.sh           rewrites the files
#   scripts/format.sh --check   changes nothing; fails and shows what is not formatted
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
  "") git ls-files -z '*.cc' '*.h' | xargs -0 -r clang-format-14 -i ;;
  --check) git ls-files -z '*.cc' '*.h' | xargs -0 -r clang-format-14 --dry-run -Werror ;;
  *) sed -n '2,5p' "$0" >&2; exit 2 ;;
esac
