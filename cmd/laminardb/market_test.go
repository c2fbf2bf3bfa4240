package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"laminardb/cmd/internal/marketdata"
	example "laminardb/examples/market-data"
)

// watermarkBoundMillis is the disorder that market_ticks allows.
const watermarkBoundMillis = 5000

// The example's objects with the columns that are compared. window_start is
// hidden, and windows are ordered by it.
const (
	barsQuery   = "SELECT symbol, window_start, open, high, low, close, trade_count, total_volume, vwap FROM %s ORDER BY window_start, symbol"
	alertsQuery = "SELECT symbol, window_start, total_volume, trade_count, buy_volume, sell_volume FROM %s ORDER BY window_start, symbol"
	statsQuery  = "SELECT symbol, window_start, price_range, volatility, trade_count FROM %s ORDER BY window_start, symbol"
)

// topic reads and checks against one market-ticks topic.
type topic struct {
	brokers  []string
	registry string
	conn     *pgx.Conn
}

func connectTest(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := connect(t.Context(), dsn)
	if err != nil {
		t.Fatalf("connecting: %v", err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) }) // the server may be gone
	return conn
}

func (tp *topic) ticks(t *testing.T) []marketdata.RecordedTick {
	t.Helper()
	ticks, err := marketdata.ReadTicks(t.Context(), tp.brokers, tp.registry, marketdata.TicksTopic)
	if err != nil {
		t.Fatalf("reading the topic: %v", err)
	}
	return ticks
}

func queryRows[T any](t *testing.T, conn *pgx.Conn, sql string) []T {
	t.Helper()
	rows, err := conn.Query(t.Context(), sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[T])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return out
}

// bar and stats have their fields in the order of the queries above.
type bar struct {
	Symbol                  string
	WindowStart             int64
	Open, High, Low, Close  float64
	TradeCount, TotalVolume int64
	VWAP                    float64
}

// closed keeps the rows whose window has ended at the watermark.
func closed[T any](rows []T, start func(T) int64, sizeMillis, watermark int64) []T {
	return slices.DeleteFunc(slices.Clone(rows), func(r T) bool { return start(r)+sizeMillis > watermark })
}

func lastStart[T any](rows []T, start func(T) int64) int64 {
	last := int64(math.MinInt64)
	for _, r := range rows {
		last = max(last, start(r))
	}
	return last
}

