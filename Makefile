# make demo · make test · make bench · make lint: each does its own set-up, once.
# What is installed stays in this folder: node_modules (npm), .tools (cargo), .local (data of the demo).

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

export PATH := $(CURDIR)/.tools/bin:$(CURDIR)/node_modules/.bin:$(PATH)
export LITE_TELEMETRY := 0
export DO_NOT_TRACK := 1
export DENO_DIR := $(CURDIR)/.tools/deno
export DENO_NO_UPDATE_CHECK := 1

WASM_BINDGEN_VERSION := $(shell sed -n 's/^wasm-bindgen = "=\(.*\)"/\1/p' Cargo.toml)
WASM_PACK_VERSION := 0.15.1
CARGO_FUZZ_VERSION := 0.13.2

PACKAGES := node_modules/.package-lock.json
WASM_BINDGEN := .tools/wasm-bindgen-$(WASM_BINDGEN_VERSION)
WASM_PACK := .tools/wasm-pack-$(WASM_PACK_VERSION)
CARGO_FUZZ := .tools/cargo-fuzz-$(CARGO_FUZZ_VERSION)
WASM := pkg/wasm/production_chat_bg.wasm
INLINED := pkg/wasm/inlined.js
DIST := pkg/dist/index.js

say = @printf '\033[1m▸ %s\033[0m\n' "$(1)"

.PHONY: demo test soak fuzz mutants bench lint build setup clean doctor size docs \
	test-rust test-wasm test-types test-database test-edge test-browser test-package

demo: $(PACKAGES) $(DIST)
	@node tools/demo.mjs

build: $(DIST)

test: lint test-rust test-types docs size test-database test-edge test-wasm test-browser test-package
	@printf '\033[1m✔ all tests passed\033[0m\n'

# ---------------------------------------------------------------- set-up

doctor:
	@tools/doctor.sh

setup: doctor $(PACKAGES) $(WASM_PACK) $(WASM_BINDGEN)

$(PACKAGES): package-lock.json | doctor
	$(call say,npm packages)
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@

# Compiled without optimisation to speak of: they run for seconds, compiling them well takes minutes.
CARGO_INSTALL := CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
	CARGO_TARGET_DIR=.tools/target cargo install --quiet --root .tools

$(WASM_BINDGEN): | doctor
	$(call say,wasm-bindgen $(WASM_BINDGEN_VERSION) (once: about two minutes))
	@$(CARGO_INSTALL) wasm-bindgen-cli --version $(WASM_BINDGEN_VERSION)
	@touch $@

$(WASM_PACK): | doctor
	$(call say,wasm-pack $(WASM_PACK_VERSION) (once: about one minute))
	@$(CARGO_INSTALL) wasm-pack --version $(WASM_PACK_VERSION)
	@touch $@

$(CARGO_FUZZ): | doctor
	$(call say,cargo-fuzz $(CARGO_FUZZ_VERSION) (once: about one minute))
	@$(CARGO_INSTALL) cargo-fuzz --version $(CARGO_FUZZ_VERSION)
	@touch $@

# ---------------------------------------------------------------- build

RUST_SOURCES := Cargo.toml Cargo.lock $(shell find src -name '*.rs')
# Panics carry the places of sources: where they are on this machine is nobody's business. A little more inlining than
# `opt-level = "z"` does by itself leaves less code, and so does code that stays as it is written: loops that count as they
# do, values computed where they are needed, ends of branches that are not merged.
WASM_FLAGS = --remap-path-prefix=$(or $(CARGO_HOME),$(HOME)/.cargo)/registry/src= \
	--remap-path-prefix=$(shell rustc --print sysroot)/lib/rustlib/src/rust= \
	$(addprefix -Cllvm-args=-,inline-threshold=15 disable-lsr disable-licm-promotion enable-pre=false simplifycfg-sink-common=false)
WASM_TOOLS := $(addprefix tools/wasm/,finish.mjs optimized.mjs panics.mjs sections.mjs short-names.mjs words.mjs)
$(WASM): $(RUST_SOURCES) $(PACKAGES) $(WASM_PACK) $(WASM_BINDGEN) $(WASM_TOOLS)
	$(call say,the crate to WebAssembly)
	@rustup target add wasm32-unknown-unknown >/dev/null 2>&1
	@RUSTFLAGS='$(WASM_FLAGS)' wasm-pack --log-level warn build --mode no-install --target web --no-pack --out-dir pkg/wasm --release
	@node tools/wasm/finish.mjs
	@touch $@

$(INLINED): $(WASM) tools/wasm/inline.mjs
	@node tools/wasm/inline.mjs

