package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"sync"
	"syscall"
	"time"

	"laminardb/cmd/internal/marketdata"
	"laminardb/connectors/kafka"
)

// task is one measurement.
type task struct {
	Workload        string
	Kafka, Registry string
	Rows            int64
	ProfileDir      string // empty for no profile
}

// sample is the outcome of a task, from the first records to the last.
type sample struct {
	Seconds float64 `json:"seconds"`
	// CPUSeconds is of the whole process, librdkafka's threads and the garbage
	// collector included.
	CPUSeconds float64 `json:"cpu_seconds"`
	// Allocs and AllocBytes are those of the Go heap.
	Allocs     uint64 `json:"allocs"`
	AllocBytes uint64 `json:"alloc_bytes"`
	GCs        uint32 `json:"gcs"`
	RowsOut    int64  `json:"rows_out"`
	// StateBytes is the memory of the operators' state and of what the objects keep,
	// StateKeys the number of groups, rows that wait and sessions in it, at the end.
	StateBytes int64 `json:"state_bytes"`
	StateKeys  int64 `json:"state_keys"`
}

// stopwatch measures between start, which may be called often, and stop.
type stopwatch struct {
	once sync.Once
	at   time.Time
	cpu  time.Duration
	mem  runtime.MemStats
}

func (w *stopwatch) start() {
	w.once.Do(func() {
		runtime.ReadMemStats(&w.mem)
		w.cpu = cpuTime()
		w.at = time.Now()
	})
}

func (w *stopwatch) stop() sample {
	s := sample{Seconds: time.Since(w.at).Seconds(), CPUSeconds: (cpuTime() - w.cpu).Seconds()}
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	s.Allocs, s.AllocBytes = now.Mallocs-w.mem.Mallocs, now.TotalAlloc-w.mem.TotalAlloc
	s.GCs = now.NumGC - w.mem.NumGC
	return s
}

// cpuTime is what the process has used so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0 // it has no other failure than a bad argument
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measure takes the sample.
func (t *task) measure(ctx context.Context) (s sample, err error) {
	if t.ProfileDir != "" {
		end, err := startProfile(filepath.Join(t.ProfileDir, t.Workload))
		if err != nil {
			return s, err
		}
		defer func() { err = errors.Join(err, end()) }()
	}
	for _, w := range workloads() {
		switch {
		case w.name != t.Workload:
		case w.name == drain:
			return t.drain(ctx)
		default:
			return t.pipeline(ctx, w)
		}
	}
	return s, fmt.Errorf("unknown workload %q", t.Workload)
}

// drain measures the binding alone. Its first reading of the clock is at the
// first message.
func (t *task) drain(ctx context.Context) (sample, error) {
	var w stopwatch
	_, err := kafka.Drain(ctx, t.Kafka, marketdata.TicksTopic, t.Rows, func() time.Time { w.start(); return time.Now() })
	if err != nil {
		return sample{}, err
	}
	return w.stop(), nil
}

// startProfile begins a CPU profile, and at its end writes the allocations too.
func startProfile(prefix string) (end func() error, err error) {
	cpu, err := os.Create(prefix + ".cpu.pprof")
	if err != nil {
		return nil, err
	}
	runtime.MemProfileRate = 64 << 10
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return nil, errors.Join(err, cpu.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		allocs, err := os.Create(prefix + ".allocs.pprof")
		if err != nil {
			return errors.Join(err, cpu.Close())
		}
		err = pprof.Lookup("allocs").WriteTo(allocs, 0)
		return errors.Join(err, allocs.Close(), cpu.Close())
	}, nil
}
