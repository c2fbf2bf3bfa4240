package exectest

import (
	"context"
	"errors"
	"fmt"
)

// Retained runs a query with the option retention in the variants. At every
// watermark no row may be there whose event time is below it by more than the
// retention, and at the end the others must be those of the SELECT: which they are
// depends on the last watermark, since those just before the end may be left out.
func (w *World) Retained(ctx context.Context, name string, variants []Variant) error {
	all, err := w.Once(name, -1)
	if err != nil {
		return err
	}
	for _, v := range variants {
		bound := int64(-endOfTime)
		got, err := w.Continuous(ctx, name, v, func(so *Result, watermark int64) error {
			bound = watermark - w.queries[name].retentionMillis
			if n := len(so.below(bound).rows); n > 0 {
				return fmt.Errorf("at watermark %d: %d rows should be gone", watermark, n)
			}
			return nil
		})
		if err == nil {
			// The last watermarks may have come together, and more be gone by them.
			bound = max(bound, got.oldest(bound))
			if d := difference(got.Result, all.from(bound), v.inOrder() && !w.retracts(name)); d != "" {
				err = errors.New(d)
			}
		}
		if err != nil {
			return fmt.Errorf("%s: %w", v, err)
		}
	}
	return nil
}

// from returns the rows with an event time of at least the bound.
func (r *Result) from(bound int64) *Result {
	out := *r
	out.rows = map[string]*row{}
	for k, at := range r.rows {
		if at.millis >= bound {
			out.rows[k] = at
		}
	}
	return &out
}

// oldest returns the smallest event time of the rows, none if there is no row.
func (r *Result) oldest(none int64) int64 {
	oldest := int64(endOfTime)
	for _, at := range r.rows {
		oldest = min(oldest, at.millis)
	}
	if len(r.rows) == 0 {
		return none
	}
	return oldest
}
