# A thin front: tools/deps.sh installs, meson and ninja build, tests/run tests.
BUILD ?= build
DATA ?= data
PREFIX ?= /usr/local

.PHONY: build run test bench fuzz lint install clean

build:
	@tools/deps.sh build
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) --prefix "$(PREFIX)"
	@ninja -C $(BUILD)

run: build
	@$(BUILD)/strongroom up --data "$(DATA)"

test: build
	@tools/deps.sh test
	@tests/run

bench: build
	@tools/deps.sh test
	@tests/bench/run

# FUZZ_SECONDS=3600 make fuzz: an hour for each target
fuzz: build
	@tools/deps.sh test
	@tests/run fuzz

lint: build
	@tools/deps.sh test
	@tests/run lint analyse

install: build
	@meson install -C $(BUILD) --no-rebuild

clean:
	@rm -rf $(BUILD) $(BUILD)-*
