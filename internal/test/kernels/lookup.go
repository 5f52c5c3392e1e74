package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The three steps of a look-up wait for memory most of the time. So that the processor has
// as many reads under way as it can, no jump depends on what is read. Lists of more than
// four numbers are the exception.

// probe512 looks eight values up at once. It ends before the first eight values that touch
// a wide block.
func probe512() {
	low := quads("nibbles512", 0x0f0f0f0f0f0f0f0f)
	kernel("probeAVX512", "func(blocks *byte, value uint32, masks *uint32, n int, runs *uint64, filled int) (done, fill, numbers int)", "probeAVX512 is table.probe for n masks, a multiple of eight, or as many as come before a wide block.")
	blocks, masks, n := load("blocks"), load("masks"), load("n")
	runs, filled := load("runs"), load("filled")
	value, fifteen := YMM(), YMM()
	v := GP32()
	Load(Param("value"), v)
	VPBROADCASTD(v, value)
	MOVL(U32(15), v)
	VPBROADCASTD(v, fifteen)
	one, nibbles, zero, last, sum := ZMM(), ZMM(), ZMM(), ZMM(), ZMM()
	VPMOVZXDQ(fifteen, last)
	VPXORQ(zero, zero, zero)
	VPXORQ(sum, sum, sum)
	VMOVDQU64(low, nibbles)
	q := GP64()
	MOVQ(U32(1), q)
	VPBROADCASTQ(q, one)
	done := GP64()
	XORQ(done, done)

	Label("probe")
	CMPQ(done, n)
	JGE(LabelRef("probed"))
	key, at, first := YMM(), YMM(), YMM()
	VPXORD(Mem{Base: masks, Index: done, Scale: 4}, value, key)
	VPSRLD(U8(4), key, at)
	triple := YMM()
	VPADDD(at, at, triple)
	VPADDD(triple, at, at) // blocks are three words
	k1, k2 := K(), K()
	KXNORB(k1, k1, k1)
	KXNORB(k2, k2, k2)
	VPXORD(first, first, first)
	lengths := ZMM()
	VPXORQ(lengths, lengths, lengths)
	VPGATHERDD(Mem{Base: blocks, Index: at, Scale: 4}, k1, first)
	VPGATHERDQ(Mem{Base: blocks, Disp: 4, Index: at, Scale: 4}, k2, lengths)
	wide := K()
	VPMOVD2M(first, wide)
	KORTESTB(wide, wide)
	JNE(LabelRef("probed"))

	shift32, shift := YMM(), ZMM()
	VPANDD(fifteen, key, shift32)
	VPSLLD(U8(2), shift32, shift32)
	VPMOVZXDQ(shift32, shift)
	before, odd, count, start := ZMM(), ZMM(), ZMM(), ZMM()
	VPSLLVQ(shift, one, before)
	VPSUBQ(one, before, before)
	VPANDQ(lengths, before, before)
	VPSRLQ(U8(4), before, odd)
	VPANDQ(nibbles, before, before)
	VPANDQ(nibbles, odd, odd)
	VPADDB(odd, before, before)
	VPSADBW(zero, before, before)
	VPSRLVQ(shift, lengths, count)
	VPANDQ(last, count, count)
	VPADDQ(count, sum, sum)
	VPMOVZXDQ(first, start)
	VPADDQ(before, start, start)
	some := K()
	VPTESTMQ(count, count, some)
	VPSLLQ(U8(32), count, count)
	VPORQ(count, start, start)
	VPCOMPRESSQ_Z(start, some, start)
	VMOVDQU64(start, Mem{Base: runs, Index: filled, Scale: 8})
	c := GP32()
	KMOVB(some, c)
	POPCNTL(c, c)
	ADDQ(c.As64(), filled)
	move(8, done)
	JMP(LabelRef("probe"))

	Label("probed")
	Store(done, Return("done"))
	Store(filled, Return("fill"))
	half, quarter := YMM(), XMM()
	VEXTRACTI64X4(U8(1), sum, half)
	VPADDQ(half, sum.AsY(), half)
	VEXTRACTI128(U8(1), half, quarter)
	VPADDQ(half.AsX(), quarter, quarter)
	other := XMM()
	VPSHUFD(U8(0x4e), quarter, other)
	VPADDQ(other, quarter, quarter)
	total := GP64()
	VMOVQ(quarter, total)
	Store(total, Return("numbers"))
	end()
}

