# Uplink: what people run. `make run` puts a demo channel on air, `make test` runs what CI runs.

export PATH := $(HOME)/.cargo/bin:$(PATH)

# What the demo channel takes: auto, test, a device, a file or an srt:// address.
SOURCE ?=
# What `make bench` is told, as in FIGURES='--only daemon-killed'; all figures without.
FIGURES ?=
DEMO := target/demo

# Debian release in the virtual machine of `make test-vm`.
SUITE ?= bookworm

.PHONY: help run test test-vm package bench lint check format clean

help: ## What can be made
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST)

run: ## Put the demo channel on air and say what to open; Ctrl-C stops everything. SOURCE=… chooses the source
	@packaging/install-dependencies run
	@packaging/web-ui
	cargo build --release --bins
	@packaging/demo/run --binaries target/release --data $(DEMO) $(if $(SOURCE),--source '$(SOURCE)')

test: ## Install what the tests need and run everything that CI runs
	@packaging/install-dependencies test
	@packaging/test

test-vm: ## Capture devices, udev and systemd in a virtual machine; SUITE=trixie for Debian 13
	@packaging/install-dependencies vm
	@packaging/vm/run --suite $(SUITE)

package: ## Make the Debian package in target/debian
	@packaging/install-dependencies run
	@packaging/package

lint: ## Formatting, lints, dependencies
	@packaging/test lint

bench: ## Measure, with peers beside, print the table and write it to packaging/doc/figures.md
	@packaging/install-dependencies test
	cargo bench --bench figures -- --json target/figures.json --write packaging/doc/figures.md $(FIGURES)

format: ## Format the code
	cargo fmt

clean: ## Remove what was built
	cargo clean
