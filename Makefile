# Ottla's commands.
#
# `make demo` and `make test` need a Rust toolchain, a C compiler, make, a JDK (17 or later) and Maven. `scripts/setup`
# installs everything else by apt if it runs as root. Otherwise it names what is missing and how to install it.

CARGO ?= cargo
PROFILE_DIR = $(or $(CARGO_TARGET_DIR),target)/release
export OTTLA_BUILD ?= $(CURDIR)/build

.PHONY: all help setup library demo test check unit simulation soak examples bench clean

## all          the library: target/release/libottla.so and libottla.a (the default)
all: library

## help         this text
help:
	@echo 'Targets:'
	@sed -n 's/^## /  /p' $(MAKEFILE_LIST)

## setup        installs or names what the tests need besides a Rust toolchain, a C compiler, a JDK and Maven
setup:
	scripts/setup

library:
	$(CARGO) build --release --lib

## examples     the programs of examples-c, in target/examples-c
examples: library
	examples-c/build

## demo         starts a Kafka, sends records through a C program, and reads them back with another client
demo: setup examples
	examples-c/demo

## test         all tests, in less than 20 minutes
test: setup check unit simulation examples
	scripts/loom
	benches/instructions --few
	@echo 'make test: all passed'

## check        formatting, lints, and links in comments
check:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --quiet -- -D warnings
	$(CARGO) clippy --lib --quiet -- -D warnings
	$(CARGO) clippy -p ottla-core --features planted --test simulation --quiet -- -D warnings
	RUSTDOCFLAGS='-D rustdoc::broken_intra_doc_links' \
		$(CARGO) doc -p ottla-core -p ottla-engine -p ottla-mock --no-deps --document-private-items --quiet

unit:
	$(CARGO) test --workspace
	$(CARGO) test -p ottla-core --features planted --test simulation planted::

## simulation   10,000 random runs of the engine on a modelled cluster
simulation:
	OTTLA_SEEDS=0..5000 $(CARGO) test -p ottla-core --quiet --profile simulation --test simulation random -- --nocapture

## soak         the long runs; finished steps are not run again (scripts/soak --help)
soak: setup library examples
	scripts/setup --soak
	scripts/soak

## bench        Ottla and its peers side by side, a few minutes (BENCH=full: all of it); needs Go too (benches/README.md)
bench: setup
	scripts/setup --soak
	benches/bench $(if $(filter full,$(BENCH)),--full)

## clean        removes everything that was built, including Kafka
clean:
	-tests/kafka/kafka stop --all
	$(CARGO) clean
	rm -rf build

include packaging/install.mk
