package dashboard

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// none stands for what is not known.
const none = "–"

// count writes a number of things in at most five characters: 987, 12.3k, 4.56M.
func count(v float64) string {
	if math.IsNaN(v) {
		return none
	}
	sign := ""
	if v < 0 {
		sign, v = "-", -v
	}
	for _, unit := range []struct {
		size   float64
		suffix string
	}{{1e15, "P"}, {1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if v >= unit.size*0.9995 {
			return sign + three(v/unit.size) + unit.suffix
		}
	}
	if v >= 100 || v == math.Trunc(v) {
		return sign + strconv.FormatFloat(v, 'f', 0, 64)
	}
	return sign + three(v)
}

// three writes a number from 0 to 1000 with three digits.
func three(v float64) string {
	switch {
	case math.IsNaN(v):
		return none
	case v < 9.995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case v < 99.95:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

// rate is a count per second.
func rate(v float64) string {
	if math.IsNaN(v) {
		return none
	}
	if v > 0 && v < 1 {
		return strconv.FormatFloat(v, 'f', 1, 64) + "/s"
	}
	return count(v) + "/s"
}

// size is a number of bytes.
func size(v float64) string {
	if math.IsNaN(v) {
		return none
	}
	for _, unit := range []struct {
		size   float64
		suffix string
	}{{1 << 40, " TiB"}, {1 << 30, " GiB"}, {1 << 20, " MiB"}, {1 << 10, " KiB"}} {
		if v >= unit.size {
			return three(v/unit.size) + unit.suffix
		}
	}
	return strconv.FormatFloat(v, 'f', 0, 64) + " B"
}

// price is a price with two decimals.
func price(v float64) string {
	if math.IsNaN(v) {
		return none
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// signed is a number with its sign and so many decimals.
func signed(v float64, decimals int) string {
	if math.IsNaN(v) {
		return none
	}
	return fmt.Sprintf("%+.*f", decimals, v)
}

// span is a duration with its two largest units: 850ms, 5.2s, 3m12s, 4h05m, 2d03h.
func span(d time.Duration) string {
	d = max(0, d)
	switch {
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + "ms"
	case d < 10*time.Second:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + "s"
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + "s"
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%02dh", int(d.Hours())/24, int(d.Hours())%24)
}

// seconds is a duration in whole seconds or larger units, for ages that tick.
func seconds(d time.Duration) string {
	if d < 10*time.Second {
		return strconv.Itoa(int(max(0, d).Seconds())) + "s"
	}
	return span(d)
}

// clock is the time of day of epoch milliseconds, in UTC.
func clock(millis int64) string { return time.UnixMilli(millis).UTC().Format("15:04:05") }

// axis writes the values at the marks of an axis with as many decimals as tell
// them apart.
func axis(v, step float64) string {
	decimals := 0
	if step > 0 {
		decimals = max(0, min(6, int(math.Ceil(-math.Log10(step)-1e-9))))
	}
	if math.Abs(v) >= 10000 && decimals == 0 {
		return count(v)
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

// pad fills text with blanks to width.
func pad(text string, width int) string {
	if n := width - len([]rune(text)); n > 0 {
		return text + strings.Repeat(" ", n)
	}
	return text
}

// pick is the first value if ok, else the second.
func pick[T any](ok bool, yes, no T) T {
	if ok {
		return yes
	}
	return no
}
