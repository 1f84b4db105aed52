#!/usr/bin/env bash
# From a clone to a running server with a sample population, on Debian 12.
#
#   ./quickstart.sh          install, build, start throngd, load the sample, show the main job
#   ./quickstart.sh stop     stop the server; the data stays
#   ./quickstart.sh status   say whether it runs, and where
#
# Running it again works: a running server is used, and loading the sample again changes no count.
#
#   THRONG_QUICKSTART_USERS  users of the sample (default 1000000)
#   THRONG_QUICKSTART_DIR    where data, sample, log and pid go (default build/quickstart)
#   THRONG_QUICKSTART_PORT   the first port to try on loopback (default 7400)
set -euo pipefail
cd "$(dirname "$0")"

readonly users=${THRONG_QUICKSTART_USERS:-1000000}
readonly first_port=${THRONG_QUICKSTART_PORT:-7400}
readonly work_dir=${THRONG_QUICKSTART_DIR:-build/quickstart}
readonly data_dir=$work_dir/data
readonly sample_dir=$work_dir/sample
readonly log_file=$work_dir/throngd.log
readonly pid_file=$work_dir/throngd.pid
readonly port_file=$work_dir/throngd.port
readonly bin=build/release/bin
readonly ports_tried=100
readonly stop_seconds=60

step() { printf '\n== %s\n' "$*"; }
fail() { printf 'quickstart: %s\n' "$*" >&2; exit 1; }

# Prints a command as one would type it.
print_command() {
  local word line='$'
  for word in "$@"; do
    case "$word" in
      *[\"\$\`\\!]* | '') line+=" '${word//\'/\'\\\'\'}'" ;;
      *[!A-Za-z0-9_./:=,@%+-]*) line+=" \"$word\"" ;;
      *) line+=" $word" ;;
    esac
  done
  printf '\n%s\n' "${line//$'\n'/ }"
}

# Prints a command, then runs it.
show() {
  print_command "$@"
  "$@"
}

# The pid of our server, if it runs. A pid that went to another program is not ours.
server_pid() {
  local pid
  [ -s "$pid_file" ] || return 1
  pid=$(<"$pid_file")
  case "$(readlink "/proc/$pid/exe" 2>/dev/null)" in
    */throngd | */throngd' (deleted)') echo "$pid" ;;
    *) return 1 ;;
  esac
}

# The server was built again since it started.
is_outdated() { [[ $(readlink "/proc/$1/exe") == *' (deleted)' ]]; }

stop_server() {
  local pid i
  pid=$(server_pid) || return 1
  kill -TERM "$pid"
  for ((i = 0; i < stop_seconds * 10; ++i)); do
    if ! kill -0 "$pid" 2>/dev/null; then
      rm -f "$pid_file" "$port_file"
      return 0
    fi
    sleep 0.1
  done
  fail "throngd (pid $pid) did not stop within $stop_seconds s; see $log_file"
}

is_port_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

free_port() {
  local port
  for ((port = first_port; port < first_port + ports_tried; ++port)); do
    is_port_taken "$port" || { echo "$port"; return; }
  done
  fail "no free port from $first_port to $((first_port + ports_tried - 1))"
}

start_server() {
  local port
  port=$(free_port)
  mkdir -p "$work_dir"
  rm -f "$port_file"
  print_command "$bin/throngd" --data-dir "$data_dir" --listen "127.0.0.1:$port"
  setsid nohup "$bin/throngd" --data-dir "$data_dir" --listen "127.0.0.1:$port" \
    --port-file "$port_file" </dev/null >>"$log_file" 2>&1 &
  echo "$!" >"$pid_file"
}

# Waits until the server has written the port it listens on. (Right after its start the pid is
# still setsid's or nohup's, so server_pid would not know it yet.)
wait_for_port() {
  until [ -s "$port_file" ]; do
    if ! kill -0 "$(<"$pid_file")" 2>/dev/null; then
      tail -n 20 "$log_file" >&2
      fail "throngd did not start; its log is $log_file"
    fi
    sleep 0.1
  done
}

