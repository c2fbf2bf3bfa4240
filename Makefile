SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# What every test file that uses datadriven understands.
GOLDEN = $(shell git ls-files -co --exclude-standard '*_test.go' | xargs grep -l '"github.com/cockroachdb/datadriven"' | xargs -n 1 dirname | sort -u | sed 's|^|./|')

.PHONY: help build test check e2e tui frames test-postgres test-drivers test-kafka golden fuzz audit bench demo

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | expand -t 16
	@echo 'ARGS are passed on: make demo ARGS="--duration 20s"'

build: ## build bin/laminardb, bin/laminardb-producer and bin/laminardb-tui
	mkdir -p bin
	go build -o bin/ ./cmd/laminardb ./cmd/laminardb-producer ./cmd/laminardb-tui

test: ## run all tests; ARGS for go test, such as -race
	go test -v $(ARGS) ./... | awk -f scripts/count.awk

check: ## formatting, vet, staticcheck, layers and style, module file, vulnerabilities
	scripts/check.sh

e2e: ## run the binaries, psql and pgbench as the README says
	scripts/e2e.sh

tui: ## drive the dashboard in tmux
	scripts/tui.sh

test-postgres: ## compare with PostgreSQL 15, on a server of its own
	scripts/postgres.sh

test-kafka: ## run what talks to Kafka against an Apache Kafka; needs Java 17 and mvn
	scripts/test-kafka.sh

test-drivers: ## pgjdbc, psycopg, SQLAlchemy, asyncpg, node-postgres against a server
	scripts/drivers.sh

golden: ## rewrite the expected results of the text tests; look at the diff
	go test $(GOLDEN) -rewrite

fuzz: ## run every fuzz target for FUZZTIME (10s)
	scripts/fuzz.sh

audit: build ## kill the server again and again and compare everything; ARGS such as "--kills 300 --kafka apache"
	go run ./cmd/internal/audit $(ARGS)

bench: ## measure against a raw librdkafka drain, and checkpoints; ARGS such as "-part recovery,latency,churn,delivery -count 3"
	go run ./cmd/internal/bench $(ARGS)

frames: ## draw docs/img anew from the running demo
	scripts/frames.sh

demo: ## run the market-data demo with its dashboard; ARGS such as --duration 20s --no-tui
	go run ./cmd/laminardb demo $(ARGS)
