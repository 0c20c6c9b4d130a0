#!/usr/bin/env bash
# Fetches what building, testing and `make run` need: scripts/tools.sh PART...
# A part that is there already costs nothing. Nothing here starts a service or
# takes a port: Debian's Prometheus, node exporter, PostgreSQL, nginx and D-Bus
# daemon are unpacked into ./.tools, not installed.
set -euo pipefail
cd "$(dirname "$0")/.."

debian=.tools/debian

fail() {
  echo "$1" >&2
  exit 1
}

# apt_install PACKAGE...: with apt-get, as root and without questions.
apt_install() {
  command -v apt-get >/dev/null || fail "missing: $*; install them with this system's package manager"
  [ "$(id -u)" = 0 ] || fail "missing: $*; as root: apt-get install $*"
  update_lists "$1"
  echo "installing $* from Debian"
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >/dev/null ||
    fail "apt-get install $* did not succeed; its own words are above"
}

# update_lists PACKAGE: fetches the package lists if they do not know the package.
update_lists() {
  case $(apt-cache policy "$1" 2>/dev/null) in
    *'Candidate: (none)'* | '') ;;
    *) return ;;
  esac
  [ "$(id -u)" = 0 ] || fail "the package lists do not know $1; as root: apt-get update"
  echo "fetching Debian's package lists"
  apt-get update -qq </dev/null || fail "apt-get update did not succeed; its own words are above"
}

# The race detector links against C.
race_compiler() {
  if ! echo '#include <stdlib.h>' | gcc -E - >/dev/null 2>&1; then
    apt_install gcc libc6-dev
  fi
}

shell_linter() {
  command -v shellcheck >/dev/null || apt_install shellcheck
}

# The web UI is built with Node.js 20.19 or later, and npm.
node_and_npm() {
  local version
  if ! version=$(node --version 2>/dev/null) || ! command -v npm >/dev/null; then
    apt_install nodejs npm
    version=$(node --version)
  fi
  if [ "$(printf '%s\n' v20.19.0 "$version" | sort -V | head -n 1)" != v20.19.0 ]; then
    fail "Node.js $version is too old to build the web UI: install 20.19 or later (https://nodejs.org)"
  fi
}

# The tests of the web UI look at it in Chromium, in Chinese too.
browser() {
  if [ ! -x /usr/bin/chromium ] && [ -z "${PROMFLEET_CHROMIUM:-}" ]; then
    apt_install chromium
  fi
  if command -v dpkg-query >/dev/null && ! dpkg-query -W fonts-wqy-zenhei fonts-noto-cjk 2>/dev/null | grep -q '[0-9]'; then
    apt_install fonts-wqy-zenhei
  fi
}

# What man pages are formatted with.
groff_formatter() {
  command -v groff >/dev/null || apt_install groff-base
}

# What scripts/run.sh calls.
run_commands() {
  local missing=()
  command -v curl >/dev/null || missing+=(curl ca-certificates)
  command -v jq >/dev/null || missing+=(jq)
  [ ${#missing[@]} = 0 ] || apt_install "${missing[@]}"
}

# unpack PACKAGE FILE: downloads a Debian package and unpacks it into $debian,
# unless FILE is there.
unpack() {
  [ -x "$2" ] && return
  command -v apt-get >/dev/null || fail "apt-get is missing: $1 is taken from Debian's package; on another system put the program at $2"
  update_lists "$1"
  echo "fetching $1 from Debian into $debian"
  local work
  mkdir -p .tools
  work=$(mktemp -d .tools/download.XXXXXX)
  # The lists may be older than what the mirror still has.
  if ! download "$work" "$1"; then
    [ "$(id -u)" = 0 ] || fail "apt-get download $1 did not succeed; if the lists are old, as root: apt-get update"
    apt-get update -qq </dev/null
    download "$work" "$1" || fail "apt-get download $1 did not succeed; its own words are above"
  fi
  mkdir -p "$debian"
  dpkg -x "$work"/*.deb "$debian"
  rm -r "$work"
}

# download DIR PACKAGE
download() {
  (cd "$1" && apt-get download -qq -o APT::Sandbox::User=root "$2" </dev/null >/dev/null)
}

# postgres_package: the name of Debian's server package, which has a version in it.
postgres_package() {
  apt-cache depends postgresql | awk '$1 == "Depends:" && $2 ~ /^postgresql-[0-9]+$/ { print $2 }'
}

# The link leads to the programs whatever their version is, and they find the
# rest of their package from where they really are.
postgres() {
  local link=.tools/postgresql
  if [ ! -x "$link/initdb" ]; then
    command -v apt-get >/dev/null || fail "apt-get is missing: PostgreSQL is taken from Debian's package; on another system make $link a link to the directory that has postgres and initdb"
    update_lists postgresql
    local package bin
    package=$(postgres_package)
    bin="$debian/usr/lib/postgresql/${package#postgresql-}/bin"
    unpack "$package" "$bin/initdb"
    ln -sfn "${bin#.tools/}" "$link"
  fi
  case $(ldd "$link/postgres" "$link/initdb") in
    *'not found'*) libraries "$(postgres_package)" ;;
  esac
}

# libraries PACKAGE: installs those that the package depends on, but for LLVM,
# which is large and compiles PostgreSQL's queries.
libraries() {
  local library missing=()
  for library in $(apt-cache depends "$1" | awk '$1 == "Depends:" && $2 ~ /^lib/ && $2 !~ /^libllvm/ { print $2 }'); do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$library" 2>/dev/null)" = installed ] || missing+=("$library")
  done
  apt_install "${missing[@]}"
}

# linked PACKAGE PROGRAM: unpacks a program with the libraries that it needs.
linked() {
  unpack "$1" "$2"
  case $(ldd "$2") in
    *'not found'*) libraries "$1" ;;
  esac
}

debian_parts() {
  unpack prometheus "$debian/usr/bin/prometheus"
  unpack prometheus-node-exporter "$debian/usr/bin/prometheus-node-exporter"
  postgres
  linked nginx "$debian/usr/sbin/nginx"
  linked dbus-daemon "$debian/usr/bin/dbus-daemon"
}

for part in "$@"; do
  case $part in
    race-compiler) race_compiler ;;
    shellcheck) shell_linter ;;
    groff) groff_formatter ;;
    run-commands) run_commands ;;
    node) node_and_npm ;;
    browser) browser ;;
    debian-parts) debian_parts ;;
    *) fail "$part: no such part; there are race-compiler, shellcheck, groff, run-commands, node, browser, debian-parts" ;;
  esac
done
