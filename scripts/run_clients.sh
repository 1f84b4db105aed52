#!/usr/bin/env bash
# Runs the example clients of docs/clients against a server of their own and compares what they
# print.
#
#   scripts/run_clients.sh [BIN_DIR]      throngd and throng; build/release/bin unless given
#
# Exit code 77: neither client can be run here; 0 where one can and the other is said to be missing.
# Nothing is left behind; CI_CLIENTS=required makes a missing client an error.
set -euo pipefail

cd "$(dirname "$0")/.."
bin=$(realpath "${1:-build/release/bin}")
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || { kill "$server"; wait "$server" || true; }; rm -rf "$work"' EXIT

say() { printf '%s\n' "$*" >&2; }

skip() {
  say "run_clients: $*"
  [ "${CI_CLIENTS:-}" != required ] || exit 1
}

start_server() {
  "$bin/throngd" --data-dir "$work/data" --listen 127.0.0.1:0 --port-file "$work/port" \
    >"$work/throngd.log" 2>&1 &
  server=$!
  until [ -s "$work/port" ]; do
    kill -0 "$server" 2>/dev/null || { cat "$work/throngd.log" >&2; exit 1; }
    sleep 0.1
  done
  THRONG_SERVER=127.0.0.1:$(<"$work/port")
  export THRONG_SERVER
  "$bin/throng" ping --wait 60s >/dev/null
  "$bin/throng" sample --users 20000 --output-dir "$work/sample" >/dev/null
  "$bin/throng" load "$work/sample/users.csv" --schema "$work/sample/schema.toml" >/dev/null
}

# Debian's Python is the one that python3-grpcio is for; another one may stand first in PATH.
find_python() {
  local python
  for python in /usr/bin/python3 python3; do
    "$python" -c 'import grpc, google.protobuf' 2>/dev/null && { echo "$python"; return; }
  done
  return 1
}

run_python() {
  local python plugin
  python=$(find_python) || { skip "no Python client: python3-grpcio is not installed"; return; }
  plugin=$(command -v grpc_python_plugin) ||
    { skip "no Python client: protobuf-compiler-grpc is not installed"; return; }
  mkdir "$work/stubs"
  protoc -I proto --python_out="$work/stubs" --grpc_python_out="$work/stubs" \
    --plugin=protoc-gen-grpc_python="$plugin" proto/throng/v1/*.proto
  PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$work/stubs" timeout 120 \
    "$python" docs/clients/python/cms_flow.py --server "$THRONG_SERVER" --prefix py \
    >"$work/python.out"
}

run_node() {
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    skip "no Node client: nodejs and npm are not installed"
    return
  fi
  cp -r docs/clients/node "$work/node"
  (cd "$work/node" && timeout 300 npm ci --ignore-scripts --no-audit --no-fund) \
    >"$work/npm.log" 2>&1 ||
    { cat "$work/npm.log" >&2; skip "no Node client: its packages cannot be installed"; return; }
  timeout 120 node "$work/node/cms_flow.js" --server "$THRONG_SERVER" --prefix js \
    --protos "$PWD/proto" >"$work/node.out"
}

check_output() {
  local line
  for line in 'crowd: [1-9][0-9]* users, version 1' 'exported: [1-9][0-9]* ids of A' \
    'one user: MEMBER, MEMBER, NOT_MEMBER' 'checked: [1-9][0-9]* in A, 0 in B' \
    'streamed: 100 answers' 'uploaded: \([1-9][0-9]*\) of \1 ids are users' \
    'arm A: [1-9][0-9]* of [1-9][0-9]* converted, 33\.[0-9] %' \
    'arm B: [1-9][0-9]* of [1-9][0-9]* converted, 20\.[0-9] %' \
    'arms: [1-9][0-9]* and [1-9][0-9]*, 0 in both' 'done'; do
    grep -qx "$line" "$1" || { say "run_clients: no line \"$line\" in:"; cat "$1" >&2; exit 1; }
  done
}

start_server
run_python
run_node
outputs=()
for output in "$work/python.out" "$work/node.out"; do
  [ ! -e "$output" ] || { check_output "$output"; outputs+=("$output"); }
done
[ ${#outputs[@]} -gt 0 ] || exit 77
cat "${outputs[0]}"
if [ ${#outputs[@]} = 2 ]; then
  diff "${outputs[@]}" >&2 || { say "run_clients: the clients differ"; exit 1; }
fi
say "run_clients: ${#outputs[@]} client(s) done"
