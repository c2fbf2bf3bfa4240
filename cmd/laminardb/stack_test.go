package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"laminardb/cmd/internal/compose"
	"laminardb/cmd/internal/marketdata"
	example "laminardb/examples/market-data"
	"laminardb/server/pgwire"
)

// repository is its root from this package's folder.
const repository = "../.."

func loadStack(t *testing.T) *compose.File {
	t.Helper()
	f, err := compose.Load(filepath.Join(repository, "docker-compose.yml"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestStackServices checks that what the services name is there: each other,
// files, volumes, and pinned images.
func TestStackServices(t *testing.T) {
	f := loadStack(t)
	used := map[string]bool{}
	for name, s := range f.Services {
		switch {
		case s.Build != "" && s.Build != ".":
			t.Errorf("%s is built from %s", name, s.Build)
		case s.Image != "laminardb" && !regexp.MustCompile(`^[a-z0-9/-]+:v?\d+\.\d+\.\d+$`).MatchString(s.Image):
			t.Errorf("%s: image %s has no fixed version", name, s.Image)
		}
		for _, v := range s.Volumes {
			from, rest, _ := strings.Cut(v, ":")
			if path, isFile := strings.CutPrefix(from, "./"); isFile {
				if _, err := os.Stat(filepath.Join(repository, path)); err != nil || !strings.HasSuffix(rest, ":ro") {
					t.Errorf("%s mounts %s: %v", name, v, err)
				}
				continue
			}
			if _, ok := f.Volumes[from]; !ok {
				t.Errorf("%s: there is no volume %s", name, from)
			}
			used[from] = true
		}
		for other, c := range s.DependsOn {
			checkDependency(t, f, name, other, c.Condition)
		}
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("%s publishes %s to everybody", name, p)
			}
		}
	}
	for v := range f.Volumes {
		if !used[v] {
			t.Errorf("nothing uses the volume %s", v)
		}
	}
}

// checkDependency checks that a condition can come true.
func checkDependency(t *testing.T, f *compose.File, name, other, condition string) {
	t.Helper()
	s := f.Services[other]
	if s == nil {
		t.Errorf("%s depends on %s, which is not there", name, other)
		return
	}
	switch condition {
	case "service_healthy": // the image of ours has a check of its own
		if s.Healthcheck == nil && s.Image != "laminardb" || s.Healthcheck != nil && s.Healthcheck.Disable {
			t.Errorf("%s waits for %s, which has no health check", name, other)
		}
	case "service_completed_successfully":
		if s.Restart != "" {
			t.Errorf("%s waits for the end of %s, which is started again", name, other)
		}
	default:
		t.Errorf("%s waits for %s to be %q", name, other, condition)
	}
}

// endpoints are the ports that each service listens on inside of the stack.
var endpoints = map[string][]string{
	"redpanda": {"9092", "8081", "9644"}, "laminardb": {"5433", "8090"},
	"prometheus": {"9090"}, "grafana": {"3000"}, "console": {"8080"},
}

// TestStackAddresses checks every host:port in the files of the stack, the ports
// that the issue asks for, and those of the image.
func TestStackAddresses(t *testing.T) {
	f := loadStack(t)
	var published []string
	for name, s := range f.Services {
		for _, p := range s.Ports {
			parts := strings.Split(p, ":")
			published = append(published, parts[1])
			inside := parts[2]
			if name == "redpanda" && (inside == "19092" || inside == "18081") {
				continue // its listeners for outside
			}
			if !slices.Contains(endpoints[name], inside) {
				t.Errorf("%s publishes port %s, which it does not listen on", name, inside)
			}
		}
	}
	slices.Sort(published)
	if want := "18081 19092 3000 5433 8080 8090 9090 9644"; strings.Join(published, " ") != want {
		t.Errorf("published are %v, want %s", published, want)
	}
	address := regexp.MustCompile(`\b(redpanda|laminardb|prometheus|grafana|console):(\d+)(?:[^.\d]|$)`)
	for _, path := range []string{
		"docker-compose.yml", "examples/market-data/prometheus.yml",
		"examples/market-data/grafana/provisioning/datasources/datasources.yml",
	} {
		text, err := os.ReadFile(filepath.Join(repository, path))
		if err != nil {
			t.Fatal(err)
		}
		found := address.FindAllStringSubmatch(string(text), -1)
		if len(found) == 0 {
			t.Errorf("%s names no address", path)
		}
		for _, m := range found {
			if m[2] != "33145" && !slices.Contains(endpoints[m[1]], m[2]) { // Redpanda's RPC is its own
				t.Errorf("%s: %s", path, m[0])
			}
		}
	}
}

// TestStackServe runs serve's flags of the compose file and of the image through
// the real flag set, and looks for the files that they name.
func TestStackServe(t *testing.T) {
	s := loadStack(t).Services["laminardb"]
	for name, value := range s.Environment {
		t.Setenv(name, value)
	}
	parse := func(args []string) serveOptions {
		t.Helper()
		if len(args) == 0 || args[0] != "serve" {
			t.Fatalf("%v does not serve", args)
		}
		var o serveOptions
		if err := parseFlags(o.flags(os.Stderr), args[1:]); err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		return o
	}
	o := parse(s.Command)
	for _, script := range slices.Concat(example.Sources(), example.Streams(), example.Sinks()) {
		for _, m := range regexp.MustCompile(`\$\{(\w+)\}`).FindAllStringSubmatch(script.SQL, -1) {
			if o.vars[m[1]] == "" {
				t.Errorf("%s needs --var=%s", script.Path, m[1])
			}
		}
	}
	if !slices.Contains(s.Volumes, "laminardb:"+o.dataDir) {
		t.Errorf("the data directory %s is not in the volume: %v", o.dataDir, s.Volumes)
	}
	if _, err := os.Stat(mounted(t, s, o.initSQL)); err != nil {
		t.Error(err)
	}
	bridge := net.TCPAddr{IP: net.ParseIP("172.18.0.7")} // as another service of the stack comes
	if err := (pgwire.Trust{Networks: o.trust}).Authenticate(t.Context(), &pgwire.Client{Remote: &bridge}, nil); err != nil {
		t.Error(err)
	}
	image := parse(dockerList(t, "CMD"))
	if image.listen != o.listen || image.httpListen != o.httpListen || image.dataDir != o.dataDir {
		t.Errorf("the image serves as %+v, the stack as %+v", image, o)
	}
}

// mounted is the file of the repository behind a path in a service.
func mounted(t *testing.T, s *compose.Service, path string) string {
	t.Helper()
	for _, v := range s.Volumes {
		parts := strings.Split(v, ":")
		if rest, ok := strings.CutPrefix(path, parts[1]); ok && strings.HasPrefix(v, "./") {
			return filepath.Join(repository, parts[0], rest)
		}
	}
	t.Fatalf("%s is in no volume of %v", path, s.Volumes)
	return ""
}

// dockerList is the JSON list of the Dockerfile's last instruction of a kind.
func dockerList(t *testing.T, instruction string) (list []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), instruction+" "); ok {
			if err := json.Unmarshal([]byte(rest), &list); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
		}
	}
	return list
}

