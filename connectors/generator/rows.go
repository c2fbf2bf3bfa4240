package generator

import "github.com/apache/arrow-go/v18/arrow"

// symbols are the words of a symbol column, with the price around which each moves.
var symbols = []struct {
	name  string
	price float64
}{
	{"AAPL", 150}, {"GOOGL", 175}, {"MSFT", 420}, {"TSLA", 250}, {"AMZN", 185}, {"NVDA", 900}, {"META", 500}, {"NFLX", 620},
}

// rows is a range of one split's offsets.
type rows struct {
	n      int
	from   int64
	split  int32
	splits int64
	seed   uint64
	hash   []uint64 // one for each row, from seed, split and offset
	millis []int64  // event time
	symbol []uint8  // index into symbols
	price  []float64
}

// reset computes what columns share. Its buffers are reused: columns copy.
func (r *rows) reset(s *source, split int32, from int64, n int) {
	r.n, r.from, r.split, r.splits, r.seed = n, from, split, s.splits, s.seed
	if cap(r.hash) < n {
		r.hash, r.millis = make([]uint64, n), make([]int64, n)
		r.symbol, r.price = make([]uint8, n), make([]float64, n)
	}
	r.hash, r.millis, r.symbol, r.price = r.hash[:n], r.millis[:n], r.symbol[:n], r.price[:n]
	base := mix(s.seed ^ uint64(split)<<32)
	for i := range n {
		offset := from + int64(i)
		h := mix(base ^ uint64(offset))
		r.hash[i] = h
		r.millis[i] = s.millis(offset)
		r.symbol[i] = uint8(h % uint64(len(symbols)))
	}
	for i := range n {
		k := r.symbol[i]
		r.price[i] = symbols[k].price * walk(s.seed+uint64(k), offsetAt(from, i))
	}
}

func offsetAt(from int64, i int) uint64 { return uint64(from) + uint64(i) }

func (r *rows) arrays(columns []column) []arrow.Array {
	out := make([]arrow.Array, len(columns))
	for i, c := range columns {
		out[i] = c(r)
	}
	return out
}

// mix is a bijection whose output looks random (the finalizer of splitmix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// unit maps a hash to [0, 1).
func unit(h uint64) float64 { return float64(h>>11) / (1 << 53) }

// The octaves of walk: each is slower and larger by these factors.
const (
	octaves     = 4
	firstPeriod = 16
	periodStep  = 16
	firstSwing  = 0.0008
	swingStep   = 4
)

// walk returns a factor around 1 that wanders with at, as a random walk does, but
// can be computed at any place: a sum of noises, linear between hashed points.
func walk(seed, at uint64) float64 {
	sum := 1.0
	period, swing := uint64(firstPeriod), firstSwing
	for o := range uint64(octaves) {
		cell, part := at/period, float64(at%period)/float64(period)
		a, b := unit(mix(seed^o<<56^cell)), unit(mix(seed^o<<56^(cell+1)))
		sum += swing * (a + (b-a)*part - 0.5)
		period *= periodStep
		swing *= swingStep
	}
	return sum
}
