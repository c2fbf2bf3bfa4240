#!/usr/bin/env bash
# Everything that is checked without running the product: format, vet,
# staticcheck, the rules of STYLE.md and docs/ARCHITECTURE.md, the module file,
# and known vulnerabilities where their database can be reached.
# Prints "N passed, N failed[, N skipped]".
set -euo pipefail
cd "$(dirname "$0")/.."

passed=0 failed=0 skipped=0
report() { # NAME STATUS
	if (($2 == 0)); then
		passed=$((passed + 1))
		echo "ok    $1"
	else
		failed=$((failed + 1))
		echo "FAIL  $1"
	fi
}
run() { # NAME COMMAND...
	local name=$1 status=0
	shift
	"$@" || status=$?
	report "$name" "$status"
}
formatted() {
	local list
	list=$(git ls-files -co --exclude-standard '*.go' | while read -r f; do if [[ -f $f ]]; then echo "$f"; fi; done | xargs go tool gofumpt -l)
	[[ -z $list ]] || { echo "run 'go tool gofumpt -w' on: $list"; return 1; }
}
# The packages of the repository; ignored folders are none of its business.
mapfile -t packages < <(git ls-files -co --exclude-standard '*.go' | xargs -n 1 dirname | sort -u | grep -v testdata | sed 's|^|./|')

run gofumpt formatted
run vet go vet "${packages[@]}"
run staticcheck go tool staticcheck "${packages[@]}"
run rules go test .

# Tidying needs modules that a build does not, so it may want the network.
status=0
difference=$(go mod tidy -diff 2>/dev/null) || status=$?
if ((status != 0)) && [[ -z $difference ]]; then
	skipped=$((skipped + 1))
	echo "skip  go mod tidy: the module proxy cannot be reached"
else
	echo "$difference" | head -n 20
	report "go mod tidy" "$status"
fi

status=0
found=$(timeout 120 go tool govulncheck "${packages[@]}" 2>&1) || status=$?
if ((status == 0 || status == 3)); then # 3: it found some
	((status == 0)) || echo "$found"
	report govulncheck "$status"
else
	skipped=$((skipped + 1))
	echo "skip  govulncheck: the vulnerability database cannot be reached"
fi

echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
