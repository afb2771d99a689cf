#!/usr/bin/env bash
# Runs a command with CHROME_BIN and CHROMEDRIVER set: the browser that is here, else the system's package of it.
set -euo pipefail

first() { for name in "$@"; do command -v "$name" 2>/dev/null && return; done; return 1; }

find_browser() {
  CHROME_BIN=${CHROME_BIN:-$(first chromium chromium-browser google-chrome google-chrome-stable || true)}
  CHROMEDRIVER=${CHROMEDRIVER:-$(first chromedriver chromium.chromedriver || true)}
  [ -n "$CHROME_BIN" ] && [ -n "$CHROMEDRIVER" ]
}

if ! find_browser; then
  sudo=()
  [ "$(id -u)" = 0 ] || sudo=(sudo -n)
  if command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; then
    printf '\033[1m▸ Chromium and its driver, by apt-get (once)\033[0m\n' >&2
    "${sudo[@]}" apt-get update -qq >/dev/null
    DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq chromium chromium-driver >/dev/null
  fi
fi
if ! find_browser; then
  cat >&2 <<'TEXT'
The browser tests need Chromium (or Chrome) and the chromedriver of the same version:
  Debian, Ubuntu   sudo apt-get install chromium chromium-driver
  macOS            brew install --cask chromium chromedriver
or name them: CHROME_BIN=/path/to/chrome CHROMEDRIVER=/path/to/chromedriver make test
TEXT
  exit 1
fi

export CHROME_BIN CHROMEDRIVER
exec "$@"
