package avro

// The steps of opCall that hold other programs or touch several columns. Each
// has the signature of op.fn.

func runNull(m *machine, o *op, _ []byte, pos int) int {
	if o.notNull {
		return m.null(o)
	}
	o.col.AppendNull()
	return pos
}

// runReject refuses a value whose type does not fit; data is the reason.
func runReject(m *machine, o *op, _ []byte, _ int) int { return m.fail(nil, "%s", o.data) }

// runConstant reads the value from a default instead of the record.
func runConstant(m *machine, o *op, _ []byte, pos int) int {
	if m.nested(o, o.sub.ops, o.data, 0) < 0 {
		return -1
	}
	return pos
}

// runPeek reads a value that a later op reads again.
func runPeek(m *machine, o *op, b []byte, pos int) int {
	if m.nested(o, o.sub.ops, b, pos) < 0 {
		return -1
	}
	return pos
}

func runSub(m *machine, o *op, b []byte, pos int) int { return m.nested(o, o.sub.ops, b, pos) }

func runStruct(m *machine, o *op, b []byte, pos int) int {
	if pos = m.nested(o, o.sub.ops, b, pos); pos >= 0 {
		o.col.Rows++
	}
	return pos
}

func runUnion(m *machine, o *op, b []byte, pos int) int {
	branch, n := varint(b, pos)
	if n <= 0 {
		return m.badVarint(o, n)
	}
	if branch < 0 || branch >= int64(len(o.alts)) {
		return m.fail(o, "union branch %d of %d", branch, len(o.alts))
	}
	return m.nested(o, o.alts[branch].ops, b, pos+n)
}

// runArray reads an array; n is the least width of an item.
func runArray(m *machine, o *op, b []byte, pos int) int {
	total := int64(0)
	for {
		count, _, next := m.block(o, b, pos)
		if next < 0 {
			return next
		}
		if pos = next; count == 0 {
			o.col.Ends = append(o.col.Ends, int32(o.col.Kids[0].Len()))
			return pos
		}
		total += count
		if o.n > 0 && count > int64((len(b)-pos)/o.n) {
			return m.short(o)
		}
		if o.n == 0 && (count > maxEmptyItems || total > maxEmptyItems) {
			return m.fail(o, "more than %d items without bytes", maxEmptyItems)
		}
		for ; count > 0; count-- {
			if pos = m.nested(o, o.sub.ops, b, pos); pos < 0 {
				return -1
			}
		}
	}
}

func runMap(m *machine, o *op, b []byte, pos int) int {
	keys := o.col.Kids[0]
	for {
		count, _, next := m.block(o, b, pos)
		if next < 0 {
			return next
		}
		if pos = next; count == 0 {
			o.col.Ends = append(o.col.Ends, int32(keys.Len()))
			return pos
		}
		if count > int64(len(b)-pos) { // a key has a byte at least
			return m.short(o)
		}
		key := op{col: keys, n: int(keys.Type.Precision), path: o.path}
		for ; count > 0; count-- {
			if pos = m.text(&key, b, pos); pos < 0 {
				return -1
			}
			if pos = m.nested(o, o.sub.ops, b, pos); pos < 0 {
				return -1
			}
		}
	}
}
