#!/usr/bin/env bash
# Runs the tests of everything that talks to Kafka against an Apache Kafka of its
# own (scripts/kafka.sh), unless LAMINARDB_TEST_KAFKA names one: that one's topics
# are deleted. Tests named TestFake need the faults of the embedded broker.
# Prints "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ -z ${LAMINARDB_TEST_KAFKA:-} ]]; then
	dir=$(mktemp -d)
	trap 'scripts/kafka.sh kill "$dir"; rm -rf "$dir"' EXIT
	LAMINARDB_TEST_KAFKA=$(scripts/kafka.sh start "$dir")
	sed -n 's/.*\(Kafka version: .*\)/Apache \1/p' "$dir/log"
fi
export LAMINARDB_TEST_KAFKA
{
	go test -count 1 -v -skip TestFake ./connectors/kafka || :
	# These have topics with fixed names, so they run one after another.
	go test -count 1 -v -parallel 1 -run '^(TestTenPipelines|TestMarketData|TestPsqlRunsTheExample)$' ./cmd/laminardb || :
	go test -count 1 -v -parallel 1 -run '^TestSQL$/^kafka_' ./cmd/laminardb || :
} 2>&1 | awk -f scripts/count.awk
