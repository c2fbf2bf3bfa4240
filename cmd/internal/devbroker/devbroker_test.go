package devbroker

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
)

const (
	testTopic   = "ticks"
	firstSchema = `{"type":"record","name":"A","fields":[{"name":"x","type":"long"}]}`
	nextSchema  = `{"type":"record","name":"A","fields":[{"name":"x","type":"long"},{"name":"y","type":"long","default":0}]}`
	otherSchema = `{"type":"record","name":"B","fields":[{"name":"z","type":"string"}]}`
)

// childDirEnv makes the test binary a broker on that directory, to be killed.
const childDirEnv = "DEVBROKER_CHILD_DIR"

func TestMain(m *testing.M) {
	dir := os.Getenv(childDirEnv)
	if dir == "" {
		os.Exit(m.Run())
	}
	b, err := Start(context.Background(), Options{KafkaAddr: "127.0.0.1:0", RegistryAddr: "127.0.0.1:0", DataDir: dir})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(b.KafkaAddr(), b.RegistryURL())
	_, _ = io.Copy(io.Discard, os.Stdin) // until killed, or until the parent is gone
}

// client talks to both servers.
type client struct {
	t     *testing.T
	kafka *kgo.Client
	admin *kadm.Client
	reg   *sr.Client
}

func dial(t *testing.T, kafkaAddr, registryURL string) *client {
	t.Helper()
	kafka, err := kgo.NewClient(kgo.SeedBrokers(kafkaAddr), kgo.DefaultProduceTopic(testTopic),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kafka.Close)
	reg, err := sr.NewClient(sr.URLs(registryURL))
	if err != nil {
		t.Fatal(err)
	}
	return &client{t, kafka, kadm.NewClient(kafka), reg}
}

func start(t *testing.T, dir string) (*Broker, *client) {
	t.Helper()
	b, err := Start(t.Context(), Options{KafkaAddr: "127.0.0.1:0", RegistryAddr: "127.0.0.1:0", DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close(context.Background()) })
	return b, dial(t, b.KafkaAddr(), b.RegistryURL())
}

// spawn starts a broker in a child process. kill ends it with SIGKILL.
func spawn(t *testing.T, dir string) (c *client, kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDirEnv+"="+dir)
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	t.Cleanup(kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	addrs := strings.Fields(line)
	if err != nil || len(addrs) != 2 {
		t.Fatalf("child said %q: %v", line, err)
	}
	return dial(t, addrs[0], addrs[1]), kill
}

func (c *client) createTopic(partitions int32) {
	c.t.Helper()
	if _, err := c.admin.CreateTopic(c.t.Context(), partitions, -1, nil, testTopic); err != nil {
		c.t.Fatal(err)
	}
}

// produce writes values to their partitions and waits for the acknowledgement.
func (c *client) produce(partition int32, values ...string) {
	c.t.Helper()
	for _, v := range values {
		if err := c.kafka.ProduceSync(c.t.Context(), &kgo.Record{Partition: partition, Value: []byte(v)}).FirstErr(); err != nil {
			c.t.Fatal(err)
		}
	}
}

func (c *client) commit(group string, partition int32, offset int64) {
	c.t.Helper()
	var o kadm.Offsets
	o.AddOffset(testTopic, partition, offset, -1)
	if err := c.admin.CommitAllOffsets(c.t.Context(), group, o); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) register(subject, schema string) int {
	c.t.Helper()
	s, err := c.reg.CreateSchema(c.t.Context(), subject, sr.Schema{Schema: schema})
	if err != nil {
		c.t.Fatal(err)
	}
	return s.ID
}