// TestDockerfile checks what the image is made of.
func TestDockerfile(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	module, err := os.ReadFile(filepath.Join(repository, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	goVersion := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(string(module))[1]
	image := string(text)
	for _, want := range []string{
		"FROM golang:" + goVersion + "-bookworm AS build", "USER laminardb", "EXPOSE 5433 8090",
		`CMD ["laminardb", "ready"]`, "-X main.version=$VERSION",
	} {
		if !strings.Contains(image, want) {
			t.Errorf("the Dockerfile has no %s", want)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^COPY ([a-z][^ ]+(?: go\.sum)?) `).FindAllStringSubmatch(image, -1) {
		for _, path := range strings.Fields(m[1]) {
			if _, err := os.Stat(filepath.Join(repository, path)); err != nil {
				t.Error(err)
			}
		}
	}
	if got := dockerList(t, "ENTRYPOINT"); !slices.Equal(got, []string{"laminardb"}) {
		t.Errorf("the entry point is %v", got)
	}
	for _, s := range loadStack(t).Services {
		if s.Image == "laminardb" && len(s.Entrypoint) > 0 {
			if _, err := os.Stat(filepath.Join(repository, "cmd", s.Entrypoint[0], "main.go")); err != nil {
				t.Errorf("the image has no %v: %v", s.Entrypoint, err)
			}
		}
	}
}

// TestStackTopics runs the set-up script with an rpk that only writes down what it
// is asked, and compares with the topics of the example.
func TestStackTopics(t *testing.T) {
	s := loadStack(t).Services["topics"]
	script := mounted(t, s, s.Entrypoint[len(s.Entrypoint)-1])
	cmd := exec.CommandContext(t.Context(), s.Entrypoint[0], script)
	cmd.Env = append(os.Environ(), "RPK=echo "+s.Environment["RPK"])
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var got, want []string
	line := regexp.MustCompile(`^rpk -X brokers=redpanda:9092 topic create --if-not-exists -c cleanup\.policy=(\w+) -p (\d+) (.*)$`)
	for l := range strings.Lines(string(out)) {
		m := line.FindStringSubmatch(strings.TrimSpace(l))
		if m == nil {
			t.Fatalf("rpk is called as %s", l)
		}
		for _, topic := range strings.Fields(m[3]) {
			got = append(got, topic+" "+m[2]+" "+m[1])
		}
	}
	for _, topic := range marketdata.Topics() {
		policy := "delete"
		if topic.Compact {
			policy = "compact"
		}
		want = append(want, fmt.Sprintf("%s %d %s", topic.Name, topic.Partitions, policy))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestTopicsAreTheSeeds has the seed's topic table.
func TestTopicsAreTheSeeds(t *testing.T) {
	const seed = `market-ticks 5 false, order-events 5 false, reference-data 1 true, ohlc-bars 5 false, enriched-orders 5 false, ` +
		`volume-alerts 1 false, sector-analytics 1 false`
	var got []string
	for _, topic := range marketdata.Topics() {
		got = append(got, fmt.Sprintf("%s %d %v", topic.Name, topic.Partitions, topic.Compact))
	}
	if strings.Join(got, ", ") != seed {
		t.Errorf("got %v", got)
	}
	keys := map[string]string{"ohlc_bars": "symbol", "enriched_orders": "order_id", "volume_alerts": "symbol", "sector_analytics": "sector"}
	for _, s := range example.Sinks() {
		topic := strings.ReplaceAll(s.Name, "_", "-")
		for _, want := range []string{"topic = '" + topic + "'", "key = '" + keys[s.Name] + "'", "format = 'avro'"} {
			if !strings.Contains(s.SQL, want) {
				t.Errorf("%s has no %s", s.Path, want)
			}
		}
		delete(keys, s.Name)
	}
	if len(keys) > 0 {
		t.Errorf("no sinks for %v", slices.Collect(maps.Keys(keys)))
	}
}

// grafanaDashboard is what Grafana shows, as far as it is checked.
type grafanaDashboard struct {
	UID        string
	Templating struct {
		List []struct{ Name, Query string }
	}
	Panels []struct {
		Title, Type string
		Targets     []struct {
			Datasource   struct{ Type, UID string }
			Expr, RawSQL string
		}
	}
}

// TestStackGrafana checks the provisioning: data sources, the dashboard's folder
// and the home dashboard.
func TestStackGrafana(t *testing.T) {
	folder := filepath.Join(repository, "examples/market-data/grafana")
	var sources struct {
		APIVersion  int `yaml:"apiVersion"`
		Datasources []struct {
			Name, UID, Type, Access, URL, User string
			IsDefault                          bool           `yaml:"isDefault"`
			JSONData                           map[string]any `yaml:"jsonData"`
		}
	}
	if err := compose.LoadYAML(filepath.Join(folder, "provisioning/datasources/datasources.yml"), &sources); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]string{}
	for _, d := range sources.Datasources {
		kinds[d.UID] = d.Type
	}
	var providers struct {
		APIVersion int `yaml:"apiVersion"`
		Providers  []struct {
			Name, Type     string
			AllowUIUpdates bool `yaml:"allowUiUpdates"`
			Options        struct{ Path string }
		}
	}
	if err := compose.LoadYAML(filepath.Join(folder, "provisioning/dashboards/dashboards.yml"), &providers); err != nil {
		t.Fatal(err)
	}
	s := loadStack(t).Services["grafana"]
	home := s.Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
	if dir := providers.Providers[0].Options.Path; filepath.Dir(home) != dir {
		t.Errorf("the home dashboard %s is not in %s", home, dir)
	}
	if _, err := os.Stat(mounted(t, s, "/etc/grafana/provisioning/datasources/datasources.yml")); err != nil {
		t.Error(err)
	}
	for _, p := range loadDashboard(t, mounted(t, s, home)).Panels {
		for _, target := range p.Targets {
			if kind, ok := kinds[target.Datasource.UID]; !ok || kind != target.Datasource.Type {
				t.Errorf("panel %q reads %+v; there are %v", p.Title, target.Datasource, kinds)
			}
		}
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %q shows nothing", p.Title)
		}
	}
}

func loadDashboard(t *testing.T, path string) (d grafanaDashboard) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &d)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestStackRuns starts a server as the stack does, twice, and asks it everything
// that the dashboard asks.
func TestStackRuns(t *testing.T) {
	t.Parallel()
	tp := newMarket(t, 16_000)
	s := loadStack(t).Services["laminardb"]
	script := mounted(t, s, "/usr/share/laminardb/sql/all.sql")
	for range 2 { // the second finds all of it
		if err := runScript(t.Context(), tp.conn.Config().ConnString(), script, testLogger()); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, tp.conn, "SELECT (count(*) > 0)::text FROM sector_analytics", "true")
	checkSinks(t, tp)
	d := loadDashboard(t, filepath.Join(repository, "examples/market-data/grafana/dashboards/market-data.json"))
	queries := map[string]string{}
	for _, v := range d.Templating.List {
		queries["variable "+v.Name] = v.Query
	}
	metrics := metricNames(t)
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			if target.RawSQL != "" {
				queries[p.Title] = target.RawSQL
			}
			for _, name := range regexp.MustCompile(`(?:laminardb|go|process)_\w+`).FindAllString(target.Expr, -1) {
				if !metrics[name] && !metrics[strings.TrimSuffix(name, "_bucket")] {
					t.Errorf("panel %q: there is no metric %s", p.Title, name)
				}
			}
		}
	}
	for title, sql := range queries {
		sql = strings.ReplaceAll(sql, "$symbol", "AAPL")
		if _, err := tp.conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Errorf("%s: %v\n%s", title, err, sql)
		}
	}
}

// checkSinks reads back what the sinks wrote: the rows of the streams, with the
// keys of the topic table.
func checkSinks(t *testing.T, tp *topic) {
	t.Helper()
	eventually(t, tp.conn, "SELECT (sum(lag) = 0)::text FROM laminar.sources", "true")
	create(t, tp.conn, "CHECKPOINT") // what came before it is committed
	keys := map[string]string{"ohlc_bars": "symbol", "enriched_orders": "order_id", "volume_alerts": "symbol", "sector_analytics": "sector"}
	for stream, key := range keys {
		rows, err := tp.conn.Query(t.Context(), "SELECT * FROM "+stream)
		if err != nil {
			t.Fatal(err)
		}
		want, err := pgx.CollectRows(rows, pgx.RowToMap)
		if err != nil || len(want) == 0 {
			t.Fatalf("%s: %d rows, %v", stream, len(want), err)
		}
		got := readAvro(t, tp, strings.ReplaceAll(stream, "_", "-"), key, len(want))
		texts := func(rows []map[string]any) (out []string) {
			for _, r := range rows {
				out = append(out, fmt.Sprint(r))
			}
			slices.Sort(out)
			return out
		}
		if g, w := texts(got), texts(want); !slices.Equal(g, w) {
			t.Errorf("topic of %s: %d rows, want %d; the first are\n got %s\nwant %s", stream, len(g), len(w), g[0], w[0])
		}
	}
}

// metricNames are the names of docs/metrics.md, which a test of its own compares
// with /metrics, and those of the Go client.
func metricNames(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, "docs/metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{"process_resident_memory_bytes": true, "go_memstats_heap_inuse_bytes": true}
	for _, m := range regexp.MustCompile("(?m)^\\| `(laminardb_\\w+)`").FindAllStringSubmatch(string(text), -1) {
		names[m[1]] = true
	}
	return names
}

// TestReady asks a server by HTTP, and one that is not there.
func TestReady(t *testing.T) {
	t.Parallel()
	srv, err := startServer(t.Context(), serveOptions{listen: "127.0.0.1:0", httpListen: "127.0.0.1:0", dataDir: t.TempDir()}, testLogger())
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + srv.hln.Addr().String() + "/readyz"
	if code := run(t.Context(), []string{"ready", "--url", url}, io.Discard, os.Stderr); code != 0 {
		t.Errorf("ready says %d", code)
	}
	if code := run(t.Context(), []string{"ready", "--url", strings.Replace(url, "readyz", "nothing", 1)}, io.Discard, io.Discard); code != 1 {
		t.Errorf("%d for %d", code, http.StatusNotFound)
	}
	if err := srv.close(); err != nil {
		t.Error(err)
	}
	if code := run(t.Context(), []string{"ready", "--url", url}, io.Discard, io.Discard); code != 1 {
		t.Errorf("ready says %d of a server that has gone", code)
	}
}
