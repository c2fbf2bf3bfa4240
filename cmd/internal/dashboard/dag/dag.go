// Package dag lays out directed graphs in layers, from the left to the right.
//
// Nouns: vertex (a number below the count given), layer (the column that a vertex
// stands in), bend (a vertex added where a long edge passes a layer), path (an
// edge with its bends).
//
// Rule: every edge goes from a layer to the next one, so that whoever draws it
// needs to look at two neighbouring layers only. The same graph always gets the
// same layout.
package dag

import (
	"cmp"
	"slices"
)

// Edge goes from a vertex to one that depends on it.
type Edge struct{ From, To int }

// Layout is a graph laid out.
type Layout struct {
	// Layers has the vertices of each layer from above; those from the count on are
	// bends.
	Layers [][]int
	// Row is the height at which a vertex stands, in steps of one; vertices of a layer
	// are at least one step apart.
	Row []int
	// Paths has for each edge its vertices in order, bends included.
	Paths [][]int
}

// sweeps is how often the order of the layers is improved in each direction.
const sweeps = 6

// New lays out a graph of count vertices. Edges that would close a cycle are left
// out of Paths (nil there).
func New(count int, edges []Edge) Layout {
	layer := layers(count, edges)
	l := Layout{Paths: make([][]int, len(edges))}
	next := count
	for i, e := range edges {
		if layer[e.To] <= layer[e.From] {
			continue
		}
		path := []int{e.From}
		for at := layer[e.From] + 1; at < layer[e.To]; at++ {
			layer = append(layer, at)
			path = append(path, next)
			next++
		}
		l.Paths[i] = append(path, e.To)
	}
	for v, at := range layer {
		for len(l.Layers) <= at {
			l.Layers = append(l.Layers, nil)
		}
		l.Layers[at] = append(l.Layers[at], v)
	}
	before, after := neighbours(next, l.Paths)
	l.order(before, after)
	l.place(next, before, after)
	return l
}

// layers gives each vertex the length of the longest way to it.
func layers(count int, edges []Edge) []int {
	out := make([]int, count)
	for range count { // at most so often, even with cycles
		changed := false
		for _, e := range edges {
			if want := out[e.From] + 1; out[e.To] < want && want < count {
				out[e.To] = want
				changed = true
			}
		}
		if !changed {
			break
		}
	}
	return out
}

func neighbours(count int, paths [][]int) (before, after [][]int) {
	before, after = make([][]int, count), make([][]int, count)
	for _, p := range paths {
		for i := 1; i < len(p); i++ {
			before[p[i]] = append(before[p[i]], p[i-1])
			after[p[i-1]] = append(after[p[i-1]], p[i])
		}
	}
	return before, after
}

// order sorts each layer by the mean place of its neighbours, to and fro, and
// keeps the order with the fewest crossings.
func (l *Layout) order(before, after [][]int) {
	best, fewest := clone(l.Layers), l.crossings(after)
	for i := range sweeps {
		for at := 1; at < len(l.Layers); at++ {
			l.sortBy(at, at-1, before)
		}
		if n := l.crossings(after); n < fewest {
			best, fewest = clone(l.Layers), n
		}
		for at := len(l.Layers) - 2; at >= 0 && i < sweeps-1; at-- {
			l.sortBy(at, at+1, after)
		}
		if n := l.crossings(after); n < fewest {
			best, fewest = clone(l.Layers), n
		}
	}
	l.Layers = best
}

func clone(layers [][]int) [][]int {
	out := make([][]int, len(layers))
	for i, l := range layers {
		out[i] = slices.Clone(l)
	}
	return out
}

func (l *Layout) sortBy(at, other int, near [][]int) {
	place := places(l.Layers[other])
	own := places(l.Layers[at])
	mean := func(v int) float64 {
		if len(near[v]) == 0 {
			return float64(own[v])
		}
		sum := 0
		for _, n := range near[v] {
			sum += place[n]
		}
		return float64(sum) / float64(len(near[v]))
	}
	slices.SortStableFunc(l.Layers[at], func(a, b int) int { return cmp.Compare(mean(a), mean(b)) })
}

func places(layer []int) map[int]int {
	out := make(map[int]int, len(layer))
	for i, v := range layer {
		out[v] = i
	}
	return out
}

// crossings counts the pairs of edges between neighbouring layers that cross.
func (l *Layout) crossings(after [][]int) int {
	n := 0
	for at := range max(0, len(l.Layers)-1) {
		place := places(l.Layers[at+1])
		var ends []int
		for _, v := range l.Layers[at] {
			own := make([]int, 0, len(after[v]))
			for _, to := range after[v] {
				own = append(own, place[to])
			}
			for _, p := range own {
				for _, q := range ends {
					if q > p {
						n++
					}
				}
			}
			ends = append(ends, own...)
		}
	}
	return n
}

// place gives rows: the longest layer is dense, the others follow their
// neighbours from there to both sides.
func (l *Layout) place(count int, before, after [][]int) {
	l.Row = make([]int, count)
	longest := 0
	for at, layer := range l.Layers {
		if len(layer) > len(l.Layers[longest]) {
			longest = at
		}
	}
	if len(l.Layers) == 0 {
		return
	}
	height := len(l.Layers[longest])
	for i, v := range l.Layers[longest] {
		l.Row[v] = i
	}
	for at := longest + 1; at < len(l.Layers); at++ {
		l.follow(at, height, before)
	}
	for at := longest - 1; at >= 0; at-- {
		l.follow(at, height, after)
	}
}

// follow puts each vertex of a layer at the middle of its neighbours' rows, as far
// as the order and the height allow.
func (l *Layout) follow(at, height int, near [][]int) {
	layer := l.Layers[at]
	low := 0
	for i, v := range layer {
		want := low
		if rows := near[v]; len(rows) > 0 {
			sum := 0
			for _, n := range rows {
				sum += l.Row[n]
			}
			want = (2*sum + len(rows)) / (2 * len(rows))
		}
		l.Row[v] = max(low, min(want, height-(len(layer)-i)))
		low = l.Row[v] + 1
	}
}
