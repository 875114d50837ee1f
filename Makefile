# Uplink: what people run. `make run` puts a demo channel on air, `make test` runs what CI runs.

export PATH := $(HOME)/.cargo/bin:$(PATH)

# What the demo channel takes: auto, test, a device, a file or an srt:// address.
SOURCE ?=
# What `make bench` is told, as in FIGURES='--only daemon-killed'; all figures without.
FIGURES ?=
DEMO := target/demo
# Where the package is.
DEBIAN := target/debian

# Debian release in the virtual machine of `make test-vm` and on the disk of `make image`.
SUITE ?= bookworm

.PHONY: help run test test-vm test-package test-image test-container package image bench lint check format clean

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
	@packaging/install-dependencies package
	@packaging/package

test-package: package ## Install the package on bare Debian 12, 13 and Ubuntu 24.04, upgrade, break, remove and purge it
	@packaging/install-dependencies image
	@packaging/debian/try $$(ls -t $(DEBIAN)/uplinkd_*.deb | head -n 1)

image: package ## Make the disk of an appliance in target/image; SUITE=trixie for Debian 13
	@packaging/install-dependencies image
	@packaging/image/make --suite $(SUITE) --package $$(ls -t $(DEBIAN)/uplinkd_*.deb | head -n 1)

test-image: ## Boot that disk in a virtual machine, by BIOS and by UEFI
	@packaging/install-dependencies image
	@packaging/image/try target/image/uplink.img $$(ls -t $(DEBIAN)/uplinkd_*.deb | head -n 1)

test-container: package ## Build and run the container
	@packaging/install-dependencies image
	@packaging/container/try $$(ls -t $(DEBIAN)/uplinkd_*.deb | head -n 1)

lint: ## Formatting, lints, dependencies
	@packaging/test lint

bench: ## Measure, with peers beside, print the table and write it to packaging/doc/figures.md
	@packaging/install-dependencies test
	cargo bench --bench figures -- --json target/figures.json --write packaging/doc/figures.md $(FIGURES)

format: ## Format the code
	cargo fmt

clean: ## Remove what was built
	cargo clean
