package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// cosines are the kernels of the cosine transform: eight rows side by side.
func cosines() {
	intoComplex()
	expanded()
	realParts()
	turnedReal()
}

func intoComplex() {
	kernel("intoComplexAVX2", "func(dst *complex64, dstStep int, src *float32, srcStep, n int)", "intoComplexAVX2 is intoComplex.")
	dst, dstStep, src, srcStep, n := load("dst"), load("dstStep"), load("src"), load("srcStep"), load("n")
	SHLQ(U8(3), dstStep)
	SHLQ(U8(2), srcStep)
	Label("intoComplex")
	for h := range 2 {
		y := YMM()
		VPMOVZXDQ(Mem{Base: src, Disp: 16 * h}, y)
		VMOVUPS(y, Mem{Base: dst, Disp: 32 * h})
	}
	ADDQ(dstStep, dst)
	ADDQ(srcStep, src)
	again("intoComplex", n, 1)
	end()
}

func expanded() {
	kernel("expandAVX2", "func(dst *complex64, src *float32, tw *complex64, n int)", "expandAVX2 is expand.")
	dst, src, tw, n := load("dst"), load("src"), load("tw"), load("n")
	Label("expand")
	w := YMM()
	VBROADCASTSD(Mem{Base: tw}, w)
	for h := range 2 {
		y := YMM()
		VPMOVZXDQ(Mem{Base: src, Disp: 16 * h}, y)
		VMOVSLDUP(y, y)
		VMOVUPS(product(y, w), Mem{Base: dst, Disp: 32 * h})
	}
	move(64, src, dst)
	move(8, tw)
	again("expand", n, 1)
	end()
}

func realParts() {
	kernel("realPartsAVX2", "func(dst *float32, dstStep int, src *complex64, srcStep, n int)", "realPartsAVX2 is realParts.")
	dst, dstStep, src, srcStep, n := load("dst"), load("dstStep"), load("src"), load("srcStep"), load("n")
	SHLQ(U8(2), dstStep)
	SHLQ(U8(3), srcStep)
	Label("realParts")
	re, _ := parted(src)
	VMOVUPS(re, Mem{Base: dst})
	ADDQ(dstStep, dst)
	ADDQ(srcStep, src)
	again("realParts", n, 1)
	end()
}

func turnedReal() {
	kernel("turnedRealAVX2", "func(dst *float32, dstStep int, src, tw *complex64, n int)", "turnedRealAVX2 is turnedReal.")
	dst, dstStep, src, tw, n := load("dst"), load("dstStep"), load("src"), load("tw"), load("n")
	SHLQ(U8(2), dstStep)
	Label("turnedReal")
	re, im := parted(src)
	VMOVUPS(minus(product(re, broadcast(Mem{Base: tw})), product(im, broadcast(Mem{Base: tw, Disp: 4}))), Mem{Base: dst})
	ADDQ(dstStep, dst)
	move(64, src)
	move(8, tw)
	again("turnedReal", n, 1)
	end()
}

// parted returns the real and the imaginary parts of eight numbers.
func parted(src reg.Register) (re, im reg.VecVirtual) {
	a, b := ymm(Mem{Base: src}), ymm(Mem{Base: src, Disp: 32})
	re, im = YMM(), YMM()
	VSHUFPS(U8(0x88), b, a, re)
	VPERMPD(U8(0xD8), re, re)
	VSHUFPS(U8(0xDD), b, a, im)
	VPERMPD(U8(0xD8), im, im)
	return re, im
}
