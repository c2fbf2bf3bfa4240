package dashboard

import (
	"slices"
	"strings"
	"time"

	"laminardb/cmd/internal/dashboard/feed"
)

// demoStreams are the streams of the market-data example that have panels.
func demoStreams() []string {
	return []string{
		"ohlc_bars", "rolling_spread", "session_activity", "enriched_orders", "enriched_ticks", "order_tick_matches", "price_momentum",
		"top_movers", "volume_alerts", "sector_analytics",
	}
}

// tailStatements are the SUBSCRIBE statements of the panels, by the stream they read.
// Streams with many rows are not among them: they are asked for sums.
func tailStatements() map[string]string {
	return map[string]string{
		"ohlc_bars":        "SUBSCRIBE (SELECT *, window_start AS window_at FROM ohlc_bars) WITH (SNAPSHOT)",
		"rolling_spread":   "SUBSCRIBE (SELECT *, window_end AS window_until FROM rolling_spread) WITH (SNAPSHOT)",
		"session_activity": "SUBSCRIBE (SELECT *, window_start AS window_at, window_end AS window_until FROM session_activity) WITH (SNAPSHOT)",
		"enriched_orders":  "SUBSCRIBE enriched_orders WITH (SNAPSHOT)",
		"top_movers":       "SUBSCRIBE top_movers WITH (SNAPSHOT)",
		"volume_alerts":    "SUBSCRIBE (SELECT *, window_start AS window_at FROM volume_alerts) WITH (SNAPSHOT)",
		"sector_analytics": "SUBSCRIBE (SELECT *, window_start AS window_at FROM sector_analytics) WITH (SNAPSHOT)",
	}
}

// panelQuery is a query of the market's panels. It is asked only while one of its
// views is open, or always if it names none.
type panelQuery struct {
	name, reads, sql string
	every            time.Duration
	views            []viewID
}

func panelQueries() []panelQuery {
	return []panelQuery{
		{
			"prices", "market_ticks", "SELECT symbol, window_start AS window_at, last_value(price) AS price FROM market_ticks " +
				"GROUP BY symbol, tumble(ts, INTERVAL '1' SECOND)", time.Second, nil,
		},
		{
			"price_momentum", "price_momentum", "SELECT symbol, window_start AS window_at, sum(price_delta) AS delta, " +
				"count(*) FILTER (WHERE price_delta > 0) AS ups, count(*) FILTER (WHERE price_delta < 0) AS downs FROM price_momentum " +
				"GROUP BY symbol, tumble(ts, INTERVAL '1' SECOND)", time.Second, []viewID{viewMarket, viewMomentum},
		},
		{
			"order_tick_matches", "order_tick_matches", "SELECT symbol, count(*) AS n, avg(price_diff) AS mean, min(price_diff) AS low, " +
				"max(price_diff) AS worst FROM order_tick_matches GROUP BY symbol ORDER BY symbol", 2 * time.Second, []viewID{viewMarket, viewOrders},
		},
		{
			"order_tick_pairs", "order_tick_matches", "SELECT order_id, symbol, side, order_price, tick_price, price_diff " +
				"FROM order_tick_matches ORDER BY ts DESC LIMIT 40", 2 * time.Second, []viewID{viewOrders},
		},
		{
			"open_sessions", "market_ticks", "SELECT symbol, window_start AS window_at, window_end AS window_until, count(*) AS trade_count, " +
				"sum(volume) AS session_volume, min(price) AS session_low, max(price) AS session_high FROM market_ticks " +
				"GROUP BY symbol, session(ts, INTERVAL '30' SECOND) ORDER BY symbol", 2 * time.Second, []viewID{viewMarket, viewSpread},
		},
		{
			"enriched_ticks", "enriched_ticks", "SELECT symbol, sector, exchange, count(*) AS n, avg(price) AS price, sum(volume) AS volume " +
				"FROM enriched_ticks GROUP BY symbol, sector, exchange ORDER BY sector, symbol", 2 * time.Second, []viewID{viewSectors},
		},
	}
}

// watch is what the feed shall ask for.
func (m *Model) watch() feed.Watch {
	var w feed.Watch
	for _, relation := range systemRelations() {
		every := time.Second
		if slices.Contains([]string{"checkpoints", "events", "subscriptions"}, relation) && m.view != viewSystem {
			every = 5 * time.Second
		}
		if m.db.tables[relation].Missing {
			every = time.Minute // an older server
		}
		w.Queries = append(w.Queries, feed.Query{Name: relation, SQL: "SELECT * FROM laminar." + relation, Every: every})
	}
	for _, q := range panelQueries() {
		if m.db.find(q.reads) != nil && (len(q.views) == 0 || slices.Contains(q.views, m.view)) && m.hasDemo() {
			w.Queries = append(w.Queries, feed.Query{Name: q.name, SQL: q.sql, Every: q.every})
		}
	}
	statements := tailStatements()
	for _, name := range demoStreams() {
		if sql := statements[name]; sql != "" && m.db.find(name) != nil {
			w.Tails = append(w.Tails, feed.Tail{Name: name, SQL: sql})
		}
	}
	return m.opened.watch(w)
}

// hasDemo reports whether one of the demo's streams is there.
func (m *Model) hasDemo() bool {
	return slices.ContainsFunc(demoStreams(), func(name string) bool { return m.db.find(name) != nil })
}

// quoted is a name as an SQL identifier.
func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
