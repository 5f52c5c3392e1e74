package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// stages are the butterflies of radix 2 to 5 on four complex numbers at a time.
func stages() {
	odd := repeat8("signOdd", 0, sign)
	even := repeat8("signEven", sign, 0)
	stage(2, false, func(x []reg.VecVirtual, w []twiddle) []reg.VecVirtual {
		return []reg.VecVirtual{plus(x[0], x[1]), w[0].times(minus(x[0], x[1]))}
	})
	sin60 := repeat8("sin60", float(0.86602540378443864676), float(0.86602540378443864676))
	half := repeat8("half", float(0.5), float(0.5))
	stage(3, true, func(x []reg.VecVirtual, w []twiddle) []reg.VecVirtual {
		sum := plus(x[1], x[2])
		mid := minus(x[0], product(sum, half))
		off := turned(product(minus(x[1], x[2]), sin60), odd)
		return []reg.VecVirtual{plus(x[0], sum), w[0].times(plus(mid, off)), w[1].times(minus(mid, off))}
	})
	stage(4, true, func(x []reg.VecVirtual, w []twiddle) []reg.VecVirtual {
		ac, amc := plus(x[0], x[2]), minus(x[0], x[2])
		bd := plus(x[1], x[3])
		j := xor(swapped(minus(x[1], x[3])), even) // i (b-d)
		return []reg.VecVirtual{plus(ac, bd), w[0].times(minus(amc, j)), w[1].times(minus(ac, bd)), w[2].times(plus(amc, j))}
	})
	fifths(odd)
}

func fifths(odd Mem) {
	constant := func(name string, v float64) Mem { return repeat8(name, float(v), float(v)) }
	c1, c2 := constant("cos72", 0.30901699437494742410), constant("cos144", -0.80901699437494742410)
	s1, s2 := constant("sin72", 0.95105651629515357212), constant("sin144", 0.58778525229247312917)
	stage(5, false, func(x []reg.VecVirtual, w []twiddle) []reg.VecVirtual {
		be, cd := plus(x[1], x[4]), plus(x[2], x[3])
		bd, cc := turned(minus(x[1], x[4]), odd), turned(minus(x[2], x[3]), odd)
		m1 := plus(plus(x[0], product(be, c1)), product(cd, c2))
		m2 := plus(plus(x[0], product(be, c2)), product(cd, c1))
		o1 := plus(product(bd, s1), product(cc, s2))
		o2 := minus(product(bd, s2), product(cc, s1))
		return []reg.VecVirtual{
			plus(plus(x[0], be), cd),
			w[0].times(plus(m1, o1)), w[1].times(plus(m2, o2)),
			w[2].times(minus(m2, o2)), w[3].times(minus(m1, o1)),
		}
	})
}

// turned is -i x: (im, -re).
func turned(x reg.VecVirtual, odd Mem) reg.VecVirtual { return xor(swapped(x), odd) }

// A twiddle is one complex factor for all lanes, kept in registers or loaded anew.
type twiddle struct{ re, im Op }

func (w twiddle) load() twiddle { return twiddle{broadcast(w.re), broadcast(w.im)} }

func (w twiddle) times(x reg.VecVirtual) reg.VecVirtual {
	re, im := w.re, w.im
	if _, inMemory := re.(Mem); inMemory {
		re, im = broadcast(re), broadcast(im)
	}
	a, b, y := product(x, re), product(swapped(x), im), YMM()
	VADDSUBPS(b, a, y)
	return y
}

// stage writes one kernel: m butterflies of s complex numbers each, s a multiple
// of four. keep holds the twiddles in registers.
func stage(radix int, keep bool, body func(x []reg.VecVirtual, w []twiddle) []reg.VecVirtual) {
	kernel(fmt.Sprintf("radix%dAVX2", radix), "func(dst, src, tw *complex64, m, s int)", fmt.Sprintf("radix%dAVX2 is radix%d for s a multiple of 4.", radix, radix))
	dst, src, tw := load("dst"), load("src"), load("tw")
	p, s := load("m"), load("s")
	SHLQ(U8(3), s) // in bytes
	in := GP64()
	MOVQ(p, in)
	IMULQ(s, in)
	at := func(base, step reg.Register, triple reg.Register, k int) Mem {
		switch k {
		case 0:
			return Mem{Base: base}
		case 3:
			return Mem{Base: base, Index: triple, Scale: 1}
		}
		return Mem{Base: base, Index: step, Scale: uint8(k)}
	}
	in3, s3 := GP64(), GP64()
	LEAQ(Mem{Base: in, Index: in, Scale: 2}, in3)
	LEAQ(Mem{Base: s, Index: s, Scale: 2}, s3)
	label := fmt.Sprintf("radix%d", radix)
	Label(label + "P")
	w := make([]twiddle, radix-1)
	for k := range w {
		w[k] = twiddle{Mem{Base: tw, Disp: 8 * k}, Mem{Base: tw, Disp: 8*k + 4}}
		if keep {
			w[k] = w[k].load()
		}
	}
	q := GP64()
	MOVQ(s, q)
	Label(label + "Q")
	x := make([]reg.VecVirtual, radix)
	for k := range x {
		x[k] = ymm(at(src, in, in3, k))
	}
	for k, y := range body(x, w) {
		VMOVUPS(y, at(dst, s, s3, k))
	}
	move(32, src, dst)
	again(label+"Q", q, 32)
	switch radix {
	case 2:
		ADDQ(s, dst)
	case 3:
		LEAQ(Mem{Base: dst, Index: s, Scale: 2}, dst)
	case 4:
		ADDQ(s3, dst)
	default:
		LEAQ(Mem{Base: dst, Index: s, Scale: 4}, dst)
	}
	move(8*(radix-1), tw)
	again(label+"P", p, 1)
	end()
}

