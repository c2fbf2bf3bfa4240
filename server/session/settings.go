package session

import (
	"errors"
	"sort"
	"strconv"
	"strings"
	"time"

	"laminardb/server/pgwire"
	"laminardb/sql/ast"
	"laminardb/sql/pgerr"
)

// settings are a session's run-time parameters by lower-case name.
type settings map[string]string

// setting describes one parameter that a client may see or set.
type setting struct {
	value string // the default
	// report is the name under which the protocol reports changes, "" for none.
	report string
	// fixed values cannot be changed; SET to the same value is accepted.
	fixed bool
	note  string
	// parse checks a value and gives its usual spelling; nil takes any.
	parse func(value string) (string, error)
}

// knownSettings are the parameters that drivers set or ask for, and what they
// mean here. Those that change nothing are accepted because drivers set them on
// every connection.
var knownSettings = map[string]setting{
	"application_name":              {report: "application_name", note: "accepted and reported back"},
	"client_encoding":               {value: "UTF8", report: "client_encoding", fixed: true, note: "always UTF8"},
	"client_min_messages":           {value: "notice", note: "accepted, changes nothing"},
	"datestyle":                     {value: "ISO, MDY", report: "DateStyle", fixed: true, note: "always ISO, MDY"},
	"default_transaction_isolation": {value: "read committed", note: "read committed is all there is", parse: parseIsolation},
	"default_transaction_read_only": {value: "off", note: "what transactions are that do not say it", parse: parseSwitch},
	"extra_float_digits":            {value: "1", note: "accepted: floats are always shortest-exact"},
	"integer_datetimes":             {value: "on", report: "integer_datetimes", fixed: true, note: "always on"},
	"intervalstyle":                 {value: "postgres", report: "IntervalStyle", fixed: true, note: "always postgres"},
	"is_superuser":                  {value: "on", report: "is_superuser", fixed: true, note: "always on"},
	"lock_timeout":                  {value: "0", note: "accepted, changes nothing"},
	"max_identifier_length":         {value: "63", fixed: true, note: "always 63"},
	"max_index_keys":                {value: "32", fixed: true, note: "always 32"},
	"search_path":                   {value: `"$user", public`, note: "accepted: objects are in schema public"},
	"server_encoding":               {value: "UTF8", report: "server_encoding", fixed: true, note: "always UTF8"},
	"server_version":                {value: "15.8", report: "server_version", fixed: true, note: "the PostgreSQL version whose protocol and dialect drivers may expect"},
	"server_version_num":            {value: "150008", fixed: true, note: "the same as a number"},
	"session_authorization":         {report: "session_authorization", fixed: true, note: "the user"},
	"standard_conforming_strings":   {value: "on", report: "standard_conforming_strings", fixed: true, note: "always on"},
	"statement_timeout":             {value: "0", note: "ends a statement that runs for longer; 0 is never", parse: parseTimeout},
	"synchronous_commit":            {value: "on", fixed: true, note: "always on"},
	"timezone":                      {value: "UTC", report: "TimeZone", fixed: true, note: "always UTC for now"},
	"transaction_isolation":         {value: "read committed", note: "read committed is all there is", parse: parseIsolation},
	"transaction_read_only":         {value: "off", note: "whether the transaction may write", parse: parseSwitch},
}

// initSettings takes the startup parameters over and reports what clients expect.
func (s *Session) initSettings() error {
	s.settings = settings{}
	for name, k := range knownSettings {
		s.settings[name] = k.value
	}
	s.settings["session_authorization"] = s.client.User
	for name, v := range s.client.Startup {
		name = strings.ToLower(name)
		k, ok := knownSettings[name]
		if !ok || k.fixed {
			continue
		}
		v, err := k.parsed(name, v)
		if err != nil {
			return err
		}
		s.settings[name] = v
	}
	s.followDefaults()
	for name, k := range knownSettings {
		if k.report == "" {
			continue
		}
		if err := s.client.SetParameter(k.report, s.settings[name]); err != nil {
			return err
		}
	}
	return nil
}

// settingName maps SQL's special spellings.
func settingName(name string) string {
	switch n := strings.ToLower(name); n {
	case "time zone":
		return "timezone"
	case "names":
		return "client_encoding"
	case "transaction isolation level":
		return "transaction_isolation"
	default:
		return n
	}
}

func (s *Session) set(stmt *ast.Set, w *pgwire.Results) (string, error) {
	name := settingName(stmt.Name)
	if name == "all" && stmt.Default {
		return "RESET", s.initSettings()
	}
	if stmt.Local && s.block == nil {
		return "SET", w.Notice("WARNING", pgerr.Newf(pgerr.NoActiveTransaction, "SET LOCAL can only be used in transaction blocks"))
	}
	value, err := s.settingValue(name, strings.Join(stmt.Values, ", "), stmt.Default)
	if err != nil {
		return "", at(err, stmt.Pos)
	}
	return "SET", s.assign(name, value, stmt.Local)
}

// settingValue checks a value for a setting and returns how it is kept.
func (s *Session) settingValue(name, value string, byDefault bool) (string, error) {
	k, ok := knownSettings[name]
	switch {
	case !ok:
		return "", unknownSetting(name)
	case byDefault && name == "session_authorization":
		return s.client.User, nil
	case byDefault:
		return k.value, nil
	case k.fixed && !sameSetting(value, s.settings[name]):
		return "", pgerr.Newf(pgerr.CantChangeParam, "parameter %q cannot be changed: it is %s", name, k.note)
	case k.fixed:
		return s.settings[name], nil
	}
	return k.parsed(name, value)
}

