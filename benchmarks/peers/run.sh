#!/usr/bin/env bash
# Throng beside what one would use instead: DuckDB, ClickHouse and Redis, on the same users, the
# same queries and the same machine, each through its own client, one after the other. Checks that
# all counts agree and prints one table.
#
#   benchmarks/peers/run.sh [USERS] [SYSTEM...]     1000000; throng duckdb clickhouse redis
#
# Takes throngd and throng of build/release (or THRONG_BIN_DIR). Packages come from npm (versions of
# package.json) and, for Redis, from Debian. Everything is below build/peers (or PEERS_DIR).
set -euo pipefail
cd "$(dirname "$0")"

users=${1:-1000000}
[ $# -eq 0 ] || shift
systems=("$@")
[ ${#systems[@]} -gt 0 ] || systems=(throng duckdb clickhouse redis)
case "$users" in '' | *[!0-9]*) sed -n '2,9p' "$0" >&2; exit 2 ;; esac

root=$(cd ../.. && pwd)
work=${PEERS_DIR:-$root/build/peers}
export THRONG_BIN_DIR=${THRONG_BIN_DIR:-$root/build/release/bin}
export PROTO_DIR=$root/proto
if [ ! -x "$THRONG_BIN_DIR/throngd" ]; then
  echo "build throngd and throng first (README.md)" >&2
  exit 1
fi

if ! command -v redis-server >/dev/null && [[ " ${systems[*]} " == *" redis "* ]]; then
  apt-get install -y -q --no-install-recommends redis-server >/dev/null
fi
mkdir -p "$work"
cp package.json ./*.mjs "$work/"
(cd "$work" && npm install --no-audit --no-fund --silent)

sample=$work/sample-$users
if [ ! -s "$sample/users.csv" ]; then
  "$THRONG_BIN_DIR/throng" sample --users "$users" --output-dir "$sample.partial" >/dev/null
  mv "$sample.partial" "$sample"
fi

cd "$work"
results=()
for system in "${systems[@]}"; do
  echo "== $system" >&2
  rm -rf "data-$system"
  mkdir "data-$system"
  result=result-$system.json
  node --max-old-space-size=8192 measure.mjs "$system" "$sample" "data-$system" "$result"
  results+=("$result")
  rm -rf "data-$system"
done
node table.mjs "$users" "${results[@]}"
