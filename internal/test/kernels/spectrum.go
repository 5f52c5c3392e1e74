package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// transposes writes the kernels that move floats between rows and interleaved sequences.
func transposes() {
	interleave("interleaveAVX2", "func(dst *complex64, src *float32, stride, n int)")
	Doc("interleaveAVX2 writes 8 rows of n floats, n a multiple of 8, as columns of 4 of 8 complex numbers a row.")
	interleave("intoColumnsAVX2", "func(dst, src *float32, stride, n int)")
	Doc("intoColumnsAVX2 writes 8 rows of n floats, n a multiple of 8, as columns of 8 of 16 floats a row.")
	intoRows()
}

func interleave(name, signature string) {
	TEXT(name, NOSPLIT, signature)
	Pragma("noescape")
	dst, src := load("dst"), load("src")
	stride, n := load("stride"), load("n")
	SHLQ(U8(2), stride)
	rows := rowPointers(src, stride)
	Label(name + "Loop")
	var v [8]reg.VecVirtual
	for i := range v {
		v[i] = ymm(rows(i))
	}
	for i, y := range transpose8(v) {
		VMOVUPS(y, Mem{Base: dst, Disp: 64 * i})
	}
	move(8*64, dst)
	move(32, src)
	again(name+"Loop", n, 8)
	end()
}

func intoRows() {
	kernel("intoRowsAVX2", "func(dst *float32, stride int, src *float32, n int)", "intoRowsAVX2 undoes intoColumnsAVX2.")
	dst, stride := load("dst"), load("stride")
	src, n := load("src"), load("n")
	SHLQ(U8(2), stride)
	rows := rowPointers(dst, stride)
	Label("intoRows")
	var v [8]reg.VecVirtual
	for i := range v {
		v[i] = ymm(Mem{Base: src, Disp: 64 * i})
	}
	for i, y := range transpose8(v) {
		VMOVUPS(y, rows(i))
	}
	move(8*64, src)
	move(32, dst)
	again("intoRows", n, 8)
	end()
}

// rowPointers addresses row 0..7 from a base that moves on.
func rowPointers(base, stride reg.Register) func(int) Mem {
	s3, s5, s7 := GP64(), GP64(), GP64()
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, s3)
	LEAQ(Mem{Base: stride, Index: stride, Scale: 4}, s5)
	LEAQ(Mem{Base: s3, Index: stride, Scale: 4}, s7)
	return func(i int) Mem {
		switch i {
		case 0:
			return Mem{Base: base}
		case 3:
			return Mem{Base: base, Index: s3, Scale: 1}
		case 5:
			return Mem{Base: base, Index: s5, Scale: 1}
		case 6:
			return Mem{Base: base, Index: s3, Scale: 2}
		case 7:
			return Mem{Base: base, Index: s7, Scale: 1}
		}
		return Mem{Base: base, Index: stride, Scale: uint8(i)}
	}
}

func transpose8(v [8]reg.VecVirtual) (out [8]reg.VecVirtual) {
	var t, u [8]reg.VecVirtual
	for i := 0; i < 8; i += 2 {
		t[i], t[i+1] = YMM(), YMM()
		VUNPCKLPS(v[i+1], v[i], t[i])
		VUNPCKHPS(v[i+1], v[i], t[i+1])
	}
	for i := 0; i < 8; i += 4 {
		for k := range 4 {
			u[i+k] = YMM()
		}
		VUNPCKLPD(t[i+2], t[i], u[i])
		VUNPCKHPD(t[i+2], t[i], u[i+1])
		VUNPCKLPD(t[i+3], t[i+1], u[i+2])
		VUNPCKHPD(t[i+3], t[i+1], u[i+3])
	}
	for i := range 4 {
		out[i], out[i+4] = YMM(), YMM()
		VPERM2F128(U8(0x20), u[i+4], u[i], out[i])
		VPERM2F128(U8(0x31), u[i+4], u[i], out[i+4])
	}
	return out
}

// transpose4 is that of 4 x 4 complex numbers.
func transpose4(v [4]reg.VecVirtual) (out [4]reg.VecVirtual) {
	var t [4]reg.VecVirtual
	for i := 0; i < 4; i += 2 {
		t[i], t[i+1] = YMM(), YMM()
		VUNPCKLPD(v[i+1], v[i], t[i])
		VUNPCKHPD(v[i+1], v[i], t[i+1])
	}
	for i := range 2 {
		out[i], out[i+2] = YMM(), YMM()
		VPERM2F128(U8(0x20), t[i+2], t[i], out[i])
		VPERM2F128(U8(0x31), t[i+2], t[i], out[i+2])
	}
	return out
}

func spectra() {
	split(constants["signEven"], constants["signOdd"], constants["half"])
	copyBlock()
}

// split walks the interleaved sequences from both ends, four steps at a time: up from 1
// and down from w-1.
func split(even, odd, half Mem) {
	kernel("splitAVX2", "func(dst *complex64, stride int, up, down *complex64, n int)", "splitAVX2 is split for 4 sequences and n coefficients, a multiple of 4.")
	dst, stride := load("dst"), load("stride")
	up, down, n := load("up"), load("down"), load("n")
	SHLQ(U8(3), stride)
	rows := rowPointers(dst, stride)
	Label("split")
	var r0, r1 [4]reg.VecVirtual
	for k := range 4 {
		a, c := ymm(Mem{Base: up, Disp: 64 * k}), ymm(Mem{Base: down, Disp: -64 * k})
		r0[k] = product(plus(a, xor(c, odd)), half)
		r1[k] = product(swapped(plus(c, xor(a, even))), half)
	}
	for i, y := range transpose4(r0) {
		VMOVUPS(y, rows(2*i))
	}
	for i, y := range transpose4(r1) {
		VMOVUPS(y, rows(2*i+1))
	}
	move(256, up)
	SUBQ(U32(256), down)
	move(32, dst)
	again("split", n, 4)
	end()
}

func copyBlock() {
	kernel("copyBlockAVX2", "func(dst *complex64, dstStride int, src *complex64, srcStride, n int, flip uint32) uint32", "copyBlockAVX2 is copyBlock for 8 columns.")
	dst, ds := load("dst"), load("dstStride")
	src, ss := load("src"), load("srcStride")
	n := load("n")
	SHLQ(U8(3), ds)
	SHLQ(U8(3), ss)
	flip, or, or2 := YMM(), YMM(), YMM()
	VMOVD(Load(Param("flip"), GP32()), flip.AsX())
	VPBROADCASTD(flip.AsX(), flip)
	VPSLLQ(U8(32), flip, flip)
	VXORPS(or, or, or)
	VXORPS(or2, or2, or2)
	Label("copyBlock")
	a, b := ymm(Mem{Base: src}), ymm(Mem{Base: src, Disp: 32})
	VORPS(a, or, or)
	VORPS(b, or2, or2)
	VMOVUPS(xor(a, flip), Mem{Base: dst})
	VMOVUPS(xor(b, flip), Mem{Base: dst, Disp: 32})
	ADDQ(ss, src)
	ADDQ(ds, dst)
	again("copyBlock", n, 1)
	VORPS(or2, or, or)
	VPSLLD(U8(1), or, or) // whatever the sign
	VPTEST(or, or)
	r := GP32()
	SETNE(r.As8())
	MOVBLZX(r.As8(), r)
	Store(r, ReturnIndex(0))
	end()
}
