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
	@exec $(BUILD)/strongroom up --data "$(DATA)"

# Each fuzz target runs for 4 seconds here and for 60 in `make fuzz`.
test: build
	@tools/deps.sh test
	@FUZZ_SECONDS=$${FUZZ_SECONDS:-4} tests/run

bench: build
	@tools/deps.sh test
	@tests/bench/run
	@tests/bench/vpn.sh || [ $$? -eq 77 ]

# FUZZ_SECONDS=3600 make fuzz: an hour for each target
fuzz: build
	@tools/deps.sh test
	@tests/run fuzz

lint: build
	@tools/deps.sh test
	@tests/run lint analyse

install: build
	@meson configure $(BUILD) --prefix "$(PREFIX)"
	@ninja -C $(BUILD)
	@meson install -C $(BUILD) --no-rebuild
	@test -n "$(DESTDIR)" || ldconfig 2>/dev/null || true

clean:
	@rm -rf $(BUILD) $(BUILD)-*
