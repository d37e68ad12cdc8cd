# `make demo` and `make test` set up whatever is missing on a Debian or Ubuntu machine, then do their job.
export PATH := $(PATH):$(HOME)/.cargo/bin
CARGO ?= cargo

.PHONY: onnxruntime demo test test-long check lint build setup tensorrt shim-matrix bench networks clean
.DEFAULT_GOAL := build

demo: build ## Build, then schedule GoogleNet and ResNet101 on a Jetson AGX Xavier
	./target/release/haxconn schedule --dnns googlenet,resnet

test: setup tensorrt onnxruntime ## Build and run every test
	$(CARGO) test --locked

test-long: setup tensorrt ## The same with the long random comparisons (about half an hour)
	HAXCONN_TEST_LONG=1 $(CARGO) test --locked -- --nocapture

check: lint test ## What a change must pass

lint: setup tensorrt ## Formatting, lints, documentation, licences and advisories
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --quiet
	@if $(CARGO) deny --version >/dev/null 2>&1; then $(CARGO) deny --locked check; \
	else echo "skipped: licences and advisories (cargo-deny is not installed: cargo install --locked cargo-deny)"; fi

build: setup ## The program, in target/release/haxconn
	$(CARGO) build --locked --release

setup:
	@sh scripts/setup.sh

# TensorRT-RTX, whose builder needs no GPU, so that real engines are built in the tests; they skip without it.
tensorrt:
	@sh scripts/fetch-tensorrt-rtx.sh || [ $$? -eq 3 ]

# Runs schedules for real on a machine that is no Jetson; its tests skip without it.
onnxruntime: ## ONNX Runtime's library, for `--backend onnxruntime`
	@sh scripts/fetch-onnxruntime.sh || [ $$? -eq 3 ]

shim-matrix: ## Compile the TensorRT shim against every HEADERS/*/include
	@sh scripts/shim-matrix.sh $(HEADERS)

bench: setup ## Benchmarks of parsing, grouping, evaluating and solving
	$(CARGO) bench --locked

networks: ## Write the shipped networks from their published definitions
	python3 scripts/generate_networks.py

clean:
	$(CARGO) clean
	rm -rf build output
