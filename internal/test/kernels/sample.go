package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// lineBlock is the size of dsp's lineBlock: positions of one stretch of a line.
const lineBlock = 64

// Byte offsets in dsp's linePositions.
const (
	offAt   = 0
	offTX   = 4 * lineBlock
	offTY   = 8 * lineBlock
	offKeep = 12 * lineBlock
)

// Byte offsets in dsp's lineWalk.
const (
	offX, offX0, offX1 = 0, 8, 16
	offY, offY0, offY1 = 24, 32, 40
	offW, offW0        = 48, 56
	offU               = 64
	offLowX, offLowY   = 72, 80
	offHighX, offHighY = 88, 96
)

func samples() {
	positions()
	cubic()
	linear()
}

func pd(op Op) reg.VecVirtual {
	y := YMM()
	VBROADCASTSD(op, y)
	return y
}

// positions: four positions at a time in double precision.
func positions() {
	kernel("positionsAVX2", "func(p *int32, l, u *float64, stride, mask uint32, n int, affine bool)", "positionsAVX2 is positions for n, a multiple of 4; affine tells that W is 0 and W0 1.", "u, if not nil, holds what otherwise counts up.")
	p, l := load("p"), load("l")
	stride, mask := XMM(), XMM()
	VMOVD(Load(Param("stride"), GP32()), stride)
	VPBROADCASTD(stride, stride)
	VMOVD(Load(Param("mask"), GP32()), mask)
	VPBROADCASTD(mask, mask)
	n := load("n")
	ramp := GLOBL("ramp", 8|16)
	for i := range 4 {
		DATA(8*i, U64(math.Float64bits(float64(i))))
	}
	four := GLOBL("four", 8|16)
	for i := range 4 {
		DATA(8*i, U64(math.Float64bits(4)))
	}
	list := load("u")
	u := pd(Mem{Base: l, Disp: offU})
	VADDPD(ramp, u, u)
	ones := XMM()
	VPCMPEQD(ones, ones, ones)
	affine := Load(Param("affine"), GP32())
	Label("positions")
	TESTQ(list, list)
	JZ(LabelRef("positionsCount"))
	VMOVUPD(Mem{Base: list}, u)
	move(32, list)
	Label("positionsCount")
	w := YMM()
	VMULPD(pd(Mem{Base: l, Disp: offW}), u, w)
	VADDPD(pd(Mem{Base: l, Disp: offW0}), w, w)
	coordinate := func(k, k0, k1, low, high int) (whole reg.VecVirtual, frac reg.VecVirtual, in reg.VecVirtual) {
		x := YMM()
		VMULPD(pd(Mem{Base: l, Disp: k}), u, x)
		VADDPD(pd(Mem{Base: l, Disp: k0}), x, x)
		VADDPD(pd(Mem{Base: l, Disp: k1}), x, x)
		skip := fmt.Sprintf("positions%d", k)
		TESTL(affine, affine)
		JNZ(LabelRef(skip))
		VDIVPD(w, x, x)
		Label(skip)
		a, b := YMM(), YMM()
		VCMPPD(U8(0x1e), pd(Mem{Base: l, Disp: low}), x, a)  // x > low
		VCMPPD(U8(0x11), pd(Mem{Base: l, Disp: high}), x, b) // x < high
		VANDPD(a, b, a)
		f := YMM()
		VROUNDPD(U8(9), x, f) // floor
		VSUBPD(f, x, x)
		frac, whole = XMM(), XMM()
		VCVTPD2PSY(x, frac)
		VCVTTPD2DQY(f, whole)
		return whole, frac, a
	}
	ix, tx, inX := coordinate(offX, offX0, offX1, offLowX, offHighX)
	iy, ty, inY := coordinate(offY, offY0, offY1, offLowY, offHighY)
	VANDPD(inX, inY, inX)
	hi, keep := XMM(), XMM()
	VEXTRACTF128(U8(1), inX, hi)
	VSHUFPS(U8(0x88), hi, inX.AsX(), keep)
	VPADDD(ones, ix, ix)
	VPADDD(ones, iy, iy)
	VPAND(mask, ix, ix)
	VPAND(mask, iy, iy)
	VPMULLD(stride, iy, iy)
	VPADDD(ix, iy, iy)
	VPAND(keep, iy, iy)
	VMOVDQU(iy, Mem{Base: p, Disp: offAt})
	VMOVUPS(tx, Mem{Base: p, Disp: offTX})
	VMOVUPS(ty, Mem{Base: p, Disp: offTY})
	VMOVUPS(keep, Mem{Base: p, Disp: offKeep})
	VADDPD(four, u, u)
	move(16, p)
	again("positions", n, 4)
	end()
}

// bicubic is dsp.Bicubic on eight fractions.
func bicubic(t reg.VecVirtual) (w [4]reg.VecVirtual) {
	c := func(name string, v float64) Mem {
		if m, ok := constants[name]; ok {
			return m
		}
		return repeat8(name, float(v), float(v))
	}
	one := YMM()
	VMOVUPS(c("one", 1), one)
	u := plus(t, one)
	w[0] = minus(product(plus(product(minus(product(u, c("cubicA", -0.75)), c("cubic5A", -3.75)), u), c("cubic8A", -6)), u), c("cubic4A", -3))
	inner := func(x reg.VecVirtual) reg.VecVirtual {
		y := minus(product(x, c("cubicA2", 1.25)), c("cubicA3", 2.25))
		return plus(product(y, product(x, x)), one)
	}
	w[1] = inner(t)
	w[2] = inner(minus(one, t))
	w[3] = minus(minus(minus(one, w[0]), w[1]), w[2])
	return w
}

