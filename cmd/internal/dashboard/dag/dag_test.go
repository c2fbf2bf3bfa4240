package dag

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// TestLayout lays out the graph of the input, lines "from -> to to". Bends are
// shown as *.
func TestLayout(t *testing.T) {
	datadriven.RunTest(t, "testdata/layout.txt", func(t *testing.T, d *datadriven.TestData) string {
		var names []string
		var edges []Edge
		vertex := func(name string) int {
			if i := slices.Index(names, name); i >= 0 {
				return i
			}
			names = append(names, name)
			return len(names) - 1
		}
		for _, l := range strings.Split(d.Input, "\n") {
			from, to, _ := strings.Cut(l, "->")
			v := vertex(strings.TrimSpace(from))
			for _, name := range strings.Fields(to) {
				edges = append(edges, Edge{v, vertex(name)})
			}
		}
		l := New(len(names), edges)
		checkLayout(t, len(names), edges, l)
		var out strings.Builder
		for i, layer := range l.Layers {
			fmt.Fprintf(&out, "%d:", i)
			for _, v := range layer {
				name := "*"
				if v < len(names) {
					name = names[v]
				}
				fmt.Fprintf(&out, " %s@%d", name, l.Row[v])
			}
			out.WriteByte('\n')
		}
		return out.String()
	})
}

// checkLayout checks what every layout keeps to.
func checkLayout(t *testing.T, count int, edges []Edge, l Layout) {
	t.Helper()
	layer := map[int]int{}
	for at, vs := range l.Layers {
		for i, v := range vs {
			layer[v] = at
			if i > 0 && l.Row[v] <= l.Row[vs[i-1]] {
				t.Errorf("layer %d: rows %d and %d out of order", at, l.Row[vs[i-1]], l.Row[v])
			}
		}
	}
	for v := range count {
		if _, ok := layer[v]; !ok {
			t.Errorf("vertex %d is in no layer", v)
		}
	}
	for i, p := range l.Paths {
		if p == nil {
			continue
		}
		if p[0] != edges[i].From || p[len(p)-1] != edges[i].To {
			t.Errorf("path %v of edge %v", p, edges[i])
		}
		for j := 1; j < len(p); j++ {
			if layer[p[j]] != layer[p[j-1]]+1 {
				t.Errorf("path %v skips a layer", p)
			}
		}
	}
}

// TestRandomLayouts checks the rules on random graphs without cycles, and that
// graphs with cycles end.
func TestRandomLayouts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		n := 1 + r.IntN(25)
		var edges []Edge
		for range r.IntN(50) {
			if a, b := r.IntN(n), r.IntN(n); a < b {
				edges = append(edges, Edge{a, b})
			}
		}
		l := New(n, edges)
		checkLayout(t, n, edges, l)
		for i, p := range l.Paths {
			if p == nil {
				t.Errorf("edge %v has no path", edges[i])
			}
		}
	}
	checkLayout(t, 3, []Edge{{0, 1}, {1, 2}, {2, 0}}, New(3, []Edge{{0, 1}, {1, 2}, {2, 0}}))
	New(0, nil)
}
