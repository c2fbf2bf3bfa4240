#!/usr/bin/env bash
# Runs the tests that ask PostgreSQL itself: those that need LAMINAR_PG_DSN. It
# makes a PostgreSQL 15 of its own on a free loopback port (with Debian's
# pg_virtualenv, as root or not) and removes it afterwards, unless the variable
# names a server. Prints "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ -z ${LAMINAR_PG_DSN:-} ]]; then
	command -v pg_virtualenv >/dev/null || { echo "postgres: pg_virtualenv is not installed (postgresql-common)"; exit 1; }
	exec pg_virtualenv -v 15 -i '--locale=C --encoding=UTF8' env LAMINAR_PG_DSN=dbname=postgres "scripts/postgres.sh"
fi
mapfile -t packages < <(git ls-files -co --exclude-standard '*_test.go' | xargs grep -l LAMINAR_PG_DSN | xargs -n 1 dirname | sort -u | sed 's|^|./|')
go test -count 1 -v -run PostgreSQL "${packages[@]}" | awk -f scripts/count.awk
