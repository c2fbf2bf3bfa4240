# Sourced by kafka.sh and registry.sh: a Java server whose files are in $dir and
# whose program, from Maven Central, is in $cache.
# shellcheck shell=bash disable=SC2154

# fetch calls download where $cache is not complete; two at once do not disturb
# each other.
fetch() {
	local tool
	for tool in java mvn; do
		command -v "$tool" >/dev/null || { echo "$0: $tool is not installed (default-jre-headless, maven)" >&2; exit 1; }
	done
	if [[ -e $cache/complete ]]; then return; fi
	mkdir -p "$cache"
	exec 8>"$cache/lock"
	flock 8
	if ! [[ -e $cache/complete ]]; then
		download >&2
		touch "$cache/complete"
	fi
	exec 8>&-
}

# free_port prints a loopback port that nobody listens on, below the range from
# which the kernel takes ports for outgoing connections.
free_port() {
	local port
	for _ in $(seq 100); do
		port=$((20000 + RANDOM % 12000))
		answers "$port" || { echo "$port"; return; }
	done
	return 1
}

answers() { (exec 9<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
running() { [[ -e $dir/pid ]] && kill -0 "$(cat "$dir/pid")" 2>/dev/null; }

# launch COMMAND...: as a daemon; the log is $dir/log.
launch() {
	setsid "$@" >"$dir/log" 2>&1 </dev/null 8>&- 9>&- &
	echo $! >"$dir/pid"
	disown
}

# until_ready FUNCTION waits for it to succeed while the server runs.
until_ready() {
	for _ in $(seq 900); do
		"$1" && return
		running || break
		sleep 0.1
	done
	echo "$0: the server did not start:" >&2
	tail -n 30 "$dir/log" >&2
	return 1
}

# halt SIGNAL ends the server and waits for it.
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

# main COMMAND DIR, with the functions start and address of who sources this.
main() {
	local command=${1:-}
	dir=${2:-}
	case $command in
	version) echo "$version" && return ;;
	start | stop | kill | status) ;;
	*) dir='' ;;
	esac
	if [[ -z $dir ]]; then
		sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
		return 2
	fi
	mkdir -p "$dir"
	dir=$(cd "$dir" && pwd)
	case $command in
	start)
		if ! running; then start; fi
		address
		;;
	stop) halt TERM ;;
	kill) halt KILL ;;
	status) running && address ;;
	esac
}
