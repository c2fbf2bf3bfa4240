#!/usr/bin/env bash
# Talks to a server of its own with the drivers that people use: pgjdbc, psycopg 3
# and 2, SQLAlchemy, asyncpg, node-postgres; and asks what Grafana and DBeaver ask
# of the catalog. Drivers are installed under bin/drivers. What has no interpreter
# here is skipped. Each program prints "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")/.."

home=$PWD/bin/drivers
mkdir -p "$home"
go build -o bin/ ./cmd/laminardb
work=$(mktemp -d)
finish() {
	kill -9 "$server" 2>/dev/null || true
	rm -rf "$work"
}
bin/laminardb serve --listen 127.0.0.1:0 --http-listen '' --data-dir "$work/data" --log-level warn >"$work/serve" 2>"$work/log" &
server=$!
disown
trap finish EXIT
for _ in $(seq 300); do
	if grep -q '^ready' "$work/serve"; then break; fi
	sleep 0.1
done
export LAMINAR_HOST=127.0.0.1 LAMINAR_PORT
LAMINAR_PORT=$(sed -n 's/^ready.* -p \([0-9]*\) .*/\1/p' "$work/serve")
[[ -n $LAMINAR_PORT ]] || { cat "$work/log"; exit 1; }

failures=0 skipped=0
run() { timeout 180 "$@" </dev/null || failures=$((failures + 1)); }
has() { # COMMAND...
	for command in "$@"; do
		if ! command -v "$command" >/dev/null; then
			echo "skip  $command is not installed"
			skipped=$((skipped + 1))
			return 1
		fi
	done
}

catalog_queries() {
	local passed=0 failed=0
	sql() { timeout 60 psql -X -q -v ON_ERROR_STOP=1 -h "$LAMINAR_HOST" -p "$LAMINAR_PORT" -U laminar laminar "$@"; }
	sql -c "CREATE TABLE t (id INT PRIMARY KEY, name TEXT)" -c "CREATE MATERIALIZED VIEW t_names AS SELECT name, count(*) AS n FROM t GROUP BY name" 2>/dev/null
	for file in scripts/drivers/catalog/*.sql; do
		if sql -f "$file" >"$work/out" 2>&1; then
			passed=$((passed + 1))
			echo "ok    $file"
		else
			failed=$((failed + 1))
			tail -n 5 "$work/out"
			echo "FAIL  $file"
		fi
	done
	echo "$passed passed, $failed failed"
	((failed == 0))
}

if has psql; then catalog_queries || failures=$((failures + 1)); fi
if has python3; then
	[[ -x $home/python/bin/python ]] || python3 -m venv "$home/python"
	"$home/python/bin/pip" install -q --disable-pip-version-check -r scripts/drivers/python/requirements.txt
	for program in scripts/drivers/python/with_*.py; do run "$home/python/bin/python" -B "$program"; done
fi
if has node npm; then
	mkdir -p "$home/node"
	cp scripts/drivers/node/* "$home/node/"
	(cd "$home/node" && npm ci --silent --no-audit --no-fund)
	run node "$home/node/drivers.mjs"
fi
if has javac mvn; then
	mvn -q -B -f scripts/drivers/java/pom.xml dependency:copy-dependencies -DoutputDirectory="$home/java/lib"
	javac -d "$home/java" -cp "$home/java/lib/*" scripts/drivers/java/Drivers.java
	run java -cp "$home/java:$home/java/lib/*" Drivers
fi
if ((skipped > 0)); then echo "0 passed, 0 failed, $skipped skipped"; fi
((failures == 0))
