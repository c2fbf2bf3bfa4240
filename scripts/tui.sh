#!/usr/bin/env bash
# Drives the dashboard in a terminal of tmux: keys in, screen out, other sizes,
# the server killed and started again, a database of one's own, no colours; then
# the demo as the README has it. Prints "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")/.."

for tool in tmux psql; do
	command -v "$tool" >/dev/null || { echo "tui: $tool is not installed"; exit 1; }
done
go build -o bin/ ./cmd/laminardb ./cmd/laminardb-producer ./cmd/laminardb-tui

work=$(mktemp -d)
export LC_ALL=C.UTF-8
pids=()
terminal() { tmux -L "laminardb-$$" -f /dev/null "$@"; }
finish() {
	terminal kill-server 2>/dev/null || true
	for pid in "${pids[@]}"; do kill -9 "$pid" 2>/dev/null || true; done
	rm -rf "$work"
}
trap finish EXIT

patience=60 # seconds until something that does not come counts as missing
passed=0 failed=0
check() { # NAME COMMAND...: the screen is shown when it fails
	local name=$1
	shift
	if "$@" >"$work/out" 2>&1; then
		passed=$((passed + 1))
		echo "ok    $name"
	else
		failed=$((failed + 1))
		cat "$work/out"
		screen || true
		echo "FAIL  $name"
	fi
}
screen() { terminal capture-pane -p -t main; }
colors() { terminal capture-pane -p -e -t main; }
press() { terminal send-keys -t main "$@"; }
# shows PATTERN...: each comes to be on the screen.
shows() {
	local pattern end
	for pattern in "$@"; do
		end=$((SECONDS + patience))
		until screen | grep -qE -- "$pattern"; do
			if ((SECONDS > end)); then
				echo "not on the screen: $pattern"
				return 1
			fi
			sleep 0.1
		done
	done
}
# hides PATTERN: it comes to be away.
hides() {
	local end=$((SECONDS + patience))
	while screen | grep -qE -- "$1"; do
		if ((SECONDS > end)); then
			echo "still on the screen: $1"
			return 1
		fi
		sleep 0.1
	done
}
# dead: the terminal of the program comes to be closed. What tmux writes on the
# screen of a dead pane waits for the program to be reaped, which may come late.
dead() {
	local end=$((SECONDS + patience))
	until [[ $(terminal display-message -p -t main '#{pane_dead}') == 1 ]]; do
		if ((SECONDS > end)); then
			echo "it is still alive"
			return 1
		fi
		sleep 0.1
	done
}
# page KEY PATTERN...: the key opens a page with these.
page() {
	press "$1"
	shows "${@:2}"
}
# size WIDTHxHEIGHT PATTERN...: the screen gets the size and shows these.
size() {
	terminal resize-window -t main -x "${1%x*}" -y "${1#*x}"
	shows "${@:2}"
}
# run WIDTH HEIGHT COMMAND: in a new terminal.
run() {
	terminal kill-session -t main 2>/dev/null || true
	terminal new-session -d -s main -x "$1" -y "$2" "$3; echo exit=\$?; sleep 600"
}
ready() { # FILE: waits until the program that writes it says that it is ready
	for _ in $(seq 600); do
		if grep -qs '^ready' "$1"; then return 0; fi
		sleep 0.1
	done
	cat "$1"
	return 1
}
serve() { # ARGS...
	bin/laminardb serve --listen "127.0.0.1:${port:-0}" --http-listen '' --data-dir "$work/server" --log-level warn \
		--var "KAFKA_BROKERS=$kafka" --var "SCHEMA_REGISTRY_URL=$registry" --var GROUP_ID=tui "$@" >"$work/serve" 2>&1 &
	server=$!
	disown
	pids+=("$server")
	ready "$work/serve"
	port=$(sed -n 's/^ready.* -p \([0-9]*\) .*/\1/p' "$work/serve")
}
sql() { # notices are of no interest here
	timeout 60 psql -X -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$port" -U laminar laminar "$@" 2>"$work/sql" || { cat "$work/sql"; return 1; }
}
no_colors() { ! colors | grep -qE $'\x1b\\[[0-9;]*(3[0-8]|4[0-8]|9[0-7])[;m]'; }

