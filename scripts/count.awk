# Reads `go test -v` and prints one line for each package, the whole output of
# those that failed, and at last "N passed, N failed, N skipped": tests and
# subtests together. A package that fails without a failing test (it does not
# build, it panics) counts as one. Exits 1 unless all passed.
/^=== (RUN|PAUSE|CONT|NAME)/ { next }
/^ *--- PASS/ { passed++; next }
/^ *--- SKIP/ { skipped++; print; next }
/^ *--- FAIL/ { failed++; failedHere++ }
/^(ok  |\?   )/ || /^\t.*no test files|coverage: 0/ { print; held = ""; failedHere = 0; fflush(); next }
/^FAIL\t/ {
	if (!failedHere) failed++
	printf "%s%s\n", held, $0
	held = ""; failedHere = 0; fflush()
	next
}
{ held = held $0 "\n" }
END {
	printf "%s", held
	printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
	exit failed > 0 || passed == 0
}
