package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// running are kernels of running sums in single precision, sixteen at once, and
// the luma that they sum.
func running() {
	means()
	slide()
	luma()
}

func means() {
	kernel("meansAVX2", "func(sum *float32, dst *float32, dstStep int, add *float32, addStep int, sub *float32, subStep int, counts *float32, n int)", "meansAVX2 is means.")
	sum, dst, ds := load("sum"), load("dst"), load("dstStep")
	add, as := load("add"), load("addStep")
	sub, ss := load("sub"), load("subStep")
	counts, n := load("counts"), load("n")
	for _, s := range []reg.Register{ds, as, ss} {
		SHLQ(U8(2), s)
	}
	acc := [2]reg.VecVirtual{ymm(Mem{Base: sum}), ymm(Mem{Base: sum, Disp: 32})}
	Label("means")
	count := broadcast(Mem{Base: counts})
	for i := range acc {
		VADDPS(Mem{Base: add, Disp: 32 * i}, acc[i], acc[i])
		VSUBPS(Mem{Base: sub, Disp: 32 * i}, acc[i], acc[i])
		mean := YMM()
		VDIVPS(count, acc[i], mean)
		VMOVUPS(mean, Mem{Base: dst, Disp: 32 * i})
	}
	ADDQ(ds, dst)
	ADDQ(as, add)
	ADDQ(ss, sub)
	move(4, counts)
	again("means", n, 1)
	for i := range acc {
		VMOVUPS(acc[i], Mem{Base: sum, Disp: 32 * i})
	}
	end()
}

func slide() {
	kernel("slideAVX2", "func(sum *float32, add *float32, addStep int, sub *float32, subStep int, n int)", "slideAVX2 is slide.")
	sum := load("sum")
	add, as := load("add"), load("addStep")
	sub, ss := load("sub"), load("subStep")
	n := load("n")
	for _, s := range []reg.Register{as, ss} {
		SHLQ(U8(2), s)
	}
	acc := [2]reg.VecVirtual{ymm(Mem{Base: sum}), ymm(Mem{Base: sum, Disp: 32})}
	Label("slide")
	for i := range acc {
		VADDPS(Mem{Base: add, Disp: 32 * i}, acc[i], acc[i])
		VSUBPS(Mem{Base: sub, Disp: 32 * i}, acc[i], acc[i])
	}
	ADDQ(as, add)
	ADDQ(ss, sub)
	again("slide", n, 1)
	for i := range acc {
		VMOVUPS(acc[i], Mem{Base: sum, Disp: 32 * i})
	}
	end()
}

// luma: eight pixels at a time, one a lane of 32 bits.
func luma() {
	kernel("lumaAVX2", "func(dst *float32, src *uint8, n int)", "lumaAVX2 is Luma for n, a multiple of 8.")
	dst, src, n := load("dst"), load("src"), load("n")
	of := newLuma()
	Label("luma")
	VMOVUPS(of(ymm(Mem{Base: src})), Mem{Base: dst})
	move(32, src, dst)
	again("luma", n, 8)
	end()
}

// channel returns eight bits of each pixel, from bit shift on, as floats; low holds 255 in each lane.
func channel(px, low reg.VecVirtual, shift int) reg.VecVirtual {
	y := YMM()
	if shift == 0 {
		VPAND(low, px, y)
	} else {
		VPSRLD(U8(shift), px, y)
		VPAND(low, y, y)
	}
	VCVTDQ2PS(y, y)
	return y
}

// newLuma loads the weights, and returns a function for the luma of eight pixels.
func newLuma() func(px reg.VecVirtual) reg.VecVirtual {
	low := ymm(constants["low8"])
	var weights [3]reg.VecVirtual
	for i, w := range []float64{0.299, 0.587, 0.114} {
		name := []string{"lumaR", "lumaG", "lumaB"}[i]
		if _, ok := constants[name]; !ok {
			repeat8(name, float(w), float(w))
		}
		weights[i] = ymm(constants[name])
	}
	return func(px reg.VecVirtual) reg.VecVirtual {
		var parts [3]reg.VecVirtual
		for i := range parts {
			parts[i] = product(channel(px, low, 8*i), weights[i])
		}
		return plus(plus(parts[0], parts[1]), parts[2])
	}
}
