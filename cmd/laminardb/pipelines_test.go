package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"laminardb/cmd/internal/marketdata"
	example "laminardb/examples/market-data"
)

// follower collects the rows of a SUBSCRIBE.
type follower[T any] struct {
	mu   sync.Mutex
	rows []T
	err  error // that ended it
}

// follow returns when the server has answered the statement; the rows are read
// until the test ends.
func follow[T any](t *testing.T, dsn, statement string) *follower[T] {
	t.Helper()
	conn, err := connect(t.Context(), dsn)
	if err != nil {
		t.Fatalf("connecting: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	rows, err := conn.Query(ctx, statement, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	f := &follower[T]{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.read(rows)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		_ = conn.Close(context.Background()) // it was cut off
	})
	return f
}

func (f *follower[T]) read(rows pgx.Rows) {
	defer rows.Close()
	for rows.Next() {
		row, err := pgx.RowToStructByPos[T](rows)
		f.mu.Lock()
		f.rows, f.err = append(f.rows, row), cmp.Or(f.err, err)
		f.mu.Unlock()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = cmp.Or(f.err, rows.Err(), errors.New("the subscription ended"))
}

// until polls the rows until enough says that they are complete, or the time is
// over, and returns them.
func (f *follower[T]) until(t *testing.T, enough func([]T) bool) []T {
	t.Helper()
	for deadline := time.Now().Add(testDeadline); ; time.Sleep(5 * time.Millisecond) {
		f.mu.Lock()
		rows, err := slices.Clone(f.rows), f.err
		f.mu.Unlock()
		if err != nil {
			t.Fatalf("reading: %v", err)
		}
		if enough(rows) || time.Now().After(deadline) {
			return rows
		}
	}
}

// recordedMarket is what the topics hold.
type recordedMarket struct {
	ticks      []marketdata.RecordedTick
	orders     []marketdata.RecordedOrder
	references map[string]marketdata.Reference
	watermark  int64 // of the ticks
}

func (tp *topic) recorded(t *testing.T) *recordedMarket {
	t.Helper()
	m := &recordedMarket{ticks: tp.ticks(t)}
	var err error
	if m.orders, err = marketdata.ReadOrders(t.Context(), tp.brokers, tp.registry, marketdata.OrdersTopic); err != nil {
		t.Fatal(err)
	}
	if m.references, err = marketdata.ReadReference(t.Context(), tp.brokers, tp.registry, marketdata.ReferenceTopic); err != nil {
		t.Fatal(err)
	}
	m.watermark, _ = marketdata.Watermark(m.ticks, watermarkBoundMillis)
	return m
}

// closedBy drops the rows that end behind the watermark.
func closedBy[T any](m *recordedMarket, rows []T, end func(T) int64) []T {
	return slices.DeleteFunc(rows, func(r T) bool { return end(r) > m.watermark })
}

// pipeline is one of the example's with how its output is checked.
type pipeline struct {
	name   string
	follow func(t *testing.T, dsn string)
	// check compares the output and returns the number of its rows.
	check func(t *testing.T, m *recordedMarket) int
}

// appends is a pipeline whose rows are final. inexact is the column that is
// compared with a tolerance, nil for none.
func appends[T comparable](name, columns string, inexact func(*T) *float64, want func(*recordedMarket) []T) pipeline {
	var f *follower[T]
	return pipeline{
		name: name,
		follow: func(t *testing.T, dsn string) {
			f = follow[T](t, dsn, "SUBSCRIBE (SELECT "+columns+" FROM "+name+") WITH (SNAPSHOT)")
		},
		check: func(t *testing.T, m *recordedMarket) int {
			rows := want(m)
			got := f.until(t, func(got []T) bool { return len(got) >= len(rows) })
			sameRows(t, name, got, rows, inexact)
			return len(rows)
		},
	}
}

// sameRows compares two bags of rows, doubles bit by bit but for the inexact ones.
func sameRows[T comparable](t *testing.T, name string, got, want []T, inexact func(*T) *float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d rows, want %d", name, len(got), len(want))
	}
	gotBag, wantBag := bag(got, inexact), bag(want, inexact)
	report := func(what string, row T, values, others []float64) int {
		if slices.EqualFunc(values, others, about) {
			return 0
		}
		t.Errorf("%s: %s\n%+v %v, there %v", name, what, row, values, others)
		return 1
	}
	const shown = 5
	differences := 0
	for row, values := range gotBag {
		if differences < shown {
			differences += report("got", row, values, wantBag[row])
		}
	}
	for row, values := range wantBag {
		if _, there := gotBag[row]; !there && differences < shown {
			differences += report("missing", row, values, nil)
		}
	}
}

