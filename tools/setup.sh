#!/usr/bin/env bash
# Prepares everything the hotline needs: system packages, Python packages, a private Asterisk and Redis.
# Safe to run again: what is done is skipped. Usage: tools/setup.sh [run|test]
set -euo pipefail
cd "$(dirname "$0")/.."
WANT=${1:-run}
STEP=0
TOTAL=4
t0=$(date +%s)

say() { STEP=$((STEP + 1)); printf '[%d/%d] %s\n' "$STEP" "$TOTAL" "$1"; }
note() { printf '      %s\n' "$1"; }
fail() {
    printf '\nSet-up stopped: %s\n' "$1" >&2
    printf 'How to mend it: %s\n' "$2" >&2
    exit 1
}
LOG=var/log/setup.log
mkdir -p var/log
# Runs a long command quietly; on failure shows the end of its output.
quiet() {
    local what=$1 fix=$2
    shift 2
    printf '\n### %s\n' "$*" >>"$LOG"
    "$@" >>"$LOG" 2>&1 &
    local pid=$! n=0
    while kill -0 "$pid" 2>/dev/null; do
        sleep 1
        n=$((n + 1))
        if [ -t 1 ]; then printf '\r      %s … %d s' "$what" "$n"; elif [ $((n % 30)) = 0 ]; then note "$what … $n s"; fi
    done
    [ -t 1 ] && printf '\r\033[K'
    if ! wait "$pid"; then
        tail -n 15 "$LOG" >&2
        fail "$what failed (the end of $LOG is above)" "$fix"
    fi
}

SUDO=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "neither root nor sudo" "run as root, or install sudo"
    SUDO=sudo
fi

# ---------------------------------------------------------------- 1 system packages
say "system packages"
command -v apt-get >/dev/null || fail "this is no Debian or Ubuntu (apt-get is missing)" \
    "use Debian 12 or Ubuntu; on others install Asterisk 22, Redis, espeak-ng yourself and see docs/operations.md"
packages=(mmdebstrap debian-archive-keyring ca-certificates espeak-ng)
[ "$WANT" = test ] && packages+=(chromium fonts-noto-cjk sip-tester procps)
if [ "$WANT" = test ] && ! apt-cache show chromium >/dev/null 2>&1; then :; fi
missing=()
for p in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing+=("$p")
done
if [ ${#missing[@]} -gt 0 ]; then
    note "installing: ${missing[*]}"
    [ -n "$SUDO" ] && $SUDO -v
    quiet "package lists" "check the network and /etc/apt/sources.list, then run again" $SUDO apt-get update -q
    quiet "installing packages" "run 'apt-get -f install', then again" \
        $SUDO env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
else
    note "all there"
fi

# ---------------------------------------------------------------- 2 Python
say "Python environment (.venv)"
PY=
for candidate in python3.11 python3.12 python3 python3.13; do
    if command -v $candidate >/dev/null && $candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        PY=$candidate
        break
    fi
done
[ -n "$PY" ] || fail "no Python 3.11 or newer" "apt-get install python3.11 (Debian 12: python3)"
extra=$([ "$WANT" = test ] && echo dev || echo '')
stamp=".venv/.setup-$WANT"
key=$(cat pyproject.toml constraints.txt | sha256sum | cut -c1-16)
if [ ! -x .venv/bin/python ] || ! .venv/bin/python -c 'import pip' 2>/dev/null; then
    rm -rf .venv
    if ! $PY -m venv .venv >>"$LOG" 2>&1; then
        rm -rf .venv
        v=$($PY -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        quiet "installing python$v-venv" "apt-get install python$v-venv" \
            $SUDO env DEBIAN_FRONTEND=noninteractive apt-get install -y -q "python$v-venv"
        $PY -m venv .venv || fail "python -m venv failed" "apt-get install python$v-venv"
    fi
fi
if [ "$(cat "$stamp" 2>/dev/null)" = "$key" ] || [ "$(cat .venv/.setup-test 2>/dev/null)" = "$key" ]; then
    note "up to date"
else
    quiet "Python packages" "check the network (and 'pip config list'), then run again" \
        .venv/bin/python -m pip install -q -c constraints.txt -e ".${extra:+[$extra]}"
    echo "$key" >"$stamp"
fi

# ---------------------------------------------------------------- 3 Asterisk and Redis
say "private Asterisk 22 and Redis (var/rootfs)"
R=${HOTLINE_ROOTFS:-var/rootfs}
if [ -e "$R/.complete" ]; then
    note "there"
else
    free=$(df -Pm . | awk 'NR==2 {print $4}')
    [ "$free" -ge 900 ] || fail "only $free MB free on this disk" "free 1 GB: Asterisk's root file system takes 400 MB"
    $SUDO rm -rf "$R.new" "$R"
    mkdir -p "$(dirname "$R")"
    quiet "fetching Asterisk 22 and Redis (about 400 MB, once)" \
        "check the network; another Debian mirror: HOTLINE_DEBIAN_MIRROR=URL make setup" \
        $SUDO mmdebstrap --variant=apt --include=asterisk,asterisk-core-sounds-en-wav,redis-server \
        --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
        --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Check-Valid-Until "false"' \
        forky "$R.new" ${HOTLINE_DEBIAN_MIRROR:+"$HOTLINE_DEBIAN_MIRROR"}
    [ -n "$SUDO" ] && $SUDO chown -R "$(id -u):$(id -g)" "$R.new"
    touch "$R.new/.complete"
    mv "$R.new" "$R"
fi

# ---------------------------------------------------------------- 4 prompts
say "prompts (var/prompts)"
.venv/bin/hotline prompts build --quiet || fail "the prompts could not be made" "the lines above say why; then run 'make setup' again"
printf 'Ready after %d s.\n' $(($(date +%s) - t0))
