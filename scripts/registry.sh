#!/usr/bin/env bash
# Runs an Apicurio Registry (in memory, loopback only) for tests of the Confluent
# schema registry API that it speaks. It comes from Maven Central into the user's
# cache directory (170 MB). It needs Java 17 and mvn.
#
#   registry.sh start DIR     prints the URL when the registry answers
#   registry.sh stop DIR      ends it, as SIGTERM does; registry.sh kill DIR: as SIGKILL
#   registry.sh status DIR    prints the URL, or fails
#   registry.sh version
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/server.sh
source "$here/server.sh"
version=3.0.9 # the newest that runs on Java 17
cache=${XDG_CACHE_HOME:-$HOME/.cache}/laminardb/registry-$version

download() {
	local what=io.apicurio:apicurio-registry-app:$version:tar.gz:all
	mvn -q -B dependency:get -Dartifact="$what" -Dtransitive=false
	mvn -q -B dependency:copy -Dartifact="$what" -DoutputDirectory="$cache"
	tar xzf "$cache"/*.tar.gz -C "$cache"
	rm "$cache"/*.tar.gz
}

address() { echo "http://127.0.0.1:$(cat "$dir/port")/apis/ccompat/v7"; }

ready() { answers "$(cat "$dir/port")"; } # it listens when it has started

start() {
	fetch
	[[ -e $dir/port ]] || free_port >"$dir/port"
	launch java -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
		-Dquarkus.http.host=127.0.0.1 "-Dquarkus.http.port=$(cat "$dir/port")" \
		-jar "$(ls "$cache"/*-runner.jar)"
	until_ready ready
}

main "$@"
