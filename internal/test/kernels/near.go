package main

import (
	"math/bits"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A scan compares eight hashes at once. Bits that differ are counted in each
// quarter of a hash, in lanes of 64 bits. As no count needs more than 16 bits, the
// lanes of four hashes are shifted into one another before the quarters are added.

// near512 is for AVX-512 with VPOPCNTDQ: two hashes in a register.
func near512() {
	kernel("nearAVX512", "func(q *uint64, hashes *byte, groups int, radius int, out *uint32) int", "nearAVX512 is nearGroups for so many groups, at least one.")
	hashes, groups := load("hashes"), load("groups")
	out := load("out")
	query, limit := ZMM(), ZMM()
	q := load("q")
	VBROADCASTI64X4(Mem{Base: q}, query)
	radius := GP64()
	Load(Param("radius"), radius)
	VPBROADCASTW(radius.As32(), limit)
	g, found := GP64(), GP64()
	XORQ(g, g)
	XORQ(found, found)

	Label("near512")
	var c [4]reg.VecVirtual
	for i := range c {
		c[i] = ZMM()
		VMOVDQU64(Mem{Base: hashes, Disp: 64 * i}, c[i])
	}
	differ512(c, query)
	note(func(any reg.GPVirtual) { near(c[0], limit, any) }, out, found, g)
	move(256, hashes)
	endGroups("near512", g, groups, found)
}

// differ512 counts in the words of c[0] the bits in which eight hashes differ from
// the query.
func differ512(c [4]reg.VecVirtual, query reg.VecVirtual) {
	for i := range c {
		VPXORQ(c[i], query, c[i])
		VPOPCNTQ(c[i], c[i])
	}
	addQuarters(c, ZMM)
}

// addQuarters adds, in the words of c[0], the counts of the quarters of each hash. register makes a
// register of the size of c. It returns a register that is free again.
func addQuarters(c [4]reg.VecVirtual, register func() reg.VecVirtual) reg.VecVirtual {
	for i := 1; i < 4; i++ {
		VPSLLQ(U8(16*i), c[i], c[i])
	}
	VPADDQ(c[1], c[0], c[0])
	VPADDQ(c[3], c[2], c[2])
	VPADDQ(c[2], c[0], c[0])
	other := register()
	VPSHUFD(U8(0x4e), c[0], other)
	VPADDQ(other, c[0], c[0])
	VPERMQ(U8(0x4e), c[0], other)
	VPADDQ(other, c[0], c[0])
	return other
}

// near sets any if a word of c is at most that of limit.
func near(c, limit reg.VecVirtual, any reg.GPVirtual) {
	k := K()
	VPCMPUW(U8(2), limit, c, k)
	KORTESTD(k, k)
	SETNE(any.As8())
}

// note writes the number g of the group to the list out of found groups, and goes on to the
// next group. found grows only if set sets its register. There is no jump.
func note(set func(any reg.GPVirtual), out, found, g reg.Register) {
	any := GP64()
	MOVQ(U32(0), any)
	set(any)
	MOVL(g.(reg.GP).As32(), Mem{Base: out, Index: found, Scale: 4})
	ADDQ(any, found)
	INCQ(g)
}

// endGroups ends a loop over groups and its function, which returns found.
func endGroups(label string, g, groups, found reg.Register) {
	CMPQ(g, groups)
	JL(LabelRef(label))
	VZEROUPPER()
	Store(found, ReturnIndex(0))
	RET()
}

// near256 is for AVX2: one hash in a register, bits counted by nibbles.
func near256() {
	counts := bytes32("nibbleCounts", func(i int) int { return bits.OnesCount(uint(i % 16)) })
	low := bytes32("lowNibbles", func(int) int { return 15 })
	kernel("nearAVX2", "func(q *uint64, hashes *byte, groups int, radius int, out *uint32) int", "nearAVX2 is nearGroups for so many groups, at least one.")
	hashes, groups := load("hashes"), load("groups")
	out := load("out")
	query, table, mask, zero, beyond := YMM(), YMM(), YMM(), YMM(), YMM()
	VMOVDQU(Mem{Base: load("q")}, query)
	VMOVDQU(counts, table)
	VMOVDQU(low, mask)
	VPXOR(zero, zero, zero)
	radius := GP64()
	Load(Param("radius"), radius)
	INCQ(radius)
	VMOVD(radius.As32(), beyond.AsX())
	VPBROADCASTW(beyond.AsX(), beyond)
	g, found := GP64(), GP64()
	XORQ(g, g)
	XORQ(found, found)

	Label("near256")
	var near [2]reg.VecVirtual
	for half := range near {
		near[half] = fourNear(hashes, 128*half, query, table, mask, zero, beyond)
	}
	VPOR(near[0], near[1], near[0])
	note(func(any reg.GPVirtual) {
		VPTEST(near[0], near[0])
		SETNE(any.As8())
	}, out, found, g)
	move(256, hashes)
	endGroups("near256", g, groups, found)
}

// fourNear sets bits in the words of the near ones of four hashes.
func fourNear(hashes reg.Register, disp int, query, table, mask, zero, beyond reg.VecVirtual) reg.VecVirtual {
	var c [4]reg.VecVirtual
	for i := range c {
		high := YMM()
		c[i] = YMM()
		VPXOR(Mem{Base: hashes, Disp: disp + 32*i}, query, c[i])
		VPSRLW(U8(4), c[i], high)
		VPAND(mask, c[i], c[i])
		VPAND(mask, high, high)
		VPSHUFB(c[i], table, c[i])
		VPSHUFB(high, table, high)
		VPADDB(high, c[i], c[i])
		VPSADBW(zero, c[i], c[i])
	}
	other := addQuarters(c, YMM)
	VPCMPGTW(c[0], beyond, other)
	return other
}

func bytes32(name string, value func(i int) int) Mem {
	m := GLOBL(name, 8|16) // RODATA | NOPTR
	for i := range 32 {
		DATA(i, U8(value(i)))
	}
	return m
}