bin/laminardb devbroker --kafka 127.0.0.1:0 --registry 127.0.0.1:0 --data-dir "$work/broker" >"$work/devbroker" 2>&1 &
pids+=($!)
disown
ready "$work/devbroker"
kafka=$(sed -n 's/^ready: Kafka \([^,]*\),.*/\1/p' "$work/devbroker")
registry=$(sed -n 's/.*schema registry \(.*\)/\1/p' "$work/devbroker")
bin/laminardb-producer --brokers "$kafka" --registry "$registry" --tps 200 >"$work/producer" 2>&1 &
pids+=($!)
disown
timeout 60 bash -c "until grep -q producing '$work/producer'; do sleep 0.1; done"
cat examples/market-data/sql/sources/*.sql examples/market-data/sql/streams/*.sql >"$work/init.sql"
serve --init-sql "$work/init.sql"
dsn="postgres://laminar@127.0.0.1:$port/laminar"

terminal new-session -d -s keep "sleep 10000" # tmux ends with its last session
run 80 24 "bin/laminardb-tui --dsn $dsn"
check "it opens on the market" shows 'LaminarDB +● RUNNING' 'OHLC AAPL' '[┃╽╿│]' 'Order flow' 'Prices' 'Momentum' 'Top movers' 'Volume alerts' '^ AAPL [0-9.]+ [▲▼]'
check "Tab: the next symbol" page Tab 'OHLC AMZN' '^ AMZN [0-9.]+ [▲▼]'
check "2: candles" page 2 'O [0-9.]+ H [0-9.]+ L [0-9.]+ C [0-9.]+'
check "3: orders, slippage, matches" page 3 'Slippage' 'Newest matches' '(buy|sell) +[0-9]+ +[0-9.]+'
check "4: spread and sessions" page 4 '━━ AAPL 0\.' 'Session activity' 'AAPL +[0-9:]+ +[0-9.ms]+ .* open'
check "5: movers" page 5 'Change by second AMZN' 'MSFT +[0-9.]+ +[━╸]+'
check "6: sectors" page 6 'Technology +[0-9.]+' 'Symbols' 'NASDAQ'
check "d: the graph of all objects" page d '● market_ticks' '■ reference_data' '▶ order_tick_matches' '▲ symbol_stats' '▶ top_movers' '[0-9.]+k?/s ─▸'
check "9: the server" page 9 'market_ticks +0 +[0-9]+' 'ohlc_bars +[0-9.]+/s'
check "?: help" page '?' 'Keys ──' 'CHECKPOINT, with its result'
press Escape # the next key only when this one has done its work: together they would be Alt and the key
check "esc: no help" hides 'Keys ──'
check "8: all objects" page 8 '1[0-9] objects' 'order_tick_matches +stream +[0-9.]+k?/s'
check "c: a checkpoint and what comes of it" page c '✓ checkpoint [0-9]+: [0-9]+ bytes' 'checkpoint [0-9]+, [0-9]+m?[0-9]*s ago'
check "space: paused" page space '● PAUSED'
check "space: going on" page space '● RUNNING'
press 1
check "160x50" size 160x50 '╭─ PRICE ─' '╭─ Rolling spread' '╭─ Session activity' '╭─ Order-tick matches' '╭─ Sector analytics' 'VWAP'
check "60x16" size 60x16 'OHLC AMZN'
check "20x5" size 20x5 'is too small'
check "100x30" size 100x30 '9 System' 'OHLC AMZN'

kill -9 "$server"
check "the server is killed" shows 'RECONNECTING .*try [0-9]+' 'everything below is as it was'
serve
check "the server is back" shows '● RUNNING +up [0-9]+.*recovered from epoch [0-9]+' 'in [0-9.]+k?/s'
check "and so are the rows" page 3 'TSLA +(buy|sell) +[0-9]+'

sql -c "CREATE STREAM mine AS SELECT symbol, price * volume AS notional, ts FROM market_ticks WHERE volume > 100"
check "a stream of one's own appears" page 8 'mine +stream'
press End Enter
check "and is tailed and charted" shows '▶ mine stream' 'SUBSCRIBE: [0-9]+ rows' 'notional by symbol' '[⡇⢸⣿⠛⠒⠤⣀]' '^\+ [A-Z]+ +[0-9.]+'
check "v: the chart alone" page v 'notional by symbol' 'over event time ts'
press v v
check "v: its SQL" shows 'Definition' 'AS notional, ts FROM market_ticks'
press Escape
check "esc: the list" hides 'Definition'
press q
check "q: the end" shows 'exit=0'

run 80 24 "env NO_COLOR=1 bin/laminardb-tui --dsn $dsn"
check "NO_COLOR" shows '● RUNNING' 'OHLC AAPL' '[┃╽╿│]'
check "NO_COLOR: no colours" no_colors
run 80 24 "env TERM=dumb bin/laminardb-tui --dsn $dsn"
check "TERM=dumb" shows 'RUNNING' 'OHLC AAPL'
check "TERM=dumb: no colours" no_colors

sql -c "DROP SOURCE market_ticks CASCADE" -c "DROP SOURCE order_events CASCADE" -c "DROP TABLE reference_data CASCADE"
sql -c "CREATE TABLE accounts (id BIGINT PRIMARY KEY, owner VARCHAR, balance DOUBLE)" \
	-c "CREATE MATERIALIZED VIEW totals AS SELECT owner, sum(balance) AS total FROM accounts GROUP BY owner" \
	-c "INSERT INTO accounts VALUES (1, 'ann', 10), (2, 'bob', 20)"
run 100 30 "bin/laminardb-tui --dsn $dsn"
check "a database without the demo opens as such" shows '8 Database' 'accounts +table' 'totals +view'
press j Enter
check "a view with its rows" shows '▲ totals' 'ann +10' 'bob +20'
sql -c "UPDATE accounts SET balance = 15 WHERE id = 1"
check "and its changes" shows '^- +ann +10' '^\+ +ann +15'
press q
kill -9 "$server"

run 80 24 "bin/laminardb-tui --dsn 'postgres://x y'"
check "a wrong DSN" shows 'laminardb-tui: --dsn: cannot parse' 'exit=2'
run 80 24 "bin/laminardb-tui --nothing"
check "a wrong flag" shows 'not defined: -nothing' 'exit=2'

port=$((20000 + RANDOM % 10000))
demo="exec bin/laminardb demo --tps 200 --listen 127.0.0.1:$port --data-dir $work/demo"
terminal kill-session -t main 2>/dev/null || true
terminal set-option -g remain-on-exit on \; new-session -d -s main -x 100 -y 30 "$demo"
check "the demo opens the dashboard" shows '● RUNNING' 'OHLC AAPL' '[┃╽╿│]'
sql -c "CREATE STREAM mine AS SELECT symbol, price * volume AS notional, ts FROM market_ticks WHERE volume > 100"
check "psql's stream is in it" page 8 'mine +stream'
kill -9 "$(terminal display-message -p -t main '#{pane_pid}')"
check "kill -9" dead
terminal respawn-pane -k -t main "$demo"
check "the demo comes back" shows '● RUNNING' 'OHLC AAPL' '[┃╽╿│]'
check "with psql's stream" page 8 'mine +stream +[0-9.]+/s'
press q
check "and ends with a summary" shows 'summary .*dashboard closed'

echo "$passed passed, $failed failed"
((failed == 0))