// assign gives a setting a value, for the transaction only if local.
func (s *Session) assign(name, value string, local bool) error {
	if b := s.block; b != nil {
		b.local[name] = local || strings.HasPrefix(name, "transaction_")
	}
	s.settings[name] = value
	s.followDefaults()
	if k := knownSettings[name]; k.report != "" {
		return s.client.SetParameter(k.report, value)
	}
	return nil
}

// restore brings back what the settings were and reports it.
func (s *Session) restore(back settings) error {
	s.settings = back
	for name, k := range knownSettings {
		if k.report == "" {
			continue
		}
		if err := s.client.SetParameter(k.report, back[name]); err != nil {
			return err
		}
	}
	return nil
}

func (k setting) parsed(name, value string) (string, error) {
	if k.parse == nil {
		return value, nil
	}
	v, err := k.parse(value)
	if err != nil && !pgerr.Is(err, pgerr.FeatureNotSupported) {
		err = pgerr.Newf(pgerr.InvalidParameterValue, "invalid value for parameter %q: %q", name, value)
	}
	return v, err
}

// parseIsolation takes the levels that there are.
func parseIsolation(value string) (string, error) {
	v := strings.ToLower(value)
	return v, checkIsolation(v)
}

// parseSwitch takes PostgreSQL's spellings of on and off.
func parseSwitch(value string) (string, error) {
	switch strings.ToLower(value) {
	case "on", "true", "yes", "1", "t", "y":
		return "on", nil
	case "off", "false", "no", "0", "f", "n":
		return "off", nil
	}
	return "", errors.New("no switch")
}

// parseTimeout takes milliseconds, or a number with a unit.
func parseTimeout(value string) (string, error) {
	_, err := timeoutOf(value)
	return value, err
}

// timeoutOf is the length of a time setting such as 1500, 2s or 1min; 0 is none.
func timeoutOf(value string) (time.Duration, error) {
	v := strings.ReplaceAll(value, " ", "")
	if ms, err := strconv.ParseUint(v, 10, 31); err == nil {
		return time.Duration(ms) * time.Millisecond, nil
	}
	for _, unit := range [...]struct{ postgres, golang string }{{"min", "m"}, {"us", "us"}, {"ms", "ms"}, {"s", "s"}, {"h", "h"}} {
		if number, ok := strings.CutSuffix(v, unit.postgres); ok {
			d, err := time.ParseDuration(number + unit.golang)
			if err == nil && d < 0 {
				err = errors.New("negative")
			}
			return d, err
		}
	}
	return 0, errors.New("no time")
}

// sameSetting compares loosely: UTF8 and utf-8, 'ISO' and 'ISO, MDY'.
func sameSetting(value, fixed string) bool {
	fold := func(v string) string {
		return strings.NewReplacer("-", "", "_", "", " ", "", "'", "").Replace(strings.ToLower(v))
	}
	v, f := fold(value), fold(fixed)
	if v == f || v == "unicode" && f == "utf8" || strings.HasPrefix(f, v+",") && v != "" {
		return true
	}
	truth := map[string]string{"true": "on", "1": "on", "yes": "on", "false": "off", "0": "off", "no": "off"}
	return truth[v] == f || f == "utc" && (v == "etc/utc" || v == "gmt" || v == "z" || v == "0")
}

func unknownSetting(name string) error {
	return pgerr.Newf(pgerr.UndefinedObject, "unrecognized configuration parameter %q", name).
		WithHint("SHOW ALL lists the parameters.")
}

// showSetting shows one parameter, or all.
func (s *Session) showSetting(stmt *ast.Show) (*statement, error) {
	name := settingName(stmt.Setting)
	if name == "all" {
		var rows [][]any
		for n, k := range knownSettings {
			rows = append(rows, []any{n, s.settings[n], k.note})
		}
		sort.Slice(rows, func(i, j int) bool { return rows[i][0].(string) < rows[j][0].(string) })
		return static("SHOW", []string{"name", "setting", "description"}, rows), nil
	}
	v, ok := s.settings[name]
	if !ok {
		return nil, at(unknownSetting(name), stmt.Pos)
	}
	column := name
	if k := knownSettings[name]; k.report != "" {
		column = k.report
	}
	return static("SHOW", []string{column}, [][]any{{v}}), nil
}

func (s *Session) deallocate(d *ast.Deallocate) (string, error) {
	if d.Name == "" {
		s.client.Names().DropAll()
		return "DEALLOCATE ALL", nil
	}
	if !s.client.Names().Drop(d.Name) {
		return "", pgerr.At(int(d.Pos), pgerr.InvalidStatementName, "prepared statement %q does not exist", d.Name)
	}
	return "DEALLOCATE", nil
}

func (s *Session) discard(d *ast.Discard) (string, error) {
	switch strings.ToLower(d.What) {
	case "all":
		if s.status != pgwire.Idle {
			return "", pgerr.At(int(d.Pos), pgerr.ActiveTransaction, "DISCARD ALL cannot run inside a transaction block")
		}
		s.client.Names().DropAll()
		s.closeCursors(false)
		if err := s.initSettings(); err != nil {
			return "", err
		}
	case "plans", "sequences", "temp", "temporary":
	default:
		return "", pgerr.At(int(d.Pos), pgerr.SyntaxError, "DISCARD %s is not known", strconv.Quote(d.What))
	}
	return "DISCARD " + strings.ToUpper(d.What), nil
}
