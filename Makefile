# Each target is one plain command or a short list of them, for which Go and git
# are enough: without make, type what stands below the target.

.DEFAULT_GOAL := help
.PHONY: help build demo test soak lint generate bench clean

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' Makefile

build: ## build ./ksrelease: static and stripped
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o ksrelease ./cmd/ksrelease

demo: ## release the example monorepo into a marketplace on this machine
	go run ./cmd/ksrelease run -C examples/monorepo --local

test: ## run the tests
	go test $(TESTFLAGS) ./...

soak: ## run the tests on the whole figures of docs/reliability.md
	KSRELEASE_SOAK=1 go test -timeout 90m ./...

lint: ## gofmt, go vet and staticcheck
	test -z "$$(gofmt -l . | tee /dev/stderr)"
	go vet ./...
	go tool staticcheck ./...

generate: ## write the JSON Schema and the documents made from it anew
	go generate ./...

bench: ## measure the rows of docs/performance.md, in turn with helm and ksbuilder, where these are to be had
	go run ./internal/bench

clean: ## remove what build, demo and package leave behind
	rm -rf ksrelease dist .ksrelease examples/monorepo/dist examples/monorepo/.ksrelease
