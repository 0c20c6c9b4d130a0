# Build, run and check promfleet. `make` alone lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# One set of flags for everything: with others, the Prometheus library (minutes) would be compiled once more.
export GOFLAGS := $(filter-out -trimpath,$(shell go env GOFLAGS)) -trimpath

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -X main.version=$(VERSION)

TOOLS := $(CURDIR)/.tools
GOLANGCI_LINT_VERSION := v2.15.0
GOVULNCHECK_VERSION := v1.9.0
GOLANGCI_LINT := $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION)

# What tests run. They fail, not skip, without one of these.
export PROMFLEET_BIN := $(CURDIR)/bin/promfleet
export PROMFLEET_PROMETHEUS_DEBIAN := $(TOOLS)/debian/usr/bin/prometheus
export PROMFLEET_PROMETHEUS_CURRENT := $(TOOLS)/prometheus-current
export PROMFLEET_NODE_EXPORTER := $(TOOLS)/debian/usr/bin/prometheus-node-exporter
export PROMFLEET_NGINX := $(TOOLS)/debian/usr/sbin/nginx
export PROMFLEET_DBUS_DAEMON := $(TOOLS)/debian/usr/bin/dbus-daemon
export PROMFLEET_POSTGRES_BIN := $(TOOLS)/postgresql

# The slowest packages begin first, so that none is left to run alone; one more than
# there are cores runs at a time, since the end-to-end tests mostly wait.
SLOW := ./internal/server ./e2e ./internal/agent ./cmd/promfleet ./internal/store
# SQLite as Go, password hashing, Prometheus and YAML are others' code, and most of the
# time under the race detector: they are compiled without it.
UNRACED := $(foreach m,modernc.org golang.org/x/crypto github.com/prometheus go.yaml.in gopkg.in,-gcflags='$(m)/...=-race=false')
# Packages to test and more flags for go test: make test PKG=./internal/render TESTFLAGS='-run Golden -v'
PKG ?= ./...
TESTFLAGS ?=
BENCH ?= .

# Ports of make run.
SERVER_PORT ?= 7090
AGENT_PORT ?= 7091
PROMETHEUS_PORT ?= 9090
EXPORTER_PORT ?= 9100

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "%-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: web ## build ./bin/promfleet, web UI included
	@echo "building bin/promfleet $(VERSION) (about 5 minutes the first time: the Prometheus library is large)"
	@go build -ldflags '$(LDFLAGS)' -o bin/promfleet ./cmd/promfleet

# What the web UI is built from, and what says that it was.
WEB_SOURCES = $(shell find web/src web/scripts -type f) web/index.html web/package-lock.json web/vite.config.ts
WEB_MODULES := web/node_modules/.package-lock.json

.PHONY: web
web: internal/ui/dist/index.html ## build the web UI, which is embedded in the binary

internal/ui/dist/index.html: $(WEB_MODULES) $(WEB_SOURCES)
	@echo "building the web UI"
	@cd web && npm run --silent build
	@touch $@

$(WEB_MODULES): web/package.json web/package-lock.json
	@scripts/tools.sh node
	@echo "fetching the packages of the web UI"
	@cd web && npm ci --ignore-scripts --loglevel=error
	@touch $@

.PHONY: web-types
web-types: $(WEB_MODULES) ## rewrite the types of the API that the web UI has, from the OpenAPI document
	@cd web && npm run --silent types

# A browser in front of a real server, agent, Prometheus and nginx; pictures of all pages are in web/test-results.
.PHONY: web-test
web-test: tools build ## the tests of the web UI
	@scripts/tools.sh browser
	@cd web && npm run --silent test && npm run --silent e2e

# How fast long lists are in a browser: 10,000 nodes, a job of 100,000 targets. PROMFLEET_BENCH_NODES, _TARGETS, _RUNS
# and _STORAGE_URL (PostgreSQL) change that.
.PHONY: web-bench
web-bench: tools build ## measure long lists in a real browser
	@scripts/tools.sh browser
	@cd web && npm run --silent bench

.PHONY: web-pictures
web-pictures: tools build ## make the pictures of README.md anew
	@scripts/tools.sh browser
	@cd web && npm run --silent pictures

.PHONY: man
man: build ## write the man pages into ./bin/man (man -l bin/man/promfleet.1)
	@bin/promfleet man bin/man

.PHONY: run
run: ## start server, agent, a real Prometheus and an exporter; Ctrl-C ends them
	@SERVER_PORT='$(SERVER_PORT)' AGENT_PORT='$(AGENT_PORT)' PROMETHEUS_PORT='$(PROMETHEUS_PORT)' EXPORTER_PORT='$(EXPORTER_PORT)' \
		exec scripts/run.sh

