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
version=$(sed -n '/<artifactId>kafka_2.13</,/<version>/s/.*<version>\(.*\)<.*/\1/p' "$here/kafka/pom.xml")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/laminardb/kafka-$version
command=${1:-}
dir=${2:-}

usage() {
	sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

# jars downloads what is missing; two at once do not disturb each other.
jars() {
	[[ -e $cache/complete ]] && return
	command -v mvn >/dev/null || { echo "kafka.sh: mvn is not installed (maven)" >&2; exit 1; }
	mkdir -p "$cache"
	exec 8>"$cache/lock"
	flock 8
	[[ -e $cache/complete ]] || mvn -q -B -f "$here/kafka/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$cache" >&2
	touch "$cache/complete"
	exec 8>&-
}

# free_port prints a loopback port that nobody listens on, below the range from
# which the kernel takes ports for outgoing connections.
free_port() {
	local port
	for _ in $(seq 100); do
		port=$((20000 + RANDOM % 12000))
		(exec 9<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
	done
	return 1
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
	java -cp "$cache/*" kafka.tools.StorageTool format -t "$(cat "$dir/cluster.id")" -c "$dir/server.properties" >"$dir/format.log" 2>&1 || { cat "$dir/format.log" >&2; return 1; }
}

running() { [[ -e $dir/pid ]] && kill -0 "$(cat "$dir/pid")" 2>/dev/null; }
address() { sed -n 's/^advertised.listeners=PLAINTEXT:\/\/\(.*\)/\1/p' "$dir/server.properties"; }
answers() { (exec 9<>"/dev/tcp/127.0.0.1/${1##*:}") 2>/dev/null; }

start() {
	if running; then address && return; fi
	command -v java >/dev/null || { echo "kafka.sh: java is not installed (default-jre-headless)" >&2; exit 1; }
	jars
	mkdir -p "$dir"
	dir=$(cd "$dir" && pwd)
	[[ -e $dir/server.properties ]] || configure
	: >"$dir/log"
	setsid java -Xmx512m -Xms128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
		-Dorg.slf4j.simpleLogger.showDateTime=true -Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS \
		-cp "$cache/*" kafka.Kafka "$dir/server.properties" >"$dir/log" 2>&1 </dev/null 8>&- 9>&- &
	echo $! >"$dir/pid"
	disown
	for _ in $(seq 600); do
		if grep -q 'Kafka Server started' "$dir/log" && answers "$(address)"; then
			address
			return
		fi
		running || break
		sleep 0.1
	done
	echo "kafka.sh: the broker did not start:" >&2
	tail -n 30 "$dir/log" >&2
	return 1
}

# halt SIGNAL: ends the broker and waits for it.
halt() {
	local pid
	running || return 0
	pid=$(cat "$dir/pid")
	kill "-$1" "$pid"
	for _ in $(seq 300); do
		running || { rm -f "$dir/pid"; return 0; }
		sleep 0.1
	done
	kill -9 "$pid"
	rm -f "$dir/pid"
}

case $command in
version) echo "$version" ;;
start | stop | kill | status)
	[[ -n $dir ]] || usage
	case $command in
	start) start ;;
	stop) halt TERM ;;
	kill) halt KILL ;;
	status) running && address ;;
	esac
	;;
*) usage ;;
esac
