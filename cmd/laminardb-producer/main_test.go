package main

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"laminardb/cmd/internal/compose"
	"laminardb/cmd/internal/devbroker"
	"laminardb/cmd/internal/marketdata"
)

// mainEnv makes the test binary the command itself.
const mainEnv = "LAMINARDB_PRODUCER_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(mainEnv) != "" {
		main()
	}
	os.Exit(m.Run())
}

func startBroker(t *testing.T) *devbroker.Broker {
	t.Helper()
	b, err := devbroker.Start(t.Context(), devbroker.Options{KafkaAddr: "127.0.0.1:0", RegistryAddr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close(context.Background()) })
	return b
}

// ticksOf reads the topic of ticks.
func ticksOf(t *testing.T, b *devbroker.Broker) []marketdata.RecordedTick {
	t.Helper()
	ticks, err := marketdata.ReadTicks(t.Context(), []string{b.KafkaAddr()}, b.RegistryURL(), marketdata.TicksTopic)
	if err != nil {
		t.Fatal(err)
	}
	return ticks
}

func TestCountedRunAsFastAsPossible(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	var stdout, stderr bytes.Buffer
	args := []string{"--brokers", b.KafkaAddr(), "--registry", b.RegistryURL(), "--tps", "0", "--count", "20000", "--seed", "3"}
	if code := run(t.Context(), args, &stdout, &stderr); code != exitOK {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	if !strings.Contains(stdout.String(), "produced 20000 ticks, ") {
		t.Errorf("output is %q", stdout.String())
	}
	if n := len(ticksOf(t, b)); n != 20000 {
		t.Errorf("the topic has %d ticks", n)
	}
}

func TestDurationEndsTheRun(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	var stdout, stderr bytes.Buffer
	args := []string{"--brokers", b.KafkaAddr(), "--registry", b.RegistryURL(), "--tps", "1000", "--duration", "200ms"}
	if code := run(t.Context(), args, &stdout, &stderr); code != exitOK {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	if n := len(ticksOf(t, b)); n != 200 {
		t.Errorf("the topic has %d ticks of 200 ms at 1000 a second", n)
	}
}

// A signal ends the process cleanly: what it says it produced is in the topic.
func TestSignalsEndItCleanly(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		b := startBroker(t)
		cmd := exec.Command(os.Args[0], "--brokers", b.KafkaAddr(), "--registry", b.RegistryURL(), "--tps", "5000")
		cmd.Env = append(os.Environ(), mainEnv+"=1")
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill() })
		lines := bufio.NewScanner(out)
		lines.Scan() // "producing to": the topics are there
		for len(ticksOf(t, b)) == 0 {
			continue // each look asks the broker
		}
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		lines.Scan()
		said := regexp.MustCompile(`^produced (\d+) ticks`).FindStringSubmatch(lines.Text())
		if err := cmd.Wait(); err != nil || said == nil {
			t.Fatalf("%v: %v, said %q", sig, err, lines.Text())
		}
		if n := len(ticksOf(t, b)); strconv.Itoa(n) != said[1] {
			t.Errorf("%v: said %s ticks, the topic has %d", sig, said[1], n)
		}
	}
}

func TestUnreachableServersExitWithOneLine(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	for _, c := range []struct{ brokers, registry, want string }{
		{"127.0.0.1:1", b.RegistryURL(), "no Kafka broker answers at 127.0.0.1:1"},
		{b.KafkaAddr(), "http://127.0.0.1:1", "schema registry http://127.0.0.1:1"},
		{silent(t), b.RegistryURL(), "no Kafka broker answers"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), []string{"--brokers", c.brokers, "--registry", c.registry}, &stdout, &stderr)
		if code != exitFailed || !strings.Contains(stderr.String(), c.want) || strings.Count(stderr.String(), "\n") != 1 {
			t.Errorf("exit code %d, said %q, want %q", code, stderr.String(), c.want)
		}
	}
}

// silent is the address of a server that accepts connections and hangs up.
func silent(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	return ln.Addr().String()
}

func TestWrongFlags(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--tps", "-1"},
		{"--tps", "many"},
		{"--count", "-1"},
		{"--duration", "-1s"},
		{"--brokers", " , "},
		{"--registry", ""},
		{"--unknown"},
		{"argument"},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), args, &stdout, &stderr); code != exitUsage || stderr.Len() == 0 {
			t.Errorf("%v: exit code %d, said %q", args, code, stderr.String())
		}
	}
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"--help"}, &stdout, &stderr); code != exitOK || !strings.Contains(stderr.String(), "-tps") {
		t.Errorf("--help: exit code %d, said %q", code, stderr.String())
	}
}

// TestStackFlags runs the flags of the compose file through the real flag set.
func TestStackFlags(t *testing.T) {
	f, err := compose.Load("../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for name, s := range f.Services {
		if !slices.Equal(s.Entrypoint, []string{"laminardb-producer"}) {
			continue
		}
		checked++
		opts, err := parseFlags(s.Command, os.Stderr)
		if err != nil || !slices.Equal(opts.Brokers, []string{"redpanda:9092"}) || opts.RegistryURL != "http://redpanda:8081" {
			t.Errorf("%s: %+v, %v", name, opts, err)
		}
	}
	if checked != 2 {
		t.Errorf("%d services produce", checked)
	}
}
