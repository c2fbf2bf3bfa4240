package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"time"

	"laminardb/cmd/internal/devbroker"
)

// childCommand is the first argument of a process that this command starts: it
// is followed by a job and, in JSON, what the job is to do.
const childCommand = "child"

// runChild does a job and writes its answer as a line of JSON.
func runChild(ctx context.Context, args []string, out io.Writer) error {
	if len(args) != 2 {
		return errors.New("a child takes a job and its task")
	}
	switch args[0] {
	case "broker":
		return serveBroker(ctx, out)
	case "measure":
		var t task
		if err := json.Unmarshal([]byte(args[1]), &t); err != nil {
			return err
		}
		s, err := t.measure(ctx)
		if err != nil {
			return err
		}
		return json.NewEncoder(out).Encode(s)
	}
	return runPart(ctx, args[0], args[1], out)
}

// runPart takes one measurement of a part.
func runPart(ctx context.Context, job, arg string, out io.Writer) error {
	var t partTask
	measure := map[string]func(context.Context) (any, error){
		"fill-state": t.fillState, "recover": t.recover, "churn": t.churn, "lateness": t.lateness, "deliver": t.deliver,
	}[job]
	if measure == nil {
		return fmt.Errorf("unknown job %q", job)
	}
	if err := json.Unmarshal([]byte(arg), &t); err != nil {
		return err
	}
	answer, err := t.profiled(func() (any, error) { return measure(ctx) })
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(answer)
}

// child starts a job in a process of its own.
func child(ctx context.Context, job string, what any) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	arg, err := json.Marshal(what)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, childCommand, job, string(arg))
	cmd.Stderr = os.Stderr
	return cmd, nil
}

// inChild runs a job to its end.
func inChild[T any](ctx context.Context, job string, what any) (answer T, err error) {
	cmd, err := child(ctx, job, what)
	if err != nil {
		return answer, err
	}
	text, err := cmd.Output()
	if err != nil {
		return answer, err
	}
	return answer, json.Unmarshal(text, &answer)
}

// addresses are where the broker's process listens.
type addresses struct{ Kafka, Registry string }

// broker is a development broker in a process of its own.
type broker struct {
	kafka, registry string
	cmd             *exec.Cmd
	life            io.Closer // its standard input: it ends with it
}

func startBroker(ctx context.Context) (*broker, error) {
	cmd, err := child(ctx, "broker", nil)
	if err != nil {
		return nil, err
	}
	life, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	answer, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the broker's process: %w", err)
	}
	b := &broker{cmd: cmd, life: life}
	line, err := bufio.NewReader(answer).ReadBytes('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting the broker: %w", err), b.close())
	}
	var at addresses
	if err := json.Unmarshal(line, &at); err != nil {
		return nil, errors.Join(err, b.close())
	}
	b.kafka, b.registry = at.Kafka, at.Registry
	return b, nil
}

func (b *broker) close() error {
	return errors.Join(b.life.Close(), b.cmd.Wait())
}

// serveBroker runs a broker in memory until standard input ends, which it does
// with the parent, however that ends.
func serveBroker(ctx context.Context, out io.Writer) error {
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	b, err := devbroker.Start(ctx, devbroker.Options{KafkaAddr: "127.0.0.1:0", RegistryAddr: "127.0.0.1:0", Logger: logger})
	if err != nil {
		return err
	}
	err = json.NewEncoder(out).Encode(addresses{b.KafkaAddr(), b.RegistryURL()})
	if err == nil {
		_, err = io.Copy(io.Discard, os.Stdin)
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return errors.Join(err, b.Close(closing))
}
