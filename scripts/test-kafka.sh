#!/usr/bin/env bash
# Runs the tests of everything that talks to Kafka or a schema registry against an
# Apache Kafka and an Apicurio Registry of its own (scripts/kafka.sh, registry.sh),
# unless LAMINARDB_TEST_KAFKA and LAMINARDB_TEST_REGISTRY name others: that Kafka's
# topics are deleted. Tests named TestFake need the faults of the embedded broker.
# Prints "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")/.."

dir=$(mktemp -d)
finish() {
	scripts/kafka.sh kill "$dir/kafka"
	scripts/registry.sh kill "$dir/registry"
	rm -rf "$dir"
}
trap finish EXIT
if [[ -z ${LAMINARDB_TEST_KAFKA:-} ]]; then
	LAMINARDB_TEST_KAFKA=$(scripts/kafka.sh start "$dir/kafka")
	sed -n 's/.*\(Kafka version: .*\)/Apache \1/p' "$dir/kafka/log"
fi
if [[ -z ${LAMINARDB_TEST_REGISTRY:-} ]]; then
	LAMINARDB_TEST_REGISTRY=$(scripts/registry.sh start "$dir/registry")
	echo "Apicurio Registry version: $(scripts/registry.sh version)"
fi
export LAMINARDB_TEST_KAFKA LAMINARDB_TEST_REGISTRY
{
	go test -count 1 -v -skip TestFake ./connectors/kafka || :
	go test -count 1 -v -run '^TestServer' ./connectors/format/registry || :
	# These have topics with fixed names, so they run one after another.
	go test -count 1 -v -parallel 1 -run '^(TestTenPipelines|TestMarketData|TestPsqlRunsTheExample)$' ./cmd/laminardb || :
	go test -count 1 -v -parallel 1 -run '^TestSQL$/^kafka_' ./cmd/laminardb || :
} 2>&1 | awk -f scripts/count.awk
