#!/usr/bin/env bash
# Runs every fuzz target for FUZZTIME (10s), one after the other, and prints
# "N passed, N failed". What a target finds is kept in its testdata/fuzz: commit
# it, as a test case.
set -euo pipefail
cd "$(dirname "$0")/.."

log=$(mktemp)
passed=0 failed=0
while IFS=: read -r file target; do
	folder=$(dirname "$file")
	if go test "./$folder" -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-10s}" -parallel 2 >"$log" 2>&1; then
		passed=$((passed + 1))
		echo "ok    $folder $target: $(grep -o 'execs: [0-9]*' "$log" | tail -n 1)"
	elif grep -q 'context deadline exceeded' "$log" && ! grep -qE 'Failing input|panic|--- FAIL: .*/' "$log"; then
		# Go's fuzzer reports its own time limit as a failure now and then.
		passed=$((passed + 1))
		echo "ok    $folder $target: stopped by the time limit"
	else
		failed=$((failed + 1))
		cat "$log"
		echo "FAIL  $folder $target"
	fi
done < <(git ls-files -co --exclude-standard '*_test.go' | xargs grep -HoE '^func Fuzz[A-Za-z0-9_]*' | sed 's/func //')
rm -f "$log"
echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))
