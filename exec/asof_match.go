package exec

import (
	"math"

	"laminardb/planner/plan"
)

// passed reports whether the right watermark is above a time: no right row with
// it, or with an earlier one, can come.
func (j *asofJoin) passed(t int64) bool {
	return j.marks.ended[rightInput] || t < j.marks.time(rightInput)
}

// match finds the right row of a left one, nullRow for none. final is false if it
// cannot be known yet.
func (j *asofJoin) match(key uint32, t int64) (row int64, final bool) {
	link := int64(nullRow)
	switch j.direction {
	case plan.AsofBackward:
		if !j.passed(plus(t, j.high)) {
			return nullRow, false
		}
		link, final = j.before(key, t), true
	case plan.AsofForward:
		link, _ = j.after(key, plus(t, j.low), plus(t, j.high))
		final = link != nullRow || j.passed(plus(t, j.high))
	case plan.AsofNearest:
		link, final = j.nearest(key, t)
	}
	if link == nullRow {
		return nullRow, final
	}
	return j.rows[link], final
}

// before is the latest row in reach.
func (j *asofJoin) before(key uint32, t int64) (link int64) {
	link, at := j.right.latest(key, plus(t, j.high))
	if j.low != plan.NoLow && at < plus(t, j.low) {
		return nullRow
	}
	return link
}

// after is the earliest row between two times, with its time.
func (j *asofJoin) after(key uint32, least, most int64) (link, at int64) {
	link, at = j.right.earliest(key, least)
	if at > most {
		return nullRow, at
	}
	return link, at
}

func (j *asofJoin) nearest(key uint32, t int64) (link int64, final bool) {
	low := int64(math.MinInt64)
	if j.low != plan.NoLow {
		low = plus(t, j.low)
	}
	back, backTime := j.right.latest(key, min(t, plus(t, j.high)))
	if back != nullRow && backTime < low {
		back = nullRow
	}
	ahead, aheadTime := j.after(key, max(low, plus(t, 1)), plus(t, j.high))
	switch {
	case back == nullRow && ahead == nullRow:
		return nullRow, j.passed(plus(t, j.high))
	case back == nullRow || ahead != nullRow && aheadTime-t < t-backTime:
		return ahead, true
	}
	// A row to come, or not passed yet, can win only by being nearer ahead.
	return back, j.passed(t) && j.passed(min(plus(t, t-backTime-1), plus(t, j.high)))
}
