package devbroker

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lockDir takes a directory for this process. The operating system gives it
// back when the file is closed, also by a kill.
func lockDir(dir string) (*os.File, error) {
	path := filepath.Join(dir, "LOCK")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the broker's lock file: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("another development broker uses %s: %w", dir, err)
	}
	return f, nil
}
