#!/usr/bin/env bash
# The life of the Debian package in a bare Debian 12: installed, checked, started as its own user,
# used, upgraded to itself, removed, purged: about two minutes. Needs root, debootstrap and
# systemd-analyze of systemd.
#
#   scripts/check_package.sh build/package/throng_0.1.0_amd64.deb
#
# The root is made in a temporary directory of TMPDIR and removed. Packages come from this machine's
# own Debian archive.
set -euo pipefail
[ $# -eq 1 ] && [ -f "$1" ] || { sed -n '2,9p' "$0" >&2; exit 2; }

package=$(realpath "$1")
cd "$(dirname "$0")/.."
root=$(mktemp -d)
chmod 755 "$root"  # the service runs as another user
step() { printf '\n== %s\n' "$*"; }
fail() { printf 'check_package: %s\n' "$*" >&2; exit 1; }

clean_up() {
  [ ! -s "$root/run/throngd.pid" ] || kill "$(<"$root/run/throngd.pid")" 2>/dev/null || true
  for place in dev proc; do mountpoint -q "$root/$place" && umount -l "$root/$place"; done
  rm -rf --one-file-system "$root"
}
trap clean_up EXIT

inside() {
  env -i HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin chroot "$root" "$@"
}
as_throng() { inside setpriv --reuid=throng --regid=throng --clear-groups "$@"; }

mirror=$(grep -hoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list.d/*.sources \
  /etc/apt/sources.list 2>/dev/null | head -n 1 | tr -d ' ') || true
[ -n "$mirror" ] || fail "there is no Debian archive in /etc/apt"

step "A bare Debian 12"
debootstrap --variant=minbase bookworm "$root" "$mirror" >/dev/null
for place in dev proc; do mount --bind "/$place" "$root/$place"; done
cp /etc/resolv.conf "$root/etc/resolv.conf"
if [ -d /usr/local/share/ca-certificates ]; then
  cp -r /usr/local/share/ca-certificates "$root/usr/local/share/"
fi

step "Install"
cp "$package" "$root/tmp/throng.deb"
inside apt-get update -q >/dev/null
inside apt-get install -y -q --no-install-recommends -o Dpkg::Use-Pty=0 /tmp/throng.deb | tail -n 3
inside throngd check-config /etc/throng/throngd.toml
# Never `| grep -q`: it ends at the first match, and pipefail then sees what wrote to it fail.
libraries=$(inside ldd /usr/bin/throngd /usr/bin/throng)
grep -q 'lib/throng/libroaring' <<<"$libraries" || fail "not its own CRoaring: $libraries"
! grep 'not found' <<<"$libraries" || fail "libraries are missing"
for page in man8/throngd.8 man1/throng.1; do
  grep -q '^.SH NAME' <<<"$(zcat "$root/usr/share/man/$page.gz")" || fail "no man page $page"
done
scripts/check_hardening.sh "$root/usr/bin/throngd" "$root/usr/bin/throng"
systemd-analyze security --offline=true --root="$root" --threshold=20 throngd.service | tail -n 1

step "Start as throng, use"
printf 'user_id,city\n1,Paris\n2,Rome\n3,Paris\n' >"$root/tmp/users.csv"
printf 'id_column = "user_id"\n[[tag]]\nname = "city"\ntype = "CATEGORY"\n' >"$root/tmp/schema.toml"
start() {
  as_throng sh -c 'throngd --config /etc/throng/throngd.toml --listen 127.0.0.1:0 \
    --metrics-listen 127.0.0.1:0 --port-file /tmp/port >/tmp/throngd.log 2>&1 & echo $!' \
    >"$root/run/throngd.pid"
  for _ in $(seq 100); do [ ! -s "$root/tmp/port" ] || break; sleep 0.1; done
  server=127.0.0.1:$(<"$root/tmp/port") || { cat "$root/tmp/throngd.log" >&2; exit 1; }
  inside throng --server "$server" ping --wait 60s
}
stop() {
  local pid
  pid=$(<"$root/run/throngd.pid")
  kill -TERM "$pid"
  for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  grep -q event=stopped "$root/tmp/throngd.log" || fail "it did not drain and stop"
  rm -f "$root/tmp/port" "$root/run/throngd.pid"
}
count() { inside throng --server "$server" count "city = 'Paris'" --json; }
start
inside throng --server "$server" load /tmp/users.csv --schema /tmp/schema.toml
[[ "$(count)" == *'"count":2'* ]] || fail "the count is wrong: $(count)"
inside throng --server "$server" backup create first
stop

step "Upgrade: settings and data stay"
echo '# ours' >>"$root/etc/throng/throngd.toml"
inside apt-get install -y -q --reinstall -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold \
  /tmp/throng.deb | tail -n 1
grep -q '# ours' "$root/etc/throng/throngd.toml" || fail "the upgrade changed the settings"
start
[[ "$(count)" == *'"count":2'* ]] || fail "the data is gone after the upgrade: $(count)"
stop

step "Remove, purge: the data stays"
inside apt-get purge -y -q -o Dpkg::Use-Pty=0 throng | tail -n 1
[ ! -e "$root/usr/bin/throngd" ] && [ ! -e "$root/usr/lib/throng" ] || fail "files are left"
[ ! -e "$root/etc/throng" ] || fail "settings are left after a purge"
[ -d "$root/var/lib/throng/data" ] && [ -d "$root/var/backups/throng/first" ] ||
  fail "the data is gone"
step "The package installs, runs and goes"
