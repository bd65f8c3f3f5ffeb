# VPC Interconnect. `make help` lists the targets.

FUNCTIONS := intake peering routes securitygroups verification tickets
BUILD     := .build
# Without HTTP/2, which nothing here speaks, a function is 0.2 MB smaller.
GOFLAGS_RELEASE := -trimpath -tags=nethttpomithttp2 -ldflags="-s -w -buildid="
SEED      ?=
TYPE      ?=
DATAPLANE ?=
FUZZTIME  ?= 10s

.DEFAULT_GOAL := help
.PHONY: help run run-ticket up test test-long simulate test-page lint build package deploy verify clean conformance fuzz soak checks seeds judge breaks worlds

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## connect the tutorial's two VPCs on the local cloud (SEED=n: hostile; DATAPLANE=kernel: for root, on real interfaces)
	@go run ./shared/cmd/localcloud run $(if $(SEED),--seed $(SEED)) $(if $(TYPE),--type $(TYPE)) $(if $(DATAPLANE),--dataplane $(DATAPLANE))

run-ticket: build ## have a ticket do it, and show what its reporter reads (SYSTEM=servicenow or jira-datacenter; SEED=n: hostile)
	@go run ./shared/cmd/localcloud run-ticket $(if $(SEED),--seed $(SEED)) $(if $(SYSTEM),--system $(SYSTEM))

up: build ## start the local cloud with the functions, and stay up (CLOUD=aliyun: on a real account)
	@go run ./shared/cmd/localcloud up $(if $(SEED),--seed $(SEED)) $(if $(CLOUD),--cloud $(CLOUD)) $(if $(DATAPLANE),--dataplane $(DATAPLANE))

seeds: build ## run under SEED=1 to N (default 50), hostile, one after the other; how each ended and its time
	@go build -o $(BUILD)/localcloud ./shared/cmd/localcloud
	@failed=0; for n in $$(seq 1 $(or $(N),50)); do \
		$(BUILD)/localcloud run --json --seed $$n > $(BUILD)/seed.json || failed=$$((failed + 1)); \
		awk -F'[:,]' -v n=$$n '/^  "state"/{gsub(/[" ]/, "", $$2); state=$$2} /^  "elapsedMs"/{ms=$$2} END{printf "seed %-4d %-16s %6.1f s\n", n, state, ms/1000}' $(BUILD)/seed.json; \
	done; echo "$$failed failed"; test $$failed = 0

bench: build ## measure connections against what the cloud itself takes; ratios, with targets (PARTS=one,many,... JSON=1)
	@go run ./shared/cmd/localcloud bench $(if $(PARTS),--parts $(PARTS)) $(if $(JSON),--json)

conformance: ## ask a cloud what the project relies on: CLOUD=local, or CLOUD=aliyun (see shared/conformance/doc.go)
	@go test ./shared/conformance -count=1 -v -timeout 0 -cloud $(or $(CLOUD),local) $(if $(filter aliyun,$(CLOUD)),-run TestAnAccount) $(if $(CONFORMANCE_WRITE),-write -confirm "$(CONFIRM)")

# The packages that mostly wait come first, and more of them at once than there
# are cores; vet is lint's. Without symbols for a debugger, linking is faster.
test: ## run the tests with the race detector
	go test -race -vet=off -p 4 -ldflags='-s -w' ./shared/whole ./shared/simulation ./...

test-long: ## what takes minutes, or is timed, without the race detector: every variant, all messages lost
	go test ./shared/whole -long -timeout 60m -v
	go test ./functions/intake -count=1

test-page: ## try the page in a real browser, Chromium; screenshots are in .build/page
	@command -v chromium >/dev/null || { test "$$(id -u)" = 0 && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; } >/dev/null 2>&1 || true
	@if command -v chromium >/dev/null; then \
		go test ./shared/whole -run '^TestThePage' -count=1 -v -browser chromium -shots $(CURDIR)/$(BUILD)/page; \
	else echo "there is no chromium, and it cannot be installed here: skipped"; fi

simulate: ## 200 seeds, and every wrong implementation that seeds have to catch, without the race detector
	@bash -o pipefail -c "go test ./shared/simulation -count=1 -timeout 30m -v -run 'Seeds|Wrong|Replays' | grep -vE '^=== |^ *--- PASS|^PASS'"

worlds: ## analysis and data plane on random worlds (N=10000): do they agree? One that they do not agree on is printed
	@go test ./shared/reachability -run TestRandomWorlds -count=1 -v -timeout 0 -worlds $(or $(N),10000)

judge: ## as root: random worlds, broken, on the kernel's network, in memory and analysed: do they agree? (N=1000)
	@go test ./shared/reachability -run TestJudge -count=1 -v -timeout 0 -judge $(or $(N),1000) $(if $(SEED),-judge-seed $(SEED))

checks: ## check CHECKED connections (default 200) in one period, and say how the calls were spread
	go test ./shared -run TestAllConnectionsAreCheckedInEachPeriod -count=1 -v -checked $(or $(CHECKED),200) -timeout 20m

breaks: ## as root: the README's table of breaks on the kernel's network: the same verdicts
	go test ./shared -run TheSameVerdictsOnTheKernel -count=1 -v -kernel -parallel 12

soak: ## simulate SEEDS seeds (default 1000) under every fault
	@go test ./shared/simulation -run TestSoak -timeout 0 -v -seeds $(or $(SEEDS),1000)

fuzz: ## fuzz what parses what strangers send, one target after the other (FUZZTIME=10s each)
	@grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z]+' functions shared | sort | while IFS=: read -r file target; do \
		echo "$$(dirname $$file) $${target#func }"; \
		go test -run '^$$' -fuzz "^$${target#func }\$$" -fuzztime $(FUZZTIME) "./$$(dirname $$file)" || exit 1; \
	done

lint: ## gofmt, go vet, golangci-lint if it is there
	@test -z "$$(gofmt -l functions shared)" || { gofmt -l functions shared; exit 1; }
	go vet ./...
	@if command -v golangci-lint >/dev/null; then golangci-lint run; else echo "golangci-lint is not installed: skipped"; fi

build: $(FUNCTIONS:%=$(BUILD)/%/main) ## build the functions as they are deployed

# Go's own cache knows best what is up to date.
$(BUILD)/%/main: FORCE
	@mkdir -p $(@D)
	@GOOS=linux GOARCH=amd64 CGO_ENABLED=0 go build $(GOFLAGS_RELEASE) -o $@ ./functions/$*
FORCE:

package: build ## a zip a function, the same bytes each time; their sizes and hashes
	@go run ./shared/cmd/operator package $(FUNCTIONS)

verify: ## hold s.yaml and template.yml against all that is known of them; Serverless Devs' own checks where Node is there
	go test -run 'Manifest|Template|Typo|Environment|Roles|ARole|Stage|Eventbridge' ./shared ./shared/localcloud/fc/manifest ./shared/localcloud/ram
	@go run ./shared/cmd/operator verify

deploy: package verify ## look whether all is ready, then s deploy
	@go run ./shared/cmd/operator deploy-check
	s deploy -y

clean: ## remove what was built
	rm -rf $(BUILD)