// read returns "partition/offset value" of all committed records, sorted.
func (c *client) read(addr string) []string {
	c.t.Helper()
	ends, err := c.admin.ListCommittedOffsets(c.t.Context(), testTopic)
	if err != nil {
		c.t.Fatal(err)
	}
	consumer, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumeTopics(testTopic),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		c.t.Fatal(err)
	}
	defer consumer.Close()
	missing := map[int32]int64{} // partition to the last offset
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			missing[o.Partition] = o.Offset - 1
		}
	})
	var out []string
	for len(missing) > 0 {
		fetches := consumer.PollFetches(c.t.Context())
		if err := fetches.Err(); err != nil {
			c.t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				out = append(out, fmt.Sprintf("%d/%d %s", r.Partition, r.Offset, r.Value))
			}
			if last, ok := missing[r.Partition]; ok && r.Offset >= last {
				delete(missing, r.Partition)
			}
		})
	}
	slices.Sort(out)
	return out
}

// fill writes one of each kind of state, and returns the schema ids.
func (c *client) fill() []int {
	c.t.Helper()
	c.createTopic(2)
	c.produce(0, "a", "b", "c")
	c.produce(1, "d")
	c.commit("group", 0, 2)
	ids := []int{
		c.register("a-value", firstSchema), c.register("b-value", otherSchema),
		c.register("a-value", nextSchema), c.register("copy-value", firstSchema),
	}
	set := sr.SetCompatibility{Level: sr.CompatFull}
	if err := c.reg.SetCompatibility(c.t.Context(), set, "a-value")[0].Err; err != nil {
		c.t.Fatal(err)
	}
	return ids
}

// check expects what fill wrote and that writing goes on after it.
func (c *client) check(addr string, ids []int) {
	c.t.Helper()
	want := []string{"0/0 a", "0/1 b", "0/2 c", "1/0 d"}
	if got := c.read(addr); !slices.Equal(got, want) {
		c.t.Errorf("records are %v, want %v", got, want)
	}
	c.produce(0, "e")
	if got := c.read(addr); !slices.Equal(got, slices.Insert(slices.Clone(want), 3, "0/3 e")) {
		c.t.Errorf("after another record they are %v", got)
	}
	offsets, err := c.admin.FetchOffsets(c.t.Context(), "group")
	if err != nil {
		c.t.Fatal(err)
	}
	if o, _ := offsets.Lookup(testTopic, 0); o.At != 2 {
		c.t.Errorf("committed offset is %d, want 2", o.At)
	}
	again := []int{
		c.register("a-value", firstSchema), c.register("b-value", otherSchema),
		c.register("a-value", nextSchema), c.register("copy-value", firstSchema),
	}
	if !slices.Equal(again, ids) {
		c.t.Errorf("schema ids are %v, were %v", again, ids)
	}
	if got := c.reg.Compatibility(c.t.Context(), "a-value")[0].Level; got != sr.CompatFull {
		c.t.Errorf("compatibility is %v", got)
	}
	if fresh := c.register("new-value", strings.Replace(otherSchema, "B", "C", 1)); fresh <= slices.Max(ids) {
		c.t.Errorf("a new schema took the id %d; %v are taken", fresh, ids)
	}
}

func TestRestartKeepsEverything(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b, c := start(t, dir)
	ids := c.fill()
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	b, c = start(t, dir)
	c.check(b.KafkaAddr(), ids)
}

func TestKillKeepsWhatWasAcknowledged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c, kill := spawn(t, dir)
	ids := c.fill()
	kill()
	b, c := start(t, dir)
	c.check(b.KafkaAddr(), ids)
}

// A kill in the middle of a write leaves torn files, and one between the
// segment and its index a batch without an entry.
func TestTornFilesAreCut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c, kill := spawn(t, dir)
	ids := c.fill()
	kill()
	appendTo(t, dir+"/registry.jsonl", `{"method":"POST","uri":"/sub`)
	appendTo(t, dir+"/kafka/partitions/ticks-0/0.dat", "\x00\x00\x00\x00\x00\x00\x00\x03\x00\x00\x01\x00torn")
	appendTo(t, dir+"/kafka/partitions/ticks-1/0.idx", "\x01\x02")
	b, c := start(t, dir)
	c.check(b.KafkaAddr(), ids)
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	// What was written after the cut is whole.
	b, c = start(t, dir)
	if got := c.read(b.KafkaAddr()); len(got) != 5 {
		t.Errorf("after another restart the records are %v", got)
	}
	if again := c.register("a-value", firstSchema); again != ids[0] {
		t.Errorf("after another restart the schema id is %d, was %d", again, ids[0])
	}
}

