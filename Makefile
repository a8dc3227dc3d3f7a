# Everything a newcomer types. Needed beside Maven: a JDK 25 somewhere on the machine (it is found here, whatever `java` is),
# and Python 3 for the tests with real Chroma.
JAVA_HOME := $(shell ./worker/src/main/dist/bin/find-java 2>/dev/null)
export JAVA_HOME
MVN := mvn -B -ntp
COMPACTOR := worker/target/compactor/bin/compactor
.DEFAULT_GOAL := help

.PHONY: help build demo test bench fmt clean
help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' Makefile

build: ## everything into worker/target/compactor: bin/compactor and lib/
	@$(MVN) -q package -DskipTests
	@echo "built $(COMPACTOR)"

demo: build ## the whole story on embedded SQS and S3: no Docker, no cloud, under a minute
	@rm -rf worker/target/demo && $(COMPACTOR) demo --out worker/target/demo

test: ## all tests; real Chroma is set up by the tests themselves
	@$(MVN) verify

bench: build ## compare with what chromadb alone can do, and write docs/benchmarks.md; QUICK=1: a minute, nothing written
	@python3 worker/src/bench/bench.py $(if $(QUICK),--quick)

fmt: ## format the sources
	@$(MVN) -q com.diffplug.spotless:spotless-maven-plugin:3.11.0:apply

clean: ## remove what was built
	@$(MVN) -q clean