PKG_SOURCES := pkg/package.json pkg/tsconfig.json $(shell find pkg/src -name '*.ts' -o -name '*.tsx' 2>/dev/null)
$(DIST): $(WASM) $(INLINED) $(PKG_SOURCES)
	$(call say,the npm package)
	@tsc -p pkg/tsconfig.json
	@touch $@

# ---------------------------------------------------------------- tests

FUNCTIONS := chat billing
DENO_TESTS := --config=tests/edge/deno.json

lint: $(PACKAGES)
	$(call say,rustfmt and clippy)
	@cargo fmt --check
	@rustup target add wasm32-unknown-unknown >/dev/null 2>&1
	@cargo clippy --quiet --all-targets -- -D warnings
	@cargo clippy --quiet --all-targets --target wasm32-unknown-unknown -- -D warnings
	$(call say,the edge functions' types and style)
	@for name in $(FUNCTIONS); do deno check --quiet --frozen --config=supabase/functions/$$name/deno.json supabase/functions/$$name; done
	@deno check --quiet --frozen $(DENO_TESTS) tests/edge tools/functions.ts
	@deno lint --quiet $(DENO_TESTS) supabase/functions tools/functions.ts tests/edge
	@deno fmt --quiet --check $(DENO_TESTS) supabase/functions tools/functions.ts tests/edge

test-rust:
	$(call say,the crate, natively)
	@cargo test --quiet

# Ten thousand whole sessions of two virtual hours each; `make test` runs a few hundred. FROM=seed begins elsewhere.
soak:
	$(call say,ten thousand sessions)
	@SESSIONS=$${SESSIONS:-10000} CARGO_PROFILE_TEST_OPT_LEVEL=3 CARGO_PROFILE_TEST_LTO=thin \
		CARGO_PROFILE_TEST_CODEGEN_UNITS=1 cargo test --test simulator -- sessions --nocapture

# Bytes that a fuzzer thinks up, a minute for each target: SECONDS_EACH=… for longer. What is found stays in tests/fuzz/artifacts.
FUZZED := sse stored replies
fuzz: $(addprefix fuzz-,$(FUZZED))
fuzz-%: $(CARGO_FUZZ)
	$(call say,fuzzing: $*)
	@mkdir -p target/fuzz/corpus/$*
	@cargo fuzz run --fuzz-dir tests/fuzz --sanitizer none --target-dir target/fuzz $* target/fuzz/corpus/$* tests/fuzz/seeds/$* \
		-- -max_total_time=$${SECONDS_EACH:-60} -dict=tests/fuzz/words.dict -max_len=8192 -verbosity=0 -print_final_stats=1

test-wasm: $(PACKAGES) $(WASM_PACK) $(WASM_BINDGEN)
	$(call say,the crate, in a browser)
	@WASM_BINDGEN_TEST_TIMEOUT=120 tools/with-browser.sh wasm-pack --log-level warn test --mode no-install --headless --chrome

test-types: $(DIST)
	$(call say,types)
	@tsc -p pkg/tsconfig.json --noEmit
	@tsc -p www/tsconfig.json --noEmit
	@tsc -p tests/tsconfig.json --noEmit
	@tsc -p tests/package/tsconfig.json

test-database: $(PACKAGES)
	$(call say,the database on a real PostgreSQL)
	@node --test --test-reporter=spec tests/database/

test-edge: $(PACKAGES)
	$(call say,the edge function on Deno, on a real database)
	@node tools/test-edge.mjs

test-browser: $(DIST)
	$(call say,the demo in Chromium)
	@tools/with-browser.sh playwright test -c tests/browser/playwright.config.ts

# Packs the package and installs it, from npm's registry, in apps on Vite, webpack, Next.js, Node and nothing.
test-package: $(DIST)
	$(call say,the tarball in real apps)
	@tools/with-browser.sh playwright test -c tests/package/playwright.config.ts

# What a page loads for the hook; fails above the budget.
size: $(DIST)
	$(call say,what a page loads)
	@node tools/size.mjs

# Breaks the code on purpose, one patch at a time, and shows the test that notices. PATCHES=name picks some.
mutants: $(PACKAGES)
	@node tools/mutants.mjs $(PATCHES)

bench: $(DIST)
	@tools/with-browser.sh node benches/run.mjs

# The API reference, out of the types: docs/api. What has no words fails.
API_TOOLS := tools/api/node_modules/.package-lock.json
docs: $(DIST) $(API_TOOLS)
	$(call say,the API reference)
	@cd tools/api && node_modules/.bin/typedoc --logLevel Warn

$(API_TOOLS): tools/api/package-lock.json
	@npm ci --prefix tools/api --no-audit --no-fund --loglevel=error
	@touch $@

clean:
	rm -rf target pkg/wasm pkg/dist www/dist .local
