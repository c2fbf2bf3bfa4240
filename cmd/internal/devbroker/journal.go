package devbroker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// change is one request that may change the registry, with its answer.
type change struct {
	Method   string `json:"method"`
	URI      string `json:"uri"`
	Body     string `json:"body"`
	Status   int    `json:"status"`
	Response string `json:"response"`
}

// journal is a file of changes, one JSON object a line. A line is whole when it
// ends in a newline; the last one may be torn by a kill, and was then never
// acknowledged.
type journal struct{ file *os.File }

// openJournal gives each change of the file to apply and then appends to it. A
// torn last line is cut; a bad line before it is an error.
func openJournal(path string, apply func(change) error) (*journal, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the registry's journal: %w", err)
	}
	if err := replayFile(file, path, apply); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &journal{file}, nil
}

// replayFile gives the changes of a journal to apply and cuts a torn last line.
func replayFile(file *os.File, path string, apply func(change) error) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading the registry's journal: %w", err)
	}
	whole := bytes.LastIndexByte(text, '\n') + 1
	number := 0
	for line := range bytes.Lines(text[:whole]) {
		number++
		var c change
		if err := json.Unmarshal(line, &c); err != nil {
			return fmt.Errorf("%s line %d: %w", path, number, err)
		}
		if err := apply(c); err != nil {
			return fmt.Errorf("%s line %d: %w", path, number, err)
		}
	}
	if whole == len(text) {
		return nil
	}
	if err := file.Truncate(int64(whole)); err != nil {
		return fmt.Errorf("cutting a torn line of the registry's journal: %w", err)
	}
	return nil
}

// append writes a change and returns when it is on disk. Registering a schema
// is rare, so a sync each is no cost.
func (j *journal) append(c change) error {
	line, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("encoding a change of the registry: %w", err)
	}
	if _, err := j.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("writing the registry's journal: %w", err)
	}
	if err := j.file.Sync(); err != nil {
		return fmt.Errorf("syncing the registry's journal: %w", err)
	}
	return nil
}

// close closes the file; a nil journal has none.
func (j *journal) close() error {
	if j == nil || j.file == nil {
		return nil
	}
	file := j.file
	j.file = nil
	return file.Close()
}
