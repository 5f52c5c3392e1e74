package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// levels are kernels on small integers.
func levels() {
	sumLevels()
	ranks()
	above()
}

func sumLevels() {
	kernel("sumLevelsAVX2", "func(dst *int16, src *uint8, at *int, rows, n int)", "sumLevelsAVX2 is SumLevels of n columns, a multiple of 64.")
	dst, src, at := load("dst"), load("src"), load("at")
	rows, n := load("rows"), load("n")
	low := YMM()
	VPCMPEQW(low, low, low)
	VPSRLW(U8(8), low, low)
	var even, odd [2]reg.VecVirtual
	Label("sumLevelsColumns")
	for i := range even {
		even[i], odd[i] = YMM(), YMM()
		VPXOR(even[i], even[i], even[i])
		VPXOR(odd[i], odd[i], odd[i])
	}
	p, r := GP64(), GP64()
	MOVQ(at, p)
	MOVQ(rows, r)
	Label("sumLevelsRows")
	a, b := GP64(), GP64()
	MOVQ(Mem{Base: p}, a)
	MOVQ(Mem{Base: p, Disp: 8}, b)
	for i := range even {
		x, y := YMM(), YMM()
		VMOVDQU(Mem{Base: src, Index: a, Scale: 1, Disp: 32 * i}, x)
		VPADDB(Mem{Base: src, Index: b, Scale: 1, Disp: 32 * i}, x, x)
		VPAND(x, low, y)
		VPSRLW(U8(8), x, x)
		VPADDW(y, even[i], even[i])
		VPADDW(x, odd[i], odd[i])
	}
	move(16, p)
	again("sumLevelsRows", r, 2)
	for i := range even {
		x, y, z := YMM(), YMM(), YMM()
		VPUNPCKLWD(odd[i], even[i], x)
		VPUNPCKHWD(odd[i], even[i], y)
		VPERM2I128(U8(0x20), y, x, z)
		VMOVDQU(z, Mem{Base: dst, Disp: 64 * i})
		VPERM2I128(U8(0x31), y, x, z)
		VMOVDQU(z, Mem{Base: dst, Disp: 64*i + 32})
	}
	move(64, src)
	move(128, dst)
	again("sumLevelsColumns", n, 64)
	end()
}

func ranks() {
	kernel("ranksAVX2", "func(dst, x *int16, rows, k int)", "ranksAVX2 is Ranks of at least one row.")
	dst, x := load("dst"), load("x")
	rows, rank := load("rows"), load("k")
	k, bit, out := YMM(), YMM(), YMM()
	VMOVD(rank.(reg.GPVirtual).As32(), k.AsX())
	VPBROADCASTW(k.AsX(), k)
	VPCMPEQW(bit, bit, bit)
	VPSRLW(U8(15), bit, bit)
	VPSLLW(U8(11), bit, bit)
	VPXOR(out, out, out)
	bits := GP64()
	MOVQ(U32(12), bits)
	Label("ranksBits")
	try, below, c := YMM(), YMM(), YMM()
	VPOR(bit, out, try)
	VPXOR(below, below, below)
	p, r := GP64(), GP64()
	MOVQ(x, p)
	MOVQ(rows, r)
	Label("ranksRows")
	VPCMPGTW(Mem{Base: p}, try, c)
	VPSUBW(c, below, below)
	move(32, p)
	again("ranksRows", r, 1)
	VPCMPGTW(k, below, c) // more than k are below
	VPANDN(bit, c, c)
	VPOR(c, out, out)
	VPSRLW(U8(1), bit, bit)
	again("ranksBits", bits, 1)
	VMOVDQU(out, Mem{Base: dst})
	end()
}

func above() {
	kernel("aboveAVX2", "func(set *uint64, x, limit *int16, n int)", "aboveAVX2 is Above of n numbers, a multiple of 64.")
	set, x, limit := load("set"), load("x"), load("limit")
	n := load("n")
	Label("above")
	for i := range 2 {
		a, b := YMM(), YMM()
		VMOVDQU(Mem{Base: x, Disp: 64 * i}, a)
		VMOVDQU(Mem{Base: x, Disp: 64*i + 32}, b)
		VPCMPGTW(Mem{Base: limit, Disp: 64 * i}, a, a)
		VPCMPGTW(Mem{Base: limit, Disp: 64*i + 32}, b, b)
		VPACKSSWB(b, a, a)
		VPERMQ(U8(0xD8), a, a)
		m := GP32()
		VPMOVMSKB(a, m)
		MOVL(m, Mem{Base: set, Disp: 4 * i})
	}
	move(128, x, limit)
	move(8, set)
	again("above", n, 64)
	end()
}
