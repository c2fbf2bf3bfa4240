package avro

// skip compiles a value that nobody wants.
func (c *compiler) skip(n *node) []op {
	switch n.kind {
	case kindNull:
		return nil
	case kindBoolean:
		return []op{{code: opSkipFixed, n: 1}}
	case kindFloat:
		return []op{{code: opSkipFixed, n: 4}}
	case kindDouble:
		return []op{{code: opSkipFixed, n: 8}}
	case kindFixed:
		return []op{{code: opSkipFixed, n: n.size}}
	case kindInt, kindLong, kindEnum:
		return []op{{code: opSkipVarint}}
	case kindBytes, kindString:
		return []op{{code: opSkipBytes}}
	case kindArray:
		return []op{{code: opCall, fn: skipBlocks, sub: c.skipShared(n.items)}}
	case kindMap:
		return []op{{code: opCall, fn: skipBlocks, n: 1, sub: c.skipShared(n.items)}}
	case kindUnion:
		return c.skipUnion(n)
	}
	p := c.skipShared(n)
	if p.ops != nil && len(p.ops) <= maxInline {
		return append([]op(nil), p.ops...)
	}
	return []op{{code: opCall, fn: runSub, sub: p}}
}

// skipShared returns the program that skips n. A record has one however often
// its name occurs; while it is being compiled its ops are still nil, which
// makes a recursive schema a program that calls itself.
func (c *compiler) skipShared(n *node) *program {
	if p := c.skips[n]; p != nil {
		return p
	}
	p := &program{}
	c.skips[n] = p
	if n.kind != kindRecord {
		p.ops = c.skip(n)
		return p
	}
	ops := []op{}
	for _, f := range n.fields {
		ops = appendMerged(ops, c.skip(f.node))
	}
	p.ops = ops
	return p
}

func (c *compiler) skipUnion(n *node) []op {
	if len(n.branches) == 2 {
		for i, b := range n.branches {
			if b.kind != kindNull {
				continue
			}
			if ops := c.skip(n.branches[1-i]); len(ops) == 1 && !ops[0].nullable {
				ops[0].nullable, ops[0].nullByte = true, byte(i<<1)
				return ops
			}
		}
	}
	o := op{code: opCall, fn: runUnion, alts: make([]program, len(n.branches))}
	for i, b := range n.branches {
		o.alts[i] = program{c.skip(b)}
	}
	return []op{o}
}

// skipBlocks skips an array, or with n = 1 a map. Blocks that tell their size
// are jumped over.
func skipBlocks(m *machine, o *op, b []byte, pos int) int {
	for {
		count, size, next := m.block(o, b, pos)
		if next < 0 || count == 0 {
			return next
		}
		pos = next
		if size >= 0 {
			pos += size
			continue
		}
		if o.n == 0 && len(o.sub.ops) == 0 {
			continue // items without bytes
		}
		for ; count > 0; count-- {
			if o.n == 1 {
				if _, pos = m.bytes(o, b, pos); pos < 0 {
					return -1
				}
			}
			if pos = m.nested(o, o.sub.ops, b, pos); pos < 0 {
				return -1
			}
		}
	}
}

// block reads a block's head: the number of items (0 ends the array or map)
// and, where it is written, the size in bytes, else -1.
func (m *machine) block(o *op, b []byte, pos int) (count int64, size, next int) {
	count, n := varint(b, pos)
	if n <= 0 {
		return 0, 0, m.badVarint(o, n)
	}
	pos += n
	if count >= 0 {
		return count, -1, pos
	}
	if count = -count; count < 0 {
		return 0, 0, m.fail(o, "a block of %d items", count)
	}
	bytes, n := varint(b, pos)
	if n <= 0 {
		return 0, 0, m.badVarint(o, n)
	}
	pos += n
	if bytes < 0 {
		return 0, 0, m.fail(o, "a block of %d bytes", bytes)
	}
	if bytes > int64(len(b)-pos) {
		return 0, 0, m.short(o)
	}
	return count, int(bytes), pos
}

// nested runs a program one level deeper.
func (m *machine) nested(o *op, ops []op, b []byte, pos int) int {
	if m.depth++; m.depth > maxDepth {
		return m.fail(o, "values are nested more than %d deep", maxDepth)
	}
	pos = m.run(ops, b, pos)
	m.depth--
	return pos
}
