#!/usr/bin/env bash
# Writes the man page of a program, from what its --help and that of its commands say.
#
#   scripts/man_page.sh build/release/bin/throngd 8 >throngd.8
#
# The build calls it for the package (cmake/ThrongPackage.cmake).
set -euo pipefail
[ $# -eq 2 ] || { sed -n '2,6p' "$0" >&2; exit 2; }

program=$1
section=$2
name=$(basename "$program")
# What the environment sets would stand there as a default.
help() { env -i PATH="$PATH" "$program" "$@" --help; }
# The commands that a help text lists.
commands() { awk '/^Subcommands:/ { on = 1; next } /^$/ { on = 0 } on && /^  [a-z]/ { print $1 }'; }

# body: a help text without its first paragraph, as roff.
body() {
  awk '
    function roff(text) {
      gsub(/\\/, "\\e", text); gsub(/-/, "\\-", text)
      if (text ~ /^[.\x27]/) text = "\\&" text
      return text
    }
    function close_example() { if (verbatim) print ".fi"; verbatim = 0 }
    /^Usage: / { print ".PP\n.B " roff(substr($0, 8)); state = "used"; next }
    state == "" { next }
    /^(Positionals|Options|Subcommands):$/ {
      close_example(); sub(":", ""); print ".PP\n.I " $0; state = "list"; next
    }
    state == "list" && /^  [^ ]/ {
      line = substr($0, 3); place = match(line, /  +/)
      term = place ? substr(line, 1, place - 1) : line
      print ".TP\n.B " roff(term)
      if (place) print roff(substr(line, place + RLENGTH))
      next
    }
    state == "list" && /^   / { sub(/^ +/, ""); print roff($0); next }
    /^$/ { if (verbatim) print ""; else state = "text"; next }
    { if (!verbatim) print ".PP\n.nf"; verbatim = 1; state = "text"; print roff($0) }
    END { close_example() }'
}

# command_pages COMMAND...: what it and the commands beneath it do.
command_pages() {
  local text
  text=$(help "$@")
  printf '.SH "%s %s"\n' "$name" "$*"
  head -n 1 <<<"$text" | sed 's/\\/\\e/g; s/-/\\-/g'
  body <<<"$text"
  local command
  for command in $(commands <<<"$text"); do command_pages "$@" "$command"; done
}

text=$(help)
version=$("$program" --version)
printf '.TH %s %s "" "%s" "Throng"\n' "${name^^}" "$section" "$version"
printf '.SH NAME\n%s \\- %s\n.SH SYNOPSIS AND OPTIONS\n' "$name" \
  "$(head -n 1 <<<"$text" | sed -E 's/^throngd?: //; s/\.$//; s/-/\\-/g')"
body <<<"$text"
for command in $(commands <<<"$text"); do command_pages "$command"; done
other='throngd (8)'
[ "$name" != throngd ] || other='throng (1)'
printf '.SH SEE ALSO\n.BR %s\n' "$other"
