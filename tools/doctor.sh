#!/usr/bin/env bash
# Says clearly what this machine lacks, before anything is built.
set -euo pipefail

missing=()
command -v cargo >/dev/null || missing+=("Rust, by rustup: https://rustup.rs")
command -v rustup >/dev/null || missing+=("rustup, to add the wasm32 target: https://rustup.rs")
command -v npm >/dev/null || missing+=("Node 20.19 or newer, with npm: https://nodejs.org")
if command -v node >/dev/null && ! node -e '
  const [major, minor] = process.versions.node.split(".").map(Number)
  process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)'; then
  missing+=("Node 20.19 or newer (this is $(node --version)): https://nodejs.org")
fi
command -v cc >/dev/null || missing+=("a C linker (Debian: apt-get install build-essential; macOS: xcode-select --install)")

if ((${#missing[@]})); then
  printf 'This machine lacks:\n' >&2
  printf '  - %s\n' "${missing[@]}" >&2
  exit 1
fi
