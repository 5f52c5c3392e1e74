package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// toneBlock is dsp's: tones summed together, as two registers of real and two of
// imaginary parts, for samples at even and at odd places.
func tones() {
	kernel("toneRowsAVX2", "func(sum, src *float32, stride, width, rows int, wave, turn *float32, turnStride int)", "toneRowsAVX2 is toneRows.")
	sum, src := load("sum"), load("src")
	stride, width, rows := load("stride"), load("width"), load("rows")
	wave, turn := load("wave"), load("turn")
	turnStride := load("turnStride")
	SHLQ(U8(2), stride)
	SHLQ(U8(2), turnStride)
	Label("toneRow")
	var acc [2][4]reg.VecVirtual
	for i := range acc {
		for k := range acc[i] {
			acc[i][k] = zero()
		}
	}
	z, w, n := GP64(), GP64(), GP64()
	MOVQ(src, z)
	MOVQ(wave, w)
	MOVQ(width, n)
	one := func(part, disp int) {
		v := broadcast(Mem{Base: z, Disp: 4 * disp})
		for k := range 4 {
			VADDPS(product(v, Mem{Base: w, Disp: 128*disp + 32*k}), acc[part][k], acc[part][k])
		}
	}
	SUBQ(U8(2), n)
	JL(LabelRef("toneLast"))
	Label("tonePair")
	one(0, 0)
	one(1, 1)
	move(8, z)
	move(256, w)
	SUBQ(U8(2), n)
	JGE(LabelRef("tonePair"))
	Label("toneLast")
	CMPQ(n, I8(-1))
	JNE(LabelRef("toneTurn"))
	one(0, 0)
	Label("toneTurn")
	for k := range 4 {
		VADDPS(acc[1][k], acc[0][k], acc[0][k])
	}
	for k := range 2 {
		re, im := acc[0][k], acc[0][k+2]
		tr, ti := ymm(Mem{Base: turn, Disp: 32 * k}), ymm(Mem{Base: turn, Disp: 64 + 32*k})
		r := minus(product(re, tr), product(im, ti))
		i := plus(product(re, ti), product(im, tr))
		VMOVUPS(plus(r, Mem{Base: sum, Disp: 32 * k}), Mem{Base: sum, Disp: 32 * k})
		VMOVUPS(plus(i, Mem{Base: sum, Disp: 64 + 32*k}), Mem{Base: sum, Disp: 64 + 32*k})
	}
	ADDQ(stride, src)
	ADDQ(turnStride, turn)
	again("toneRow", rows, 1)
	end()
}
