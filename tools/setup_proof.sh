#!/usr/bin/env bash
# Proves that `./dev setup` is complete: builds an empty Debian 12 (debootstrap's "minbase": no compiler, no git, no
# Python) in a folder under build/, clones this commit into it, and runs there what a newcomer runs: ./dev setup,
# ./dev build, ./dev test unit, and the scenarios with other people's peers (Node, Python, Chromium, `ip netns`). A
# package that only this machine happens to have shows up as a failure. Part of `./dev test ci`; prints
# `N passed, N failed` last.
#
# Mirror, keys, proxy and certificates are this machine's own, copied in at run time. Everything is mounted in a mount
# and process namespace of its own, so nothing stays mounted and nothing stays running, however this ends.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source_root=$(pwd -P)
work=$source_root/build/setup-proof
jail=$work/root
passed=0 failed=0

say() { printf '==> %s\n' "$*"; }

# check NAME COMMAND...: one step of the proof, counted.
check() {
  local name=$1 begin=$SECONDS code
  shift
  say "$name"
  # A subshell of its own, because `set -e` means nothing inside an `if`.
  set +e
  (set -e; "$@")
  code=$?
  set -e
  if [ $code = 0 ]; then
    passed=$((passed + 1))
    say "$name: ok, $((SECONDS - begin)) s"
  else
    failed=$((failed + 1))
    say "$name: FAILED, $((SECONDS - begin)) s"
    return 1
  fi
}

# Deletes the jail. Only outside the namespace, where nothing is mounted on it: a bind mount of the same disk would
# be emptied with it.
remove_jail() {
  if grep -qF " $jail" /proc/self/mountinfo; then
    echo "something is mounted below $jail: left as it is" >&2
    return 1
  fi
  rm -rf "$jail"
}

if [ "$(id -u)" != 0 ]; then
  echo "the proof needs root, for chroot"
  echo "0 passed, 1 failed"
  exit 1
fi
if [ "${1:-}" != inside-namespace ]; then
  mkdir -p "$work"
  remove_jail
  trap remove_jail EXIT
  unshare --mount --pid --fork --kill-child --propagation private bash tools/setup_proof.sh inside-namespace
  exit
fi
trap 'echo "$passed passed, $failed failed"' EXIT
mount -t proc proc /proc # of the new process namespace

# --- the empty Debian, from where this machine gets its own

debian_sources=()
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
  [ -f "$file" ] && grep -q '^[^#].*debian' "$file" && debian_sources+=("$file")
done
apt_options=()
for file in /etc/apt/apt.conf /etc/apt/apt.conf.d/*; do
  [ -f "$file" ] && grep -q '^ *Acquire' "$file" && apt_options+=(--aptopt="$file")
done

# Packages that were downloaded once are kept under build/ for the next proof.
mkdir -p "$work/archives/partial"

bootstrap() {
  mmdebstrap --quiet --variant=minbase --mode=root --format=directory --skip=check/qemu \
    "${apt_options[@]}" --dpkgopt=force-unsafe-io bookworm "$jail" "${debian_sources[@]}"
}

# What a network needs that a package cannot bring: names, and the certificates this machine trusts.
connect() {
  # A root that is a mount of its own, because `ip netns exec` changes how mounts below / propagate.
  mount --bind "$jail" "$jail"
  cp -L /etc/resolv.conf /etc/hosts "$jail/etc/"
  [ ! -d /etc/apt/auth.conf.d ] || cp -a /etc/apt/auth.conf.d "$jail/etc/apt/"
  mkdir -p "$jail/usr/local/share/ca-certificates" "$jail/run/proof"
  cp -a /usr/local/share/ca-certificates/. "$jail/usr/local/share/ca-certificates/" 2>/dev/null || true
  cp -L /etc/ssl/certs/ca-certificates.crt "$jail/run/proof/ca.crt"
  [ ! -f ~/.npmrc ] || cp ~/.npmrc "$jail/root/.npmrc"
  mount -t proc proc "$jail/proc"
  mount --rbind /sys "$jail/sys"
  mount -t tmpfs tmpfs "$jail/dev"
  local device
  for device in null zero full random urandom tty; do
    touch "$jail/dev/$device"
    mount --bind "/dev/$device" "$jail/dev/$device"
  done
  mkdir "$jail/dev/shm" "$jail/dev/pts"
  mount -t tmpfs tmpfs "$jail/dev/shm"
  mount -t devpts -o newinstance,ptmxmode=0666 devpts "$jail/dev/pts"
  ln -s pts/ptmx "$jail/dev/ptmx"
  ln -s /proc/self/fd "$jail/dev/fd"
  mount --bind "$work/archives" "$jail/var/cache/apt/archives"
  echo 'APT::Keep-Downloaded-Packages "true";' >"$jail/etc/apt/apt.conf.d/90proof"
}

# The clone lies where the tree lies outside, so that ccache knows its objects again; a header or a compiler that is
# missing is missed all the same, because ccache looks at every file that went into an object.
clone() {
  mkdir -p "$jail$source_root"
  git clone --quiet --no-hardlinks "file://$source_root" "$jail$source_root"
  mkdir -p "$jail/root/.cache/ccache"
  local cache
  cache=$(ccache --get-config cache_dir)
  mkdir -p "$cache"
  mount --bind "$cache" "$jail/root/.cache/ccache"
}

in_jail() {
  chroot "$jail" /usr/bin/env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG=C.UTF-8 TERM=dumb NODE_EXTRA_CA_CERTS=/run/proof/ca.crt \
    ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} ${no_proxy:+no_proxy="$no_proxy"} \
    bash -c "set -eo pipefail; cd '$source_root'; $1"
}

setup_again_is_quick() {
  local begin=${EPOCHREALTIME/./}
  in_jail './dev setup' || return 1
  local took=$(((${EPOCHREALTIME/./} - begin) / 1000))
  echo "second ./dev setup: $took ms"
  [ $took -lt 2000 ]
}

# check_tests ARGUMENTS: `./dev test ARGUMENTS` in the jail is one step, and its own counts are added.
check_tests() {
  local log="$work/tests.txt" good
  run_tests() { in_jail "./dev test $1" | tee "$log"; }
  check "./dev test $1" run_tests "$1"
  read -r good _ < <(grep -xE '[0-9]+ passed, [0-9]+ failed' "$log" | tail -1)
  passed=$((passed + good))
}

no_service_runs() {
  local root
  for root in /proc/[0-9]*/root; do
    [ "$(readlink "$root")" = "$jail" ] && { echo "running in there: $(tr '\0' ' ' <"${root%root}cmdline")"; return 1; }
  done
  [ ! -e "$jail/usr/sbin/policy-rc.d" ]
}

check "an empty Debian 12" bootstrap
check "its network and mounts" connect
check "a clean clone" clone
check "./dev setup" in_jail './dev setup'
check "./dev setup, again" setup_again_is_quick
check "no service was started" no_service_runs
check "./dev build" in_jail './dev build dev'
check_tests unit
check_tests "scenarios -k 'peers or browser or vanish'"