// settled polls sql until it shows the window of every row of want, and returns
// everything it then shows.
func settled[T any](t *testing.T, conn *pgx.Conn, sql string, start func(T) int64, want int64) []T {
	t.Helper()
	for deadline := time.Now().Add(testDeadline); ; {
		got := queryRows[T](t, conn, sql)
		if len(got) > 0 && lastStart(got, start) >= want {
			return got
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %d rows, the last of window %d; waiting for %d", sql, len(got), lastStart(got, start), want)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// check compares an object's windows with those recomputed from the topic. While
// the producer runs the topic goes on: all windows that had closed before the
// object was read must be there, and nothing that the whole topic does not say.
func check[T any](t *testing.T, tp *topic, sql string, sizeMillis int64, start func(T) int64,
	recompute func([]marketdata.RecordedTick) []T, same func(got, want T) bool,
) int {
	t.Helper()
	before := tp.ticks(t)
	mark, ok := marketdata.Watermark(before, watermarkBoundMillis)
	if !ok {
		t.Fatal("the topic is empty")
	}
	due := closed(recompute(before), start, sizeMillis, mark)
	got := settled(t, tp.conn, sql, start, lastStart(due, start))
	after := tp.ticks(t)
	latest, _ := marketdata.Watermark(after, watermarkBoundMillis)
	if end := lastStart(got, start) + sizeMillis; end > latest {
		t.Errorf("%s: a window that ends at %d was emitted at watermark %d", sql, end, latest)
	}
	want := closed(recompute(after), start, sizeMillis, lastStart(got, start)+sizeMillis)
	if len(want) != len(got) {
		t.Errorf("%s: %d rows, want %d", sql, len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if !same(got[i], want[i]) {
			t.Fatalf("%s: row %d\n got %+v\nwant %+v", sql, i, got[i], want[i])
		}
	}
	return len(got)
}

func (tp *topic) checkBars(t *testing.T, object string) int {
	t.Helper()
	return check(t, tp, fmt.Sprintf(barsQuery, object), 5000, func(b bar) int64 { return b.WindowStart },
		func(ticks []marketdata.RecordedTick) (out []bar) {
			for _, b := range marketdata.OHLCBars(ticks) {
				out = append(out, bar{
					b.Symbol, b.WindowStart, b.Open, b.High, b.Low, b.Close, b.TradeCount, b.TotalVolume, b.VWAP,
				})
			}
			return out
		},
		func(got, want bar) bool { return got == want })
}

// alert has its fields in the order of the query.
type alert struct {
	Symbol                                         string
	WindowStart                                    int64
	TotalVolume, TradeCount, BuyVolume, SellVolume int64
}

func (tp *topic) checkAlerts(t *testing.T, object string) int {
	t.Helper()
	return check(t, tp, fmt.Sprintf(alertsQuery, object), 5000, func(a alert) int64 { return a.WindowStart },
		func(ticks []marketdata.RecordedTick) (out []alert) {
			for _, a := range marketdata.VolumeAlerts(ticks) {
				out = append(out, alert(a))
			}
			return out
		},
		func(got, want alert) bool { return got == want })
}

func (tp *topic) checkStats(t *testing.T, object string) int {
	t.Helper()
	return check(t, tp, fmt.Sprintf(statsQuery, object), 10_000, func(s marketdata.SymbolStats) int64 { return s.WindowStart },
		marketdata.AllSymbolStats, sameStats)
}

// sameStats allows the standard deviation a relative error: the two are computed
// by different formulas.
func sameStats(got, want marketdata.SymbolStats) bool {
	const tolerance = 1e-9
	g, w := got.Volatility, want.Volatility
	got.Volatility, want.Volatility = nil, nil
	if got != want || (g == nil) != (w == nil) {
		return false
	}
	return g == nil || math.Abs(*g-*w) <= tolerance*math.Abs(*w)
}

// lockedBuffer is a bytes.Buffer for a writer and a reader at once.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Where the demo says that its broker and its server are.
var (
	demoBroker = regexp.MustCompile(`broker +(\S+), schema registry (\S+)\n`)
	demoServer = regexp.MustCompile(`server +psql -h (\S+) -p (\d+) `)
	demoBar    = regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d  [A-Z]+ +\d`)
)

// TestDemo runs the demo until it has printed bars and recomputes them, and the
// other pipelines, from the topic.
func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("the first window closes after ten seconds")
	}
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out lockedBuffer
	done := make(chan error, 1)
	go func() {
		done <- runDemo(ctx, demoOptions{tps: 1000, seed: 7, listen: "127.0.0.1:0", dataDir: t.TempDir()}, &out, testLogger())
	}()
	for deadline := time.Now().Add(testDeadline); len(demoBar.FindAllString(out.String(), -1)) < 5; {
		select {
		case err := <-done:
			t.Fatalf("the demo ended: %v\n%s", err, out.String())
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("no bars from the demo:\n%s", out.String())
		}
	}
	b, s := demoBroker.FindStringSubmatch(out.String()), demoServer.FindStringSubmatch(out.String())
	if b == nil || s == nil {
		t.Fatalf("the demo does not say where its servers are:\n%s", out.String())
	}
	conn := connectTest(t, fmt.Sprintf("postgres://laminar@%s:%s/laminar", s[1], s[2]))
	tp := &topic{brokers: []string{b[1]}, registry: b[2], conn: conn}
	tp.checkBars(t, "ohlc_bars")
	tp.checkAlerts(t, "volume_alerts")
	cancel()
	if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("the demo: %v", err)
	}
	if !regexp.MustCompile(`summary +\{Ticks:\d+`).MatchString(out.String()) {
		t.Errorf("no summary:\n%s", out.String())
	}
}

// fastClock advances by a step at each reading, so that minutes of market data
// are made in seconds.
func fastClock(step time.Duration) func() time.Time {
	now := time.Date(2026, 1, 5, 14, 30, 0, 0, time.UTC)
	return func() time.Time { now = now.Add(step); return now }
}

// newMarket starts a broker with market data and a server with the example's
// sources.
func newMarket(t *testing.T, count int64) *topic {
	t.Helper()
	broker := newTestBroker(t)
	tp := &topic{brokers: []string{broker.KafkaAddr()}, registry: broker.RegistryURL()}
	producer, err := marketdata.NewProducer(t.Context(), marketdata.ProducerOptions{
		Brokers: tp.brokers, RegistryURL: tp.registry, TPS: 40, Count: count, Seed: 42, Now: fastClock(500 * time.Millisecond),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	if _, err := producer.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	srv := newTestServer(t, false, brokerVars(broker))
	tp.conn = connectTest(t, srv.dsn())
	return tp
}

func create(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
		t.Fatalf("%s\n%v", sql, err)
	}
}

func createScripts(t *testing.T, conn *pgx.Conn, scripts []example.Script, names ...string) {
	t.Helper()
	for _, s := range scripts {
		if slices.Contains(names, s.Name) {
			create(t, conn, s.SQL)
		}
	}
}

// TestMarketData recomputes every closed window of the three pipelines over
// minutes of ticks in five partitions, and those of streams created late.
func TestMarketData(t *testing.T) {
	t.Parallel()
	tp := newMarket(t, 16_000)
	createScripts(t, tp.conn, example.Sources(), "market_ticks", "order_events")
	createScripts(t, tp.conn, example.Streams(), "ohlc_bars", "volume_alerts", "symbol_stats")
	bars, alerts := tp.checkBars(t, "ohlc_bars"), tp.checkAlerts(t, "volume_alerts")
	tp.checkStats(t, "symbol_stats")
	if alerts == 0 || alerts == bars {
		t.Errorf("%d of %d windows are alerts, so HAVING is not tested", alerts, bars)
	}
	for _, name := range []string{"late_bars", "later_bars"} {
		create(t, tp.conn, renamed(t, "ohlc_bars", name))
	}
	for _, name := range []string{"late_bars", "later_bars"} {
		if n := tp.checkBars(t, name); n != bars {
			t.Errorf("%s has %d rows, ohlc_bars has %d", name, n, bars)
		}
	}
	tp.checkSink(t, bars)
	if late := queryRows[struct{ N int64 }](t, tp.conn, "SELECT late_rows FROM laminar.late_rows WHERE late_rows > 0"); len(late) > 0 {
		t.Errorf("rows were late: %v", late)
	}
}

// checkSink writes ohlc_bars to Kafka and reads it back: the rows of a symbol are
// in one partition, in the order of their windows.
func (tp *topic) checkSink(t *testing.T, bars int) {
	t.Helper()
	createScripts(t, tp.conn, example.Sinks(), "ohlc_bars")
	awaitCommitted(t, tp.conn, "ohlc_bars_sink")
	want := map[string][]bar{}
	for _, b := range queryRows[bar](t, tp.conn, fmt.Sprintf(barsQuery, "ohlc_bars")) {
		b.WindowStart = 0 // hidden columns are not written
		want[b.Symbol] = append(want[b.Symbol], b)
	}
	got := map[string][]bar{}
	for _, r := range readAvro(t, tp, "ohlc-bars", "symbol", bars) {
		b := bar{
			Symbol: r["symbol"].(string), Open: r["open"].(float64), High: r["high"].(float64), Low: r["low"].(float64),
			Close: r["close"].(float64), TradeCount: r["trade_count"].(int64), TotalVolume: r["total_volume"].(int64), VWAP: r["vwap"].(float64),
		}
		got[b.Symbol] = append(got[b.Symbol], b)
	}
	for symbol := range want {
		if !slices.Equal(got[symbol], want[symbol]) {
			t.Errorf("topic ohlc-bars, %s:\n got %+v\nwant %+v", symbol, got[symbol], want[symbol])
		}
	}
	if len(got) != len(want) {
		t.Errorf("topic ohlc-bars has %d symbols, want %d", len(got), len(want))
	}
}

// renamed is a pipeline of the example under another name.
func renamed(t *testing.T, name, as string) string {
	t.Helper()
	for _, s := range example.Streams() {
		if s.Name == name {
			return regexp.MustCompile(`(?i)(CREATE \w+ )`+name).ReplaceAllString(s.SQL, "${1}"+as)
		}
	}
	t.Fatalf("no pipeline %s", name)
	return ""
}
