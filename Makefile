# Everything a newcomer types. Needed beside Maven: a JDK 25 somewhere on the machine (it is found here, whatever `java` is),
# and Python 3 for the tests with real Chroma.
JAVA_HOME := $(shell ./worker/src/main/dist/bin/find-java 2>/dev/null)
export JAVA_HOME
MVN := mvn -B -ntp
COMPACTOR := worker/target/compactor/bin/compactor
.DEFAULT_GOAL := help

.PHONY: help build demo image test benches model localstack bench bench-kernels bench-consumer fmt clean
help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' Makefile

build: ## everything into worker/target/compactor: bin/compactor and lib/
	@$(MVN) -q package -DskipTests
	@echo "built $(COMPACTOR)"

demo: build ## the whole story on embedded SQS and S3: no Docker, no cloud, under a minute
	@rm -rf worker/target/demo && $(COMPACTOR) demo --out worker/target/demo

# The architecture is this machine's. With IMAGE_BASE=<reference>, an image with Java 25 from a registry, it may be the other one.
IMAGE_ARCH := $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,amd64)
image: ## the worker's image as worker/target/compactor-image.tar, for `docker load`
	@$(if $(IMAGE_BASE),,deploy/image/base $(IMAGE_ARCH) worker/target/image)
	@$(MVN) -q package -DskipTests -Pimage -Dimage.arch=$(IMAGE_ARCH) $(if $(IMAGE_BASE),-Dimage.base=$(IMAGE_BASE))
	@echo "built worker/target/compactor-image.tar ($(IMAGE_ARCH))"

test: ## all tests; real Chroma is set up by the tests themselves; LOCALSTACK=1: those on LocalStack too
	@$(if $(LOCALSTACK),LOCALSTACK=1 python3 localstack/host.py )$(MVN) verify
	@$(MAKE) --no-print-directory benches

# So that a change of the worker shows what it breaks of them. Not those that need clients which the worker does not ship.
BENCHES := worker/src/bench/consumer/Ours.java worker/src/bench/graph/BuildGraph.java
benches: # compiles what the benches measure with; expects a built worker
	@rm -rf worker/target/bench/jmh/classes
	@$(MVN) -q -f worker/src/jmh/pom.xml process-classes
	@$(JAVA_HOME)/bin/javac -Xlint:all -Werror -d worker/target/bench/compiled -cp 'worker/target/compactor/lib/*' $(BENCHES)

model: ## every order of steps of the publish protocol, then deliberate mistakes in it: a minute on one core
	@python3 worker/src/model/protocol_model.py --quiet

localstack: ## LocalStack with queues and bucket made, without Docker, until Ctrl-C; needs Python 3.11
	@python3 localstack/host.py

bench: build ## compare with what chromadb and hnswlib can do, and write docs/benchmarks.md; QUICK=1: two minutes, nothing written
	@python3 worker/src/bench/bench.py $(if $(QUICK),--quick)

bench-kernels: build ## the innermost loops of the index under JMH, into docs/benchmarks.md; QUICK=1: nothing written
	@python3 worker/src/bench/kernels.py $(if $(QUICK),--quick)

bench-consumer: build ## empty jobs a second beside sqs-consumer (npm) and Spring Cloud AWS; needs Node; QUICK=1: nothing written
	@python3 worker/src/bench/consumer.py $(if $(QUICK),--quick)

fmt: ## format the sources
	@$(MVN) -q com.diffplug.spotless:spotless-maven-plugin:3.11.0:apply

clean: ## remove what was built
	@$(MVN) -q clean
