#!/usr/bin/env bash
# Runs an Apache Kafka broker (KRaft, one node, loopback only) for tests. Its jars
# come from Maven Central into the user's cache directory. It needs Java 17 and mvn.
#
#   kafka.sh start DIR     prints the bootstrap address when the broker answers; a
#                          second start in the same DIR keeps the port and the data
#   kafka.sh stop DIR      ends it, as SIGTERM does; kafka.sh kill DIR: as SIGKILL
#   kafka.sh status DIR    prints the address, or fails
#   kafka.sh version
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/server.sh
source "$here/server.sh"
version=$(sed -n '/<artifactId>kafka_2.13</,/<version>/s/.*<version>\(.*\)<.*/\1/p' "$here/kafka/pom.xml")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/laminardb/kafka-$version

download() {
	mvn -q -B -f "$here/kafka/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$cache"
}

configure() {
	local port controller
	port=$(free_port)
	controller=$(free_port)
	cat >"$dir/server.properties" <<-END
		process.roles=broker,controller
		node.id=1
		controller.quorum.voters=1@127.0.0.1:$controller
		controller.listener.names=CONTROLLER
		listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
		advertised.listeners=PLAINTEXT://127.0.0.1:$port
		log.dirs=$dir/data
		num.partitions=1
		auto.create.topics.enable=false
		offsets.topic.replication.factor=1
		offsets.topic.num.partitions=2
		transaction.state.log.replication.factor=1
		transaction.state.log.min.isr=1
		transaction.state.log.num.partitions=2
		share.coordinator.state.topic.replication.factor=1
		share.coordinator.state.topic.min.isr=1
		group.initial.rebalance.delay.ms=0
		log.cleaner.dedupe.buffer.size=8388608
	END
	java -cp "$cache/*" kafka.tools.StorageTool random-uuid 2>/dev/null >"$dir/cluster.id"
	java -cp "$cache/*" kafka.tools.StorageTool format -t "$(cat "$dir/cluster.id")" -c "$dir/server.properties" >"$dir/format.log" 2>&1 ||
		{ cat "$dir/format.log" >&2; return 1; }
}

address() { sed -n 's/^advertised.listeners=PLAINTEXT:\/\/\(.*\)/\1/p' "$dir/server.properties"; }

ready() {
	local at
	at=$(address)
	grep -q 'Kafka Server started' "$dir/log" && answers "${at##*:}"
}

start() {
	fetch
	[[ -e $dir/server.properties ]] || configure
	launch java -Xmx512m -Xms128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
		-Dorg.slf4j.simpleLogger.showDateTime=true -Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS \
		-cp "$cache/*" kafka.Kafka "$dir/server.properties"
	until_ready ready
}

main "$@"
