package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"sync/atomic"
	"syscall"
	"time"
)

// startWait bounds how long a child may take to say that it is ready.
const startWait = 60 * time.Second

// stopWait bounds how long a child may take to end after SIGTERM.
const stopWait = 40 * time.Second

// process is a child whose standard output says when it is ready. Its log goes to a
// file that later children append to.
type process struct {
	cmd *exec.Cmd
	// ready is closed when the line has come, with its groups in found.
	ready  chan struct{}
	found  []string
	exited chan struct{}
	asked  atomic.Bool // that it ends, by us
}

// launch starts a child with additions to the environment.
func launch(binary, log string, ready *regexp.Regexp, env []string, args ...string) (*process, error) {
	file, err := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	p := &process{cmd: exec.Command(binary, args...), ready: make(chan struct{}), exited: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stderr = file
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			if m := ready.FindStringSubmatch(lines.Text()); m != nil && p.found == nil {
				p.found = m
				close(p.ready)
			}
		}
		_ = p.cmd.Wait() // how it ended is in its log
		close(p.exited)
	}()
	return p, nil
}

// await returns when the child is ready.
func (p *process) await(ctx context.Context) error {
	timer := time.NewTimer(startWait)
	defer timer.Stop()
	select {
	case <-p.ready:
		return nil
	case <-p.exited:
		return fmt.Errorf("%s ended before it was ready: %v", p.cmd.Args[1], p.cmd.ProcessState)
	case <-timer.C:
		return fmt.Errorf("%s was not ready within %v", p.cmd.Args[1], startWait)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// kill is kill -9.
func (p *process) kill() {
	if p == nil {
		return
	}
	p.asked.Store(true)
	_ = p.cmd.Process.Signal(syscall.SIGKILL) // it may have ended
	<-p.exited
}

// stop asks the child to end, and says so if it does not, or not well.
func (p *process) stop() error {
	p.asked.Store(true)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stopping %s: %w", p.cmd.Args[1], err)
	}
	timer := time.NewTimer(stopWait)
	defer timer.Stop()
	select {
	case <-p.exited:
	case <-timer.C:
		p.kill()
		return fmt.Errorf("%s did not end within %v", p.cmd.Args[1], stopWait)
	}
	if !p.cmd.ProcessState.Success() {
		return fmt.Errorf("%s: %v", p.cmd.Args[1], p.cmd.ProcessState)
	}
	return nil
}

// freeze stops the child where it is; thaw lets it go on.
func (p *process) freeze() error { return p.cmd.Process.Signal(syscall.SIGSTOP) }

func (p *process) thaw() error { return p.cmd.Process.Signal(syscall.SIGCONT) }

func (p *process) hasExited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// sleep waits, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
