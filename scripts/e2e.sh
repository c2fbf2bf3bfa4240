#!/usr/bin/env bash
# Runs the binaries as README.md tells a user to: the development broker, the
# producer and the server; every SQL block of the README through psql; pgbench in
# its three protocols; kill -9 and a restart. Prints "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")/.."

for tool in psql pgbench; do
	command -v "$tool" >/dev/null || { echo "e2e: $tool is not installed"; exit 1; }
done
go build -o bin/ ./cmd/laminardb ./cmd/laminardb-producer

work=$(mktemp -d)
pids=()
finish() {
	for pid in "${pids[@]}"; do kill -9 "$pid" 2>/dev/null || true; done
	rm -rf "$work"
}
trap finish EXIT

passed=0 failed=0
check() { # NAME COMMAND...: the command's output is shown when it fails
	local name=$1
	shift
	if "$@" >"$work/out" 2>&1; then
		passed=$((passed + 1))
		echo "ok    $name"
	else
		failed=$((failed + 1))
		cat "$work/out"
		echo "FAIL  $name"
	fi
}
ready() { # FILE: waits until the program that writes it says that it is ready
	for _ in $(seq 300); do
		if grep -q '^ready' "$1"; then return 0; fi
		sleep 0.1
	done
	cat "$1"
	return 1
}
serve() {
	bin/laminardb serve --listen "127.0.0.1:${port:-0}" --http-listen '' --data-dir "$work/server" --log-level warn \
		--var "KAFKA_BROKERS=$kafka" --var "SCHEMA_REGISTRY_URL=$registry" --var GROUP_ID=e2e >"$work/serve" 2>&1 &
	server=$!
	pids+=("$server")
	ready "$work/serve"
	port=$(sed -n 's/^ready.* -p \([0-9]*\) .*/\1/p' "$work/serve")
}
sql() { timeout 60 psql -X -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$port" -U laminar laminar "$@"; }
bench() { timeout 60 pgbench -n -h 127.0.0.1 -p "$port" -U laminar -M "$1" -c 4 -t 50 -f "$work/bench.sql" laminar; }
# eventually QUERY: runs it until it answers t.
eventually() {
	for _ in $(seq 300); do
		if [[ $(sql -At -c "$1") == t ]]; then return 0; fi
		sleep 0.1
	done
	sql -c "SELECT name, status, rows_in, rows_out, watermark FROM laminar.streams"
	return 1
}
# tail_rows N COMMAND: N rows come.
tail_rows() {
	timeout 60 stdbuf -oL psql -X -q -h 127.0.0.1 -p "$port" -U laminar laminar -c "$2" 2>/dev/null | head -n "$1" >"$work/rows" || true
	cat "$work/rows"
	(($(wc -l <"$work/rows") == $1))
}

bin/laminardb devbroker --kafka 127.0.0.1:0 --registry 127.0.0.1:0 --data-dir "$work/broker" >"$work/devbroker" 2>&1 &
pids+=($!)
disown
ready "$work/devbroker"
kafka=$(sed -n 's/^ready: Kafka \([^,]*\),.*/\1/p' "$work/devbroker")
registry=$(sed -n 's/.*schema registry \(.*\)/\1/p' "$work/devbroker")
bin/laminardb-producer --brokers "$kafka" --registry "$registry" >"$work/producer" 2>&1 &
pids+=($!)
disown
check "the producer makes the topics" timeout 30 bash -c "until grep -q producing '$work/producer'; do sleep 0.1; done"
serve

awk -v dir="$work" '/^```sql$/ { n++; on = 1; next } /^```$/ { on = 0 } on { print > sprintf("%s/readme-%02d.sql", dir, n) }' README.md
for block in "$work"/readme-*.sql; do
	check "README: $(grep -v '^ *$' "$block" | head -n 1 | cut -c 1-60)" sql -f "$block"
done

check "market_ticks" sql -f examples/market-data/sql/sources/01_market_ticks.sql
check "order_events" sql -f examples/market-data/sql/sources/02_order_events.sql
for stream in 01_ohlc_bars 08_symbol_stats 09_volume_alerts; do
	check "$stream" sql -f "examples/market-data/sql/streams/$stream.sql"
done
check "ohlc_bars fills" eventually "SELECT count(*) >= 5 FROM ohlc_bars"
check "SUBSCRIBE over COPY" tail_rows 3 "COPY (SUBSCRIBE ohlc_bars WITH (SNAPSHOT)) TO STDOUT"
check "no rows rejected" eventually "SELECT count(*) = 0 FROM laminar.dead_letters"

echo 'SELECT symbol, close FROM ohlc_bars LIMIT 5;' >"$work/bench.sql"
for mode in simple extended prepared; do check "pgbench $mode" bench "$mode"; done

kill -9 "$server"
wait "$server" 2>/dev/null || true
serve
check "the catalog survives kill -9" eventually "SELECT count(*) >= 6 FROM laminar.objects"
check "ohlc_bars comes back" eventually "SELECT count(*) >= 5 FROM ohlc_bars"
check "pushed rows survive kill -9" eventually "SELECT count(*) = 2 FROM note_counts"
kill -TERM "$server"
check "the server stops on SIGTERM" timeout 30 tail --pid="$server" -f /dev/null

echo "$passed passed, $failed failed"
((failed == 0))
