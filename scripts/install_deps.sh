#!/usr/bin/env bash
# Installs what Throng needs to build and run on Debian 12. Idempotent; asks nothing.
#
#   scripts/install_deps.sh          what a release build and the server need (quickstart.sh)
#   scripts/install_deps.sh test     also what the tests, sanitizers and fuzzers need (run_tests.sh)
#   scripts/install_deps.sh lint     also the formatter and the linters (.ci/run)
#
# Everything comes from Debian 12 itself except CRoaring, whose Debian 12 package (0.2.66) is too
# old: its two binary packages are taken from Debian testing, every other package of that suite is
# pinned to -1. See docs/decisions/0002-croaring-from-testing.md.
set -euo pipefail

level=${1:-build}
case "$level" in build | test | lint) ;; *) sed -n '2,10p' "$0" >&2; exit 2 ;; esac

build_packages=(
  ca-certificates ccache cmake g++ git ninja-build pkg-config tzdata
  libabsl-dev libboost-dev libcli11-dev libfmt-dev libgrpc++-dev libprotobuf-dev librocksdb-dev
  libspdlog-dev libssl-dev libtomlplusplus-dev libxxhash-dev nlohmann-json3-dev prometheus-cpp-dev
  protobuf-compiler protobuf-compiler-grpc
  libzstd-dev zlib1g-dev
)
test_packages=(
  clang-14 gzip libclang-rt-14-dev libgmock-dev libgtest-dev openssl python3-grpcio unzip zstd
)
lint_packages=(clang-format-14 clang-tidy-14 cppcheck prometheus python3 shellcheck)
# The example client in JavaScript, and buf, come from npm; an npm from elsewhere than Debian does
# as well.
command -v npm >/dev/null || test_packages+=(nodejs npm)

packages=("${build_packages[@]}")
[ "$level" = build ] || packages+=("${test_packages[@]}")
[ "$level" != lint ] || packages+=("${lint_packages[@]}")

sudo=()
[ "$(id -u)" = 0 ] || sudo=(sudo -n)

. /etc/os-release
if [ "${ID:-}" != debian ] || [ "${VERSION_ID:-}" != 12 ]; then
  {
    echo "install_deps: made for Debian 12, this is ${PRETTY_NAME:-unknown}. Install by hand:"
    echo "  ${packages[*]} and CRoaring 4.6 or newer (libroaring-dev)"
  } >&2
  exit 1
fi

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

croaring_is_new_enough() {
  is_installed libroaring-dev &&
    dpkg --compare-versions "$(dpkg-query -W -f '${Version}' libroaring-dev)" ge 4.6
}

# Prints "URI KEYRING" of this machine's own Debian archive, whichever of apt's two formats it has.
debian_archive() {
  local file
  for file in /etc/apt/sources.list.d/*.sources; do
    [ -r "$file" ] || continue
    awk -v RS= '/(^|\n)Types:[^\n]*deb/ && /(^|\n)Suites:[^\n]*bookworm( |\n|$)/ {
      uri = ""; key = "-"
      n = split($0, lines, "\n")
      for (i = 1; i <= n; i++) {
        if (lines[i] ~ /^URIs:/) { split(lines[i], w, /[ \t]+/); uri = w[2] }
        if (lines[i] ~ /^Signed-By:/) { split(lines[i], w, /[ \t]+/); if (w[2] != "") key = w[2] }
      }
      if (uri != "") { print uri, key; exit }
    }' "$file"
  done
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -r "$file" ] || continue
    sed -E 's/\[[^]]*\] *//' "$file" | awk '$1 == "deb" && $3 == "bookworm" { print $2, "-"; exit }'
  done
}

enable_testing_for_croaring() {
  local uri keyring
  read -r uri keyring < <(debian_archive | head -n 1) || true
  if [ -z "${uri:-}" ]; then
    echo "install_deps: no Debian 12 archive found in /etc/apt; add one and run this again" >&2
    exit 1
  fi
  [ "$keyring" != - ] || keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  "${sudo[@]}" tee /etc/apt/sources.list.d/throng-croaring.sources >/dev/null <<END
# Written by Throng's install_deps.sh: only CRoaring is taken from here (see the pin beside it).
Types: deb
URIs: $uri
Suites: testing
Components: main
Check-Valid-Until: no
Signed-By: $keyring
END
  "${sudo[@]}" tee /etc/apt/preferences.d/throng-croaring >/dev/null <<END
Package: *
Pin: release a=testing
Pin-Priority: -1

Package: libroaring-dev libroaring21
Pin: release a=testing
Pin-Priority: 990
END
}

missing=()
for package in "${packages[@]}"; do is_installed "$package" || missing+=("$package"); done
apt_install() {
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
    -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@"
}
if [ ${#missing[@]} -gt 0 ] || ! croaring_is_new_enough; then
  croaring_is_new_enough || enable_testing_for_croaring
  "${sudo[@]}" apt-get update -q
fi
[ ${#missing[@]} -eq 0 ] || apt_install "${missing[@]}"
croaring_is_new_enough || apt_install libroaring-dev libroaring21
echo "install_deps: everything for '$level' is installed"