// cubic: eight samples at a time, four taps of four rows each.
func cubic() {
	kernel("cubicAVX2", "func(dst *float32, p *int32, src *float32, stride, n int)", "cubicAVX2 is cubic for n, a multiple of 8.")
	dst, p := load("dst"), load("p")
	src, stride, n := load("src"), load("stride"), load("n")
	SHLQ(U8(2), stride)
	local := AllocLocal(4 * 32)
	Label("cubic")
	for k, w := range bicubic(ymm(Mem{Base: p, Disp: offTY})) {
		VMOVUPS(w, local.Offset(32*k))
	}
	wx := bicubic(ymm(Mem{Base: p, Disp: offTX}))
	sum := zero()
	row, wy, left := GP64(), GP64(), GP64()
	MOVQ(src, row)
	LEAQ(local, wy)
	MOVQ(U32(4), left)
	Label("cubicRow")
	c := columns4(fourTaps(row, Mem{Base: p, Disp: offAt}))
	v := plus(plus(plus(product(wx[0], c[0]), product(wx[1], c[1])), product(wx[2], c[2])), product(wx[3], c[3]))
	VADDPS(product(v, Mem{Base: wy}), sum, sum)
	move(32, wy)
	ADDQ(stride, row)
	again("cubicRow", left, 1)
	VANDPS(Mem{Base: p, Disp: offKeep}, sum, sum)
	VMOVUPS(sum, Mem{Base: dst})
	move(32, p, dst)
	again("cubic", n, 8)
	end()
}

// linear: eight samples at a time, two taps of two rows each.
func linear() {
	kernel("linearAVX2", "func(dst *float32, p *int32, src *float32, stride, n int)", "linearAVX2 is linear for n, a multiple of 8; src points at the second tap of the second row.")
	dst, p := load("dst"), load("p")
	src, stride, n := load("src"), load("stride"), load("n")
	SHLQ(U8(2), stride)
	next := GP64()
	MOVQ(src, next)
	ADDQ(stride, next)
	Label("linear")
	a, b := ymm(Mem{Base: p, Disp: offTX}), ymm(Mem{Base: p, Disp: offTY})
	along := func(row reg.Register) reg.VecVirtual {
		var pair [4]reg.VecVirtual
		for i := range pair {
			at := GP64()
			pair[i] = XMM()
			MOVLQSX(Mem{Base: p, Disp: offAt + 8*i}, at)
			VMOVQ(Mem{Base: row, Index: at, Scale: 4}, pair[i])
			MOVLQSX(Mem{Base: p, Disp: offAt + 8*i + 4}, at)
			VMOVHPS(Mem{Base: row, Index: at, Scale: 4}, pair[i], pair[i])
		}
		var y [2]reg.VecVirtual
		for i := range y {
			y[i] = YMM()
			VINSERTF128(U8(1), pair[i+2], pair[i].AsY(), y[i])
		}
		left, right := YMM(), YMM()
		VSHUFPS(U8(0x88), y[1], y[0], left)
		VSHUFPS(U8(0xDD), y[1], y[0], right)
		return plus(left, product(minus(right, left), a))
	}
	t := along(src)
	v := plus(t, product(minus(along(next), t), b))
	VANDPS(Mem{Base: p, Disp: offKeep}, v, v)
	VMOVUPS(v, Mem{Base: dst})
	move(32, p, dst)
	again("linear", n, 8)
	end()
}

// fourTaps loads four floats of row at each of eight indexes, samples i and i+4 in one register.
func fourTaps(row reg.Register, index Mem) (r [4]reg.VecVirtual) {
	for i := range r {
		a, b := GP64(), GP64()
		MOVLQSX(index.Offset(4*i), a)
		MOVLQSX(index.Offset(4*(i+4)), b)
		r[i] = YMM()
		VBROADCASTF128(Mem{Base: row, Index: a, Scale: 4}, r[i])
		VINSERTF128(U8(1), Mem{Base: row, Index: b, Scale: 4}, r[i], r[i])
	}
	return r
}

// columns4 transposes 4 x 4 floats in each half.
func columns4(r [4]reg.VecVirtual) (c [4]reg.VecVirtual) {
	var t [4]reg.VecVirtual
	for i := range 4 {
		t[i], c[i] = YMM(), YMM()
	}
	VUNPCKLPS(r[1], r[0], t[0])
	VUNPCKHPS(r[1], r[0], t[1])
	VUNPCKLPS(r[3], r[2], t[2])
	VUNPCKHPS(r[3], r[2], t[3])
	VUNPCKLPD(t[2], t[0], c[0])
	VUNPCKHPD(t[2], t[0], c[1])
	VUNPCKLPD(t[3], t[1], c[2])
	VUNPCKHPD(t[3], t[1], c[3])
	return c
}