// last4 is the last stage of radix 4, whose twiddle factors are all 1.
func last4() {
	kernel("last4AVX2", "func(dst, src *complex64, s int)", "last4AVX2 is last4 for s a multiple of 4.")
	dst, src := load("dst"), load("src")
	s, s3 := load("s"), GP64()
	SHLQ(U8(3), s)
	LEAQ(Mem{Base: s, Index: s, Scale: 2}, s3)
	at := func(base reg.Register) [4]Mem {
		return [4]Mem{{Base: base}, {Base: base, Index: s, Scale: 1}, {Base: base, Index: s, Scale: 2}, {Base: base, Index: s3, Scale: 1}}
	}
	left := GP64()
	MOVQ(s, left)
	Label("last4")
	from, to := at(src), at(dst)
	a, b, c, d := ymm(from[0]), ymm(from[1]), ymm(from[2]), ymm(from[3])
	ac, amc, bd := plus(a, c), minus(a, c), plus(b, d)
	j := xor(swapped(minus(b, d)), constants["signEven"])
	for k, y := range [4]reg.VecVirtual{plus(ac, bd), minus(amc, j), minus(ac, bd), plus(amc, j)} {
		VMOVUPS(y, to[k])
	}
	move(32, src, dst)
	again("last4", left, 32)
	end()
}

// sparse4 is the first stage of radix 4 on columns of a few tones.
func sparse4() {
	kernel("sparse4AVX2", "func(dst, turns, c *complex64, counts *int, m int)", "sparse4AVX2 is sparse4.")
	dst, turns, c := load("dst"), load("turns"), load("c")
	counts, m := load("counts"), load("m")
	n := GP64()
	Label("sparse4")
	var acc [4][2]reg.VecVirtual
	for k := range acc {
		for h := range acc[k] {
			acc[k][h] = zero()
		}
	}
	MOVQ(Mem{Base: counts}, n)
	TESTQ(n, n)
	JZ(LabelRef("sparse4Store"))
	Label("sparse4Tone")
	var t, swap [2]reg.VecVirtual
	for h := range t {
		t[h] = ymm(Mem{Base: turns, Disp: 32 * h})
		swap[h] = swapped(t[h])
	}
	for k := range acc {
		re, im := broadcast(Mem{Base: c, Disp: 8 * k}), broadcast(Mem{Base: c, Disp: 8*k + 4})
		for h := range t {
			a, b := product(t[h], re), product(swap[h], im)
			VADDSUBPS(b, a, a)
			VADDPS(a, acc[k][h], acc[k][h])
		}
	}
	move(64, turns)
	move(32, c)
	again("sparse4Tone", n, 1)
	Label("sparse4Store")
	for k := range acc {
		for h := range acc[k] {
			VMOVUPS(acc[k][h], Mem{Base: dst, Disp: 64*k + 32*h})
		}
	}
	move(8, counts)
	move(256, dst)
	again("sparse4", m, 1)
	end()
}

func maxAbs() {
	kernel("maxAbsAVX2", "func(src *complex64, n int) float32", "maxAbsAVX2 is MaxAbs of n numbers, a multiple of 8.")
	src, n := load("src"), load("n")
	found, more, abs := YMM(), YMM(), YMM()
	VXORPS(found, found, found)
	VXORPS(more, more, more)
	VPCMPEQD(abs, abs, abs)
	VPSRLD(U8(1), abs, abs)
	Label("maxAbs")
	x, y := YMM(), YMM()
	VANDPS(Mem{Base: src}, abs, x)
	VANDPS(Mem{Base: src, Disp: 32}, abs, y)
	VMAXPS(x, found, found)
	VMAXPS(y, more, more)
	move(64, src)
	again("maxAbs", n, 8)
	VMAXPS(more, found, found)
	h := XMM()
	VEXTRACTF128(U8(1), found, h)
	VMAXPS(found.AsX(), h, h)
	o := XMM()
	VPERMILPS(U8(0x0E), h, o)
	VMAXPS(o, h, h)
	VPERMILPS(U8(0x01), h, o)
	VMAXPS(o, h, h)
	Store(h, ReturnIndex(0))
	end()
}
