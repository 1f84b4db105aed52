#!/usr/bin/env bash
# Checks what no compiler sees, on the tracked files: no path of this machine, no registry host, no
# mark of unfinished work, no conflict marker, no file over 1 MiB, shell scripts that parse; every
# package that is installed is in the list of dependencies.
# Prints what is wrong, one place a line, and fails when there is any.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly bytes_max=$((1 << 20))
failed=0

# report TITLE PLACES: prints the places under a title, if there are any.
report() {
  [ -n "$2" ] || return 0
  printf '%s:\n%s\n' "$1" "$2" >&2
  failed=1
}

# The lines of tracked files that match an extended regular expression.
search() { git grep -nIE -e "$1" -- . || true; }

# Where this machine takes packages from, as a regular expression. Read from its settings: no host
# is written down here.
registry_pattern() {
  {
    grep -rhoE 'https?://[^/ ]+' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null || true
    npm config get registry 2>/dev/null || true
  } | sed -nE 's#^https?://([^/:]+).*#\1#p' | sort -u | sed 's/[.]/\\./g' | paste -sd '|' -
}

# The folder above the checkout is this machine's own, unless many machines have it.
machine_pattern() {
  local folder
  folder=$(dirname "$PWD")
  case "$folder" in / | /home | /opt | /root | /src | /tmp | /var) folder=$PWD ;; esac
  printf '(^|[^[:alnum:]_./-])(%s/|/home/[a-z])' "${folder//./\\.}"
}

large_files() {
  local file bytes
  git ls-files -z | while IFS= read -r -d '' file; do
    [ -f "$file" ] || continue
    bytes=$(stat -c %s "$file")
    [ "$bytes" -le "$bytes_max" ] || printf '%s (%s bytes)\n' "$file" "$bytes"
  done
}

broken_scripts() {
  local file
  git ls-files -- '*.sh' .ci | while IFS= read -r file; do
    bash -n "$file" 2>&1 || true
    [ -x "$file" ] || printf '%s is not executable\n' "$file"
  done
}

# The packages that scripts/install_deps.sh names and docs/dependencies.md has no row of.
unlisted_packages() {
  local package
  grep -v '^ *#' scripts/install_deps.sh |
    sed -nE '/_packages=\(/,/\)/p; /_packages\+=\(/p' |
    sed -E 's/.*_packages\+?=\(//; s/[)].*//; s/.*&&.*//' | tr -s ' ' '\n' |
    grep -E '^[a-z0-9][a-z0-9.+-]+$' | sort -u | while IFS= read -r package; do
    grep -qF "\`$package\`" docs/dependencies.md || printf '%s\n' "$package"
  done
}

report "Paths of one machine" "$(search "$(machine_pattern)")"
hosts=$(registry_pattern)
[ -z "$hosts" ] || report "Hosts of package registries" "$(search "$hosts")"
report "Marks of unfinished work" "$(search '\b(TO''DO|FIX''ME|XX''X|HA''CK)\b')"
report "Conflict markers" "$(search '^(<<<<<<<|>>>>>>>) ')"
report "Files over $bytes_max bytes" "$(large_files)"
report "Shell scripts" "$(broken_scripts)"
report "Packages that docs/dependencies.md lacks" "$(unlisted_packages)"
exit "$failed"