// bag holds the sorted inexact values of the rows that are equal but for those.
func bag[T comparable](rows []T, inexact func(*T) *float64) map[T][]float64 {
	out := map[T][]float64{}
	for _, r := range rows {
		v := 0.0
		if inexact != nil {
			p := inexact(&r)
			v, *p = *p, 0
		}
		out[r] = append(out[r], v)
	}
	for _, values := range out {
		slices.Sort(values)
	}
	return out
}

// about allows the error of sums that were taken in another order.
func about(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Abs(b) }

// statsRow is a row of symbol_stats.
type statsRow struct {
	Symbol      string
	WindowStart int64
	PriceRange  float64
	Volatility  sql.Null[float64]
	TradeCount  int64
}

func closedStats(m *recordedMarket) []marketdata.SymbolStats {
	return closedBy(m, marketdata.AllSymbolStats(m.ticks), func(s marketdata.SymbolStats) int64 { return s.WindowStart + 10_000 })
}

// pipelines returns those of the example in their order.
func pipelines() []pipeline {
	return slices.Concat(windowPipelines(), joinPipelines(), []pipeline{topMovers()})
}

func windowPipelines() []pipeline {
	return []pipeline{
		appends("ohlc_bars", "symbol, window_start, open, high, low, close, trade_count, total_volume, vwap", nil,
			func(m *recordedMarket) []marketdata.OHLCBar {
				return closedBy(m, marketdata.OHLCBars(m.ticks), func(b marketdata.OHLCBar) int64 { return b.WindowStart + 5_000 })
			}),
		appends("rolling_spread", "symbol, window_start, avg_spread, min_spread, max_spread, tick_count",
			func(r *marketdata.RollingSpread) *float64 { return &r.AvgSpread },
			func(m *recordedMarket) []marketdata.RollingSpread {
				return closedBy(m, marketdata.RollingSpreads(m.ticks), func(r marketdata.RollingSpread) int64 { return r.WindowStart + 10_000 })
			}),
		appends("session_activity", "symbol, window_start, window_end, trade_count, session_volume, session_low, session_high", nil,
			func(m *recordedMarket) []marketdata.Session {
				return closedBy(m, marketdata.Sessions(m.ticks), func(s marketdata.Session) int64 { return s.WindowEnd })
			}),
		appends("symbol_stats", "symbol, window_start, price_range, volatility, trade_count",
			func(s *statsRow) *float64 { return &s.Volatility.V },
			func(m *recordedMarket) (out []statsRow) {
				for _, s := range closedStats(m) {
					row := statsRow{Symbol: s.Symbol, WindowStart: s.WindowStart, PriceRange: s.PriceRange, TradeCount: s.TradeCount}
					if s.Volatility != nil {
						row.Volatility = sql.Null[float64]{V: *s.Volatility, Valid: true}
					}
					out = append(out, row)
				}
				return out
			}),
		appends("volume_alerts", "symbol, window_start, total_volume, trade_count, buy_volume, sell_volume", nil,
			func(m *recordedMarket) []marketdata.VolumeAlert {
				return closedBy(m, marketdata.VolumeAlerts(m.ticks), func(a marketdata.VolumeAlert) int64 { return a.WindowStart + 5_000 })
			}),
		appends("sector_analytics", "sector, window_start, avg_price, total_volume, tick_count",
			func(s *marketdata.SectorAverage) *float64 { return &s.AvgPrice },
			func(m *recordedMarket) []marketdata.SectorAverage {
				return closedBy(m, marketdata.SectorAnalytics(marketdata.EnrichedTicks(m.ticks, m.references)),
					func(s marketdata.SectorAverage) int64 { return s.WindowStart + 10_000 })
			}),
	}
}

