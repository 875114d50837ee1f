# Uplink: what people run. `make run` puts a demo channel on air, `make test` runs what CI runs.

export PATH := $(HOME)/.cargo/bin:$(PATH)

# What the demo channel takes: auto, test, a device, a file or an srt:// address.
SOURCE ?=
# Which figures `make bench` measures: all, or names (`make bench FIGURES=--help` lists them).
FIGURES ?=
DEMO := target/demo

# Arguments of the benchmark, such as FIGURES='--only encode-cost'.
FIGURES ?=

.PHONY: help run test bench lint check format clean

help: ## What can be made
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST)

run: ## Put the demo channel on air and say what to open; Ctrl-C stops everything. SOURCE=… chooses the source
	@packaging/install-dependencies run
	cargo build --release --bins
	@packaging/demo/run --binaries target/release --data $(DEMO) $(if $(SOURCE),--source '$(SOURCE)')

test: ## Install what the tests need and run everything that CI runs
	@packaging/install-dependencies test
	@packaging/test

lint: ## Formatting, lints, dependencies
	@packaging/test lint

bench: ## Measure, with peers beside, print the table and write it to packaging/doc/figures.md
	@packaging/install-dependencies test
	cargo bench --bench figures -- --json target/figures.json --write packaging/doc/figures.md $(FIGURES)

format: ## Format the code
	cargo fmt

clean: ## Remove what was built
	cargo clean
