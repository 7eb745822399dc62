# make alone prints the targets.
GO       ?= go
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
BUILT    ?= $(shell git log -1 --format=%cI 2>/dev/null)
LDFLAGS   = -s -w -X main.release=$(VERSION) -X main.built=$(BUILT)
LINT      = $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZTIME ?= 60s
KILLS    ?= 200
IMAGE    ?= watchword:local

.PHONY: help run build image dist generate test unit peers packaging kill lint fuzz bench examples docs clean

help: ## print the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

build: ## bin/watchword, static
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/watchword ./cmd/watchword

image: ## the image IMAGE=watchword:local, by docker, podman or buildah
	@scripts/image $(IMAGE) $(VERSION)

dist: ## dist/: archives for Linux, macOS and Windows, lists of parts, checksums
	$(GO) run ./internal/dist -version $(VERSION)

generate: ## the schema and the pages of keys and commands, from the code
	$(GO) run ./internal/reference/generate

run: build ## the main job, in the small world of watchword demo, until Ctrl-C
	@bin/watchword demo

test: ## everything, installing what it needs
	@scripts/need
	$(MAKE) build
	$(GO) test -race -count=1 -timeout 20m $$($(GO) list ./... | grep -v /internal/packaging) # some tests build the program: a cached result would not see it change
	$(GO) test -count=1 ./internal/packaging # by itself: what it compiles would slow the tests that measure real time
	$(MAKE) examples

unit: ## the tests that need nothing but Go
	$(GO) test -race -short ./...

peers: ## the tests against nginx, Caddy, Prometheus, blackbox_exporter and oidc-provider
	@scripts/need
	$(GO) test -race -count=1 -run Peer ./internal/peers/...

packaging: ## the image built and entered, the unit judged, the archives built twice
	@scripts/need
	$(GO) test -count=1 -v ./internal/packaging

kill: build ## KILLS=200 SIGKILLs at random moments: no Down and no Up is lost
	WATCHWORD_KILLS=$(KILLS) $(GO) test -count=1 -timeout 60m -run 'TestKill' -v ./internal/agent/killtest

lint: ## gofmt, vet on each system, golangci-lint with the floors, tidy
	@test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }
	$(GO) vet ./...
	GOOS=darwin $(GO) vet ./...
	GOOS=windows $(GO) vet ./...
	$(GO) mod tidy -diff
	$(LINT) run ./...

fuzz: ## each fuzz target for FUZZTIME=60s
	@scripts/fuzz $(FUZZTIME)

bench: build ## CPU per probe beside a bare loop, memory, lateness
	bin/watchword bench

examples: build ## watchword check on every example
	@scripts/examples

clean: ## remove what was built
	rm -rf bin dist