.PHONY: test
test: tools build lint ## lint, then all tests with the race detector, end-to-end ones included
	@echo "testing (about 6 minutes more the first time: the Prometheus library is compiled again for the race detector)"
	@go test -race $(UNRACED) -vet=off -timeout 20m -p $$(($$(nproc) + 1)) $(TESTFLAGS) $(if $(filter ./...,$(PKG)),$(SLOW)) $(PKG)
	@$(if $(filter ./...,$(PKG)),go test -vet=off -run '^(TestHostileCalls|TestNoLostUpdate|TestOneUseJoinToken|TestVerdictIsPrometheus|TestLoginsTakeTheSameTime|TestLarge|TestTakeOver|TestHealthOfLargePool|TestLargeConfigsFit)$$' ./internal/server ./internal/adopt ./internal/agent)
	@$(if $(filter ./...,$(PKG)),go test -vet=off -run '^(TestSQLite|TestPostgres)$$/^Machine$$' ./internal/store)
	@$(if $(filter ./...,$(PKG)),$(MAKE) --no-print-directory web-test)

# How often the agent is killed in make soak, the server a fifth of that, and how
# many replies of a hostile server there are.
PROMFLEET_KILLS ?= 200
PROMFLEET_HOSTILE ?= 20000

.PHONY: soak
soak: tools build ## the long tests, at full length: a disk that fails, kill -9 under writes, a hostile server
	@echo "applying on a disk that fails (PROMFLEET_SEED repeats one)"
	@PROMFLEET_SOAK=1 go test -count=1 -v -timeout 60m -run '^(TestEveryOperation|TestMutants|TestRandom)$$' ./internal/agent/apply
	@echo "killing the agent $(PROMFLEET_KILLS) times (about 5 seconds each)"
	@PROMFLEET_KILLS=$(PROMFLEET_KILLS) go test -vet=off -count=1 -timeout 2h -v -run '^TestKilled$$' ./e2e
	@echo "answering an agent $(PROMFLEET_HOSTILE) times as no server should (about 30 milliseconds each)"
	@PROMFLEET_HOSTILE=$(PROMFLEET_HOSTILE) go test -vet=off -count=1 -timeout 2h -v -run '^TestHostile(Replies|Process)$$' ./internal/agent

.PHONY: lint
lint: $(GOLANGCI_LINT) $(WEB_MODULES) ## formatting, vet, go.mod, golangci-lint, shellcheck; biome, types and tsc of the web UI
	@scripts/tools.sh shellcheck
	@echo "gofmt"
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "not formatted; run gofmt -w on:"; echo "$$unformatted"; exit 1; fi
	@echo "go mod tidy -diff"
	@go mod tidy -diff
	@echo "go vet"
	@go vet ./...
	@echo "golangci-lint $(GOLANGCI_LINT_VERSION)"
	@$(GOLANGCI_LINT) run ./...
	@echo "shellcheck"
	@shellcheck scripts/*.sh docs/examples/*.sh .ci/run
	@echo "biome, types of the API, tsc"
	@cd web && npm run --silent lint

.PHONY: bench
bench: ## run the benchmarks (BENCH=regexp, PKG=./internal/render)
	@go test -run '^$$' -bench '$(BENCH)' -benchmem -timeout 60m $(if $(filter ./...,$(PKG)),$$(go list ./... | grep -v '/e2e$$'),$(PKG))

.PHONY: vuln
vuln: ## look for known vulnerabilities (asks vuln.go.dev)
	@go run golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION) ./...

.PHONY: tools
tools: $(GOLANGCI_LINT) $(PROMFLEET_PROMETHEUS_CURRENT) ## fetch what lint and tests need, into ./.tools
	@scripts/tools.sh race-compiler shellcheck groff debian-parts

.PHONY: clean
clean: ## remove what was built and fetched (the data of make run stays in ./.run)
	@rm -rf bin .tools web/node_modules web/test-results
	@find internal/ui/dist -mindepth 1 ! -name .gitignore -delete

# The version is in the file's name: another version is another file.
$(GOLANGCI_LINT):
	@echo "building golangci-lint $(GOLANGCI_LINT_VERSION) (about a minute)"
	@mkdir -p $(TOOLS)/install
	@cd $(TOOLS) && GOBIN=$(TOOLS)/install go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	@mv $(TOOLS)/install/golangci-lint $@ && rmdir $(TOOLS)/install

# Prometheus at the version of the library, which go.mod says.
$(PROMFLEET_PROMETHEUS_CURRENT): go.mod go.sum
	@echo "building Prometheus $$(go list -m -f '{{.Version}}' github.com/prometheus/prometheus) through the Go module proxy (about 5 minutes the first time)"
	@go build -o $@ github.com/prometheus/prometheus/cmd/prometheus
	@touch $@