func joinPipelines() []pipeline {
	return []pipeline{
		appends("enriched_orders", "order_id, symbol, side, quantity, order_price, market_price, bid, ask, slippage, ts", nil,
			func(m *recordedMarket) []marketdata.EnrichedOrder {
				// A tick at the watermark may still come.
				return closedBy(m, marketdata.EnrichedOrders(m.orders, m.ticks), func(o marketdata.EnrichedOrder) int64 { return o.TS + 1 })
			}),
		appends("enriched_ticks", "symbol, price, volume, sector, market_cap_category, exchange, ts", nil,
			func(m *recordedMarket) []marketdata.EnrichedTick {
				return marketdata.EnrichedTicks(m.ticks, m.references)
			}),
		appends("order_tick_matches", "order_id, symbol, side, order_price, tick_price, bid, ask, price_diff, ts", nil,
			func(m *recordedMarket) []marketdata.OrderTickMatch {
				return marketdata.OrderTickMatches(m.orders, m.ticks)
			}),
		appends("price_momentum", "symbol, price, prev_price, price_delta, next_price, ts", nil,
			func(m *recordedMarket) []marketdata.Momentum { return marketdata.PriceMomentum(m.ticks, m.watermark) }),
	}
}

// moverChange is a row of SUBSCRIBE to a changelog.
type moverChange struct {
	At, Diff int64
	marketdata.TopMover
}

// topMovers checks what is left of the changes.
func topMovers() pipeline {
	volatility := func(m *marketdata.TopMover) *float64 { return &m.Volatility.V }
	var f *follower[moverChange]
	return pipeline{
		name:   "top_movers",
		follow: func(t *testing.T, dsn string) { f = follow[moverChange](t, dsn, "SUBSCRIBE top_movers") },
		check: func(t *testing.T, m *recordedMarket) int {
			want := marketdata.TopMovers(closedStats(m))
			keys := bag(want, volatility)
			changes := f.until(t, func(changes []moverChange) bool {
				got := bag(netOf(changes), volatility)
				for k := range keys {
					if len(got[k]) != len(keys[k]) {
						return false
					}
				}
				return len(got) == len(keys)
			})
			sameRows(t, "top_movers", netOf(changes), want, volatility)
			return len(changes)
		},
	}
}

// netOf is what the changes leave.
func netOf(changes []moverChange) (out []marketdata.TopMover) {
	for _, c := range changes {
		if c.Diff > 0 {
			out = append(out, c.TopMover)
		} else if i := slices.Index(out, c.TopMover); i >= 0 {
			out = slices.Delete(out, i, i+1)
		}
	}
	return out
}

// TestTenPipelines runs the whole example as it stands and recomputes each row of
// each output from the topics.
func TestTenPipelines(t *testing.T) {
	t.Parallel()
	broker := newTestBroker(t)
	tp := &topic{brokers: []string{broker.KafkaAddr()}, registry: broker.RegistryURL()}
	market := newRoughMarket(t, tp)
	srv := newTestServer(t, false, brokerVars(broker))
	tp.conn = connectTest(t, srv.dsn())
	for _, s := range slices.Concat(example.Sources(), example.Streams()) {
		create(t, tp.conn, s.SQL)
	}
	all := pipelines()
	if len(all) != len(example.Streams()) {
		t.Fatalf("%d of %d outputs are checked", len(all), len(example.Streams()))
	}
	for _, p := range all {
		p.follow(t, srv.dsn())
	}
	market.trade(t)
	recorded := tp.recorded(t)
	rows := map[string]int{}
	for _, p := range all {
		rows[p.name] = p.check(t, recorded)
		t.Logf("%s: %d rows", p.name, rows[p.name])
		if rows[p.name] == 0 {
			t.Errorf("%s has no rows, so it is not tested", p.name)
		}
	}
	checkStreams(t, tp.conn, rows)
}

// checkStreams finds that no stream has put out more rows than were compared, or
// dropped any.
func checkStreams(t *testing.T, conn *pgx.Conn, rows map[string]int) {
	t.Helper()
	type streamRow struct {
		Name, Status       string
		Out, Late, Letters int64
	}
	streams := queryRows[streamRow](t, conn, "SELECT name, status, rows_out, late_rows, dead_letters FROM laminar.streams")
	if len(streams) != len(rows) {
		t.Errorf("laminar.streams has %d rows, want %d", len(streams), len(rows))
	}
	for _, s := range streams {
		if want := (streamRow{s.Name, "running", int64(rows[s.Name]), 0, 0}); s != want {
			t.Errorf("got %+v, want %+v", s, want)
		}
	}
}
