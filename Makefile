# Ottla's commands. `make help` lists them.

CARGO ?= cargo
BUILD ?= build
export OTTLA_BUILD ?= $(abspath $(BUILD))

.PHONY: help
help:
	@sed -n 's/^## //p' $(firstword $(MAKEFILE_LIST))
