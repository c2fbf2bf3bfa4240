package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// writeResults prints results as psql does without alignment, NULL by name. It
// returns what ended them.
func writeResults(w *strings.Builder, results *pgconn.MultiResultReader, tags bool) error {
	for results.NextResult() {
		rows := results.ResultReader()
		fields := slices.Clone(rows.FieldDescriptions())
		if len(fields) > 0 {
			fmt.Fprintln(w, header(fields))
		}
		for rows.NextRow() {
			fmt.Fprintln(w, rowText(fields, rows.Values()))
		}
		if tag, err := rows.Close(); err == nil && tags {
			fmt.Fprintln(w, tag)
		}
	}
	return results.Close()
}

func header(fields []pgconn.FieldDescription) string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	return strings.Join(names, " | ")
}

// rowText masks what differs from run to run: the time of a change. A progress
// row's is the watermark and stays.
func rowText(fields []pgconn.FieldDescription, row [][]byte) string {
	cells := make([]string, len(row))
	progress := len(fields) > 1 && fields[1].Name == "laminar_progressed" && string(row[1]) == "t"
	for i, cell := range row {
		switch {
		case cell == nil:
			cells[i] = "NULL"
		case fields[i].Name == "laminar_timestamp" && !progress:
			cells[i] = "<time>"
		default:
			cells[i] = string(cell)
		}
	}
	return strings.TrimRight(strings.Join(cells, " | "), " ")
}

// writeFailure prints an error with the line that it points at.
func writeFailure(w *strings.Builder, sql string, err error) {
	if err == nil {
		return
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		fmt.Fprintf(w, "%v\n", err)
		return
	}
	writeError(w, sql, pg)
}

func writeError(w *strings.Builder, sql string, e *pgconn.PgError) {
	fmt.Fprintf(w, "%s: %s: %s\n", e.Severity, e.Code, e.Message)
	if e.Position > 0 {
		caret(w, []rune(sql), int(e.Position)-1)
	}
	if e.Detail != "" {
		fmt.Fprintf(w, "DETAIL: %s\n", e.Detail)
	}
	if e.Hint != "" {
		fmt.Fprintf(w, "HINT: %s\n", e.Hint)
	}
}

// caret prints the line of a character and a caret under it, as psql does.
func caret(w *strings.Builder, sql []rune, at int) {
	if at > len(sql) {
		fmt.Fprintf(w, "POSITION %d IS BEHIND THE TEXT\n", at+1)
		return
	}
	start := at
	for start > 0 && sql[start-1] != '\n' {
		start--
	}
	end := at
	for end < len(sql) && sql[end] != '\n' {
		end++
	}
	line := 1 + strings.Count(string(sql[:start]), "\n")
	prefix := fmt.Sprintf("LINE %d: ", line)
	fmt.Fprintf(w, "%s%s\n", prefix, string(sql[start:end]))
	fmt.Fprintf(w, "%s^\n", strings.Repeat(" ", len(prefix)+at-start))
}