install_and_build() {
  step "Installing what the build needs (Debian packages)"
  scripts/install_deps.sh build
  step "Building throngd and throng (the first time takes some minutes)"
  cmake --preset release -DTHRONG_BUILD_TESTS=OFF >"$work_dir/configure.log" 2>&1 ||
    { cat "$work_dir/configure.log" >&2; fail "cmake failed"; }
  cmake --build --preset release -j "$(nproc)" --target throngd throng
}

ensure_server() {
  local pid
  if pid=$(server_pid) && is_outdated "$pid"; then
    echo "throngd was built again: restarting it"
    stop_server
  fi
  if pid=$(server_pid); then
    echo "throngd runs already (pid $pid)"
  else
    start_server
  fi
  wait_for_port
  THRONG_SERVER=127.0.0.1:$(<"$port_file")
  export THRONG_SERVER
  "$bin/throng" ping --wait 300s
  if [ "$THRONG_SERVER" != 127.0.0.1:7400 ]; then
    print_command export "THRONG_SERVER=$THRONG_SERVER"
  fi
}

# Makes the sample's files, unless they are there from the same program and of the same size.
ensure_sample() {
  local mark=$sample_dir/.users
  if [ -s "$mark" ] && [ "$(<"$mark")" = "$users" ] && [ "$mark" -nt "$bin/throng" ]; then
    echo "The sample is there: $sample_dir/users.csv"
    return
  fi
  rm -f "$mark"
  mkdir -p "$sample_dir"
  show "$bin/throng" sample --users "$users" --output-dir "$sample_dir"
  echo "$users" >"$mark"
}

show_main_job() {
  local crowd="city in ('Beijing', 'Shanghai') and views_7d > 3 and not is_graduate"
  local file=$work_dir/crowd.csv
  step "How many users is that, now?"
  show "$bin/throng" count "$crowd"
  step "How was it computed, and what does each condition select?"
  show "$bin/throng" explain "$crowd"
  step "Who are they, against everybody (TGI 100 is average)?"
  show "$bin/throng" insight "$crowd" --by city,age_band --top 8
  step "The package: one line a user, with two tags"
  show "$bin/throng" export "$crowd" -o "$file" --format csv --tags city,views_7d --force
  show head -n 4 "$file"
  step "All that is known of one of them"
  show "$bin/throng" portrait "$(sed -n '2{s/,.*//;p;q}' "$file")"
}

say_how_to_go_on() {
  step "throngd keeps running on $THRONG_SERVER (pid $(server_pid), log $log_file)"
  cat <<END
Go on:  $bin/throng tags list
        $bin/throng count "districts = 'centre north' and register_date >= today() - 2y"
        $bin/throng --help
Read:   README.md, docs/expressions.md
Stop:   ./quickstart.sh stop
Erase:  ./quickstart.sh stop && rm -r $work_dir
END
}

main() {
  mkdir -p "$work_dir"
  install_and_build
  step "Starting the server"
  ensure_server
  step "A sample population: $users users of a home-rental company"
  ensure_sample
  show "$bin/throng" load "$sample_dir/users.csv" --schema "$sample_dir/schema.toml"
  show_main_job
  say_how_to_go_on
}

case "${1:-start}" in
  start) main ;;
  stop) if stop_server; then echo "throngd is stopped"; else echo "throngd is not running"; fi ;;
  status)
    pid=$(server_pid) || { echo "throngd is not running"; exit 1; }
    echo "throngd runs: pid $pid, 127.0.0.1:$(cat "$port_file" 2>/dev/null)"
    ;;
  -h | --help) sed -n '2,12p' "$0" ;;
  *) sed -n '2,12p' "$0" >&2; exit 2 ;;
esac
