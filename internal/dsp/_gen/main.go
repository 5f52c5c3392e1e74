// Command gen writes the kernels of packages dsp and phash: in each package
// kernels_amd64.s and the Go declarations of its functions. `go generate` in the package
// runs it; the flag -pkg says which package's kernels to write.
//
// Each kernel does what its twin in plain Go does, operation by operation and in the
// same order in each lane, so that results have the same bits: no fused multiply-add, no
// reordered sums. It is a module of its own, so that users of kycmark do not depend on
// avo.
package main

import (
	"flag"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	flag.Parse()
	ConstraintExpr("!purego")
	if flag.Lookup("pkg").Value.String() == "phash" {
		indexKernels()
	} else {
		signalKernels()
	}
	Generate()
}

// signalKernels are the kernels of package dsp.
func signalKernels() {
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