// gatherRuns copies four numbers at once, from 3 or 4 bytes each to 4.
func gatherRuns(name string, size int, widen []int) {
	kernel(name, "func(lists *byte, runs *uint64, n int, ids *uint32) int", name+" is idList.gather of n runs, at least one.")
	var shuffle Mem
	if widen != nil {
		shuffle = GLOBL("widen3", 8|16) // RODATA | NOPTR
		for i, b := range widen {
			DATA(i, U8(b))
		}
	}
	lists, runs, n, ids := load("lists"), load("runs"), load("n"), load("ids")
	mask := XMM()
	if widen != nil {
		VMOVDQU(shuffle, mask)
	}
	start, left, x := GP64(), GP64(), XMM()
	first := GP64()
	MOVQ(ids, first)
	copy4 := func() {
		VMOVDQU(Mem{Base: start}, x)
		if widen != nil {
			VPSHUFB(mask, x, x)
		}
		VMOVDQU(x, Mem{Base: ids})
	}
	Label(name + "Run")
	MOVL(Mem{Base: runs}, start.As32())
	MOVL(Mem{Base: runs, Disp: 4}, left.As32())
	if size == 3 {
		LEAQ(Mem{Base: start, Index: start, Scale: 2}, start)
	} else {
		SHLQ(U8(2), start)
	}
	ADDQ(lists, start)
	Label(name + "Copy")
	copy4()
	CMPQ(left, U8(4))
	JHI(LabelRef(name + "More"))
	LEAQ(Mem{Base: ids, Index: left, Scale: 4}, ids)
	move(8, runs)
	DECQ(n)
	JNE(LabelRef(name + "Run"))
	SUBQ(first, ids)
	SHRQ(U8(2), ids)
	Store(ids, ReturnIndex(0))
	RET()
	Label(name + "More")
	move(16, ids)
	move(4*size, start)
	SUBQ(U8(4), left)
	JMP(LabelRef(name + "Copy"))
}

// nearIDs512 is near512 for hashes that lie anywhere.
func nearIDs512() {
	kernel("nearIDsAVX512", "func(q *uint64, hashes *byte, ids *uint32, groups int, radius int, out *uint32) int", "nearIDsAVX512 writes to out which of so many groups of eight numbers, at least one, have a hash within radius bits of q. It returns how many.")
	hashes, ids, groups, out := load("hashes"), load("ids"), load("groups"), load("out")
	query, limit := ZMM(), ZMM()
	VBROADCASTI64X4(Mem{Base: load("q")}, query)
	VPBROADCASTW(load("radius").As32(), limit)
	g, found := GP64(), GP64()
	XORQ(g, g)
	XORQ(found, found)

	Label("nearIDs")
	var c [4]reg.VecVirtual
	for i := range c {
		a, b := GP64(), GP64()
		MOVL(Mem{Base: ids, Disp: 8 * i}, a.As32())
		MOVL(Mem{Base: ids, Disp: 8*i + 4}, b.As32())
		SHLQ(U8(5), a)
		SHLQ(U8(5), b)
		z := ZMM()
		VMOVDQU(Mem{Base: hashes, Index: a, Scale: 1}, z.AsY())
		VINSERTI64X4(U8(1), Mem{Base: hashes, Index: b, Scale: 1}, z, z)
		c[i] = z
	}
	differ512(c, query)
	note(func(any reg.GPVirtual) { near(c[0], limit, any) }, out, found, g)
	move(32, ids)
	endGroups("nearIDs", g, groups, found)
}

func quads(name string, v uint64) Mem {
	m := GLOBL(name, 8|16) // RODATA | NOPTR
	for i := range 8 {
		DATA(8*i, U64(v))
	}
	return m
}
