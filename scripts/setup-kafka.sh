#!/bin/sh
# Creates the topics of the market-data example on the Redpanda of
# docker-compose.yml. laminardb-producer creates them too: this is for those
# who want them before it runs. Needs rpk 24.2 or newer (--if-not-exists).
#
# RPK is the command to use instead, such as "rpk -X brokers=localhost:9092".
set -eu

RPK=${RPK:-docker compose exec -T redpanda rpk}

# create CLEANUP_POLICY PARTITIONS TOPIC...
create() {
	policy=$1
	partitions=$2
	shift 2
	# shellcheck disable=SC2086 # RPK is a command with its arguments
	$RPK topic create --if-not-exists -c "cleanup.policy=$policy" -p "$partitions" "$@"
}

create delete 5 market-ticks order-events ohlc-bars enriched-orders
create delete 1 volume-alerts sector-analytics
create compact 1 reference-data