// The records of a transaction that a kill left open must not be read, even if
// the index entry that would say so was lost.
func TestKilledTransactionStaysUnread(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c, kill := spawn(t, dir)
	c.createTopic(1)
	tx, err := kgo.NewClient(kgo.SeedBrokers(c.kafka.OptValue(kgo.SeedBrokers).([]string)...),
		kgo.DefaultProduceTopic(testTopic), kgo.TransactionalID("tx"))
	if err != nil {
		t.Fatal(err)
	}
	defer tx.CloseAllowingRebalance()
	for i, value := range []string{"committed", "open"} {
		if err := tx.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := tx.ProduceSync(t.Context(), &kgo.Record{Value: []byte(value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if err := tx.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
				t.Fatal(err)
			}
		}
	}
	kill()
	index := dir + "/kafka/partitions/ticks-0/0.idx"
	info, err := os.Stat(index)
	if err != nil || info.Size() != 3*indexEntrySize { // data, commit marker, data
		t.Fatalf("index: %v, %v", info, err)
	}
	if err := os.Truncate(index, 2*indexEntrySize+3); err != nil {
		t.Fatal(err)
	}
	b, c := start(t, dir)
	c.produce(0, "after")
	if got, want := c.read(b.KafkaAddr()), []string{"0/0 committed", "0/3 after"}; !slices.Equal(got, want) {
		t.Errorf("records are %v, want %v", got, want)
	}
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func TestRegisteringAgainDoesNotGrowTheJournal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, c := start(t, dir)
	c.register("a-value", firstSchema)
	before, err := os.ReadFile(dir + "/registry.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	c.register("a-value", firstSchema)
	after, err := os.ReadFile(dir + "/registry.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if len(before) == 0 || string(before) != string(after) {
		t.Errorf("journal was\n%sis\n%s", before, after)
	}
}

func TestBadJournalIsAnError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	line := `{"method":"POST","uri":"/subjects/a/versions","body":"{\"schema\":\"\\\"long\\\"\"}","status":200,"response":"{\"id\":7}\n"}`
	if err := os.WriteFile(dir+"/registry.jsonl", []byte(line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), Options{KafkaAddr: "127.0.0.1:0", RegistryAddr: "127.0.0.1:0", DataDir: dir})
	if err == nil || !strings.Contains(err.Error(), "registry.jsonl line 1") {
		t.Errorf("error is %v", err)
	}
}

func TestDataDirHasOneOwner(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start(t, dir)
	_, err := Start(t.Context(), Options{KafkaAddr: "127.0.0.1:0", RegistryAddr: "127.0.0.1:0", DataDir: dir})
	if err == nil || !strings.Contains(err.Error(), "another development broker") {
		t.Errorf("error is %v", err)
	}
}

func TestTakenAddressIsAnError(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	taken := ln.Addr().String()
	for _, opts := range []Options{
		{KafkaAddr: taken, RegistryAddr: "127.0.0.1:0", DataDir: t.TempDir()},
		{KafkaAddr: "127.0.0.1:0", RegistryAddr: taken, DataDir: t.TempDir()},
	} {
		_, err := Start(t.Context(), opts)
		if err == nil || !strings.Contains(err.Error(), taken) {
			t.Errorf("error is %v", err)
		}
	}
}

func TestMemoryOnlyForgets(t *testing.T) {
	t.Parallel()
	b, c := start(t, "")
	c.createTopic(1)
	c.register("a-value", firstSchema)
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, c = start(t, "")
	topics, err := c.admin.ListTopics(t.Context())
	if err != nil || len(topics) != 0 {
		t.Errorf("topics are %v: %v", topics.Names(), err)
	}
}
