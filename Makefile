# The words of the project. Each does all the set-up that it needs; `make run` and `make test` are the two to know.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

CACHE := $(or $(MERIDIAN_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/meridian)
DATA ?= data
LISTEN ?= 127.0.0.1:8080
MODEL ?= smollm2-135m-instruct
JOBS ?= $(shell nproc)
export CCACHE_DIR ?= $(CACHE)/ccache
export CCACHE_SLOPPINESS := pch_defines,time_macros
export CCACHE_NOHASHDIR := 1
export CCACHE_BASEDIR := $(CURDIR)

.PHONY: help setup setup-test build run test soak bench lint fuzz package clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 10

setup: ## install what a build needs (Debian packages)
	@tools/setup/system build

setup-test:
	@tools/setup/system test

# llama-server takes the longest, so it builds beside the program; both print their progress.
build: setup ## release program at build/release/bin/meridian, and the runtime it starts
	@mkdir -p $(CACHE); \
	tools/setup/llama > $(CACHE)/llama.path.$$$$ 2> >(sed 's/^/  /' >&2) & llama=$$!; \
	cmake --preset release > /dev/null; \
	NINJA_STATUS='  meridian %f/%t ' ninja -C build/release -j $(JOBS) meridian | tools/setup/thin; \
	wait $$llama; ln -sfn "$$(cat $(CACHE)/llama.path.$$$$)" build/release/bin/llama-server; rm -f $(CACHE)/llama.path.$$$$

run: build ## start Meridian with a real model; Ctrl-C stops it
	@exec build/release/bin/meridian up --data $(DATA) --listen $(LISTEN) --with $(MODEL)

test: setup-test ## every test, with the real clients
	@tools/test/run

soak: build setup-test ## the full counts of the long checks (hours)
	@tools/test/soak

bench: build ## the benchmark tables of docs/performance.md
	@bench/run

lint: setup-test ## format, clang-tidy, the house rules
	@tools/tidy/lint

fuzz: setup-test ## build the fuzz targets and run each for FUZZ_SECONDS (600)
	@tools/test/fuzz $(or $(FUZZ_SECONDS),600)

package: build ## .deb, OCI image, SBOM and checksums in dist/
	@packaging/make

clean: ## remove what was built here (the cache in $(CACHE) stays)
	rm -rf build dist
