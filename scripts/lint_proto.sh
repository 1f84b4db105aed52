#!/usr/bin/env bash
# Lints the API's protos as buf.yaml says, and checks their format. Needs npm
# (scripts/install_deps.sh lint); buf itself is put into build/tools once, at the version below, and
# nothing is written into the source tree.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly buf_version=1.47.2
readonly prefix=build/tools/buf-$buf_version
readonly buf=$prefix/node_modules/.bin/buf

if ! [ -x "$buf" ]; then
  mkdir -p "$prefix"
  npm install --prefix "$prefix" --no-save --no-package-lock --no-audit --no-fund \
    --loglevel=error "@bufbuild/buf@$buf_version"
fi
"$buf" lint
"$buf" format --diff --exit-code
