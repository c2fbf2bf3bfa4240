#!/usr/bin/env bash
# Draws the pictures of the README from the running demo: what a terminal of tmux
# shows, as SVG, into docs/img.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v tmux >/dev/null || { echo "frames: tmux is not installed"; exit 1; }
go build -o bin/ ./cmd/laminardb ./cmd/internal/framesvg
work=$(mktemp -d)
export LC_ALL=C.UTF-8
terminal() { tmux -L "frames-$$" -f /dev/null "$@"; }
trap 'terminal kill-server 2>/dev/null || true; rm -rf "$work" bin/framesvg' EXIT

press() {
	for key in "$@"; do
		terminal send-keys -t main "$key"
		sleep 1
	done
	sleep "${settle:-5}"
}
# draw FILE WIDTHxHEIGHT TITLE KEY...: the screen after the keys.
draw() {
	terminal resize-window -t main -x "${2%x*}" -y "${2#*x}"
	press "${@:4}"
	terminal capture-pane -p -e -N -t main | bin/framesvg -title "$3" >"docs/img/$1.svg"
	echo "docs/img/$1.svg"
}

mkdir -p docs/img
# Outside tmux's own idea of itself, which would be 256 colours.
terminal new-session -d -s main -x 160 -y 50 env -u TMUX -u NO_COLOR TERM=xterm-256color COLORTERM=truecolor \
	bin/laminardb demo --listen 127.0.0.1:$((20000 + RANDOM % 10000)) --data-dir "$work"
until terminal capture-pane -p -t main | grep -q 'OHLC AAPL'; do sleep 1; done
terminal send-keys -t main c  # a checkpoint for the header
sleep "${FILL:-150}" # until the charts are full
draw market 160x50 "The dashboard's first page: candles, prices, spread, orders, alerts, sessions, matches" 1
draw graph 160x50 "The graph of all objects with the rows a second on its edges" d
draw object 120x36 "An object of the database, tailed and charted" 8 Down Down Down Enter n
draw small 80x24 "The dashboard in 80 by 24 characters" Escape 1
press q
