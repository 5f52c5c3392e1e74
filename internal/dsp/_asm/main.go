// Command asm writes the AVX2 kernels of package dsp: kernels_amd64.s and the Go
// declarations beside it. Run it by `go generate ./internal/dsp`.
//
// Each kernel does what its twin in plain Go does, operation by operation and in
// the same order in each lane, so that results have the same bits: no fused
// multiply-add, no reordered sums. It is a module of its own, so that users of
// kycmark do not depend on avo.
package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("!purego")
	stages()
	transposes()
	spectra()
	first4()
	last4()
	sparse4()
	powers()
	samples()
	rows()
	tones()
	filters()
	running()
	levels()
	Generate()
}

// constants in memory, by name.
var constants = map[string]Mem{}

// repeat8 is a constant of eight lanes in memory, a, b, a, b, ...
func repeat8(name string, a, b uint32) Mem {
	m := GLOBL(name, 8|16) // RODATA | NOPTR
	for i := range 4 {
		DATA(8*i, U32(a))
		DATA(8*i+4, U32(b))
	}
	constants[name] = m
	return m
}

func float(x float64) uint32 { return math.Float32bits(float32(x)) }

const sign = 1 << 31

func ymm(op Op) reg.VecVirtual {
	y := YMM()
	VMOVUPS(op, y)
	return y
}

// Three-operand forms in mathematical order; b may be in memory.

func plus(a reg.VecVirtual, b Op) reg.VecVirtual {
	y := YMM()
	VADDPS(b, a, y)
	return y
}

func minus(a reg.VecVirtual, b Op) reg.VecVirtual {
	y := YMM()
	VSUBPS(b, a, y)
	return y
}

func product(a reg.VecVirtual, b Op) reg.VecVirtual {
	y := YMM()
	VMULPS(b, a, y)
	return y
}

func xor(a reg.VecVirtual, b Op) reg.VecVirtual {
	y := YMM()
	VXORPS(b, a, y)
	return y
}

// swapped exchanges real and imaginary parts.
func swapped(a Op) reg.VecVirtual {
	y := YMM()
	VPERMILPS(U8(0xB1), a, y)
	return y
}

func broadcast(op Op) reg.VecVirtual {
	y := YMM()
	VBROADCASTSS(op, y)
	return y
}
