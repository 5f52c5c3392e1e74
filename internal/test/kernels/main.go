// Command gen writes the kernels of packages dsp, hamming and index: in each package
// kernels_amd64.s and the Go declarations of its functions. `go generate` in the package
// runs it; the flag -pkg says which package's kernels to write.
//
// Each kernel does what its twin in plain Go does, operation by operation and in the same
// order in each lane. So results have the same bits: no fused multiply-add, no reordered
// sums. The generator is a module of its own, so that users of kycmark do not depend on
// avo.
//
// A kernel is kept if CPU rises by 1 % or more without the kernel, in one of the benchmarks. The rise in percent, from
// profiles of the benchmarks with kernels and with the tag purego (Embed12MP, Read and Trace of watermark, Sum of
// phash, Extract and Examine of phash/parts):
//
//	               mark  read trace  hash parts
//	radix2                2.0
//	radix3          2.4   4.6
//	radix4         15.7  24.1  12.5
//	radix5                1.2
//	last4                 6.7   1.7
//	sparse4              16.1
//	copyBlock      11.4  10.3
//	interleave      2.7   1.0
//	split           3.4   1.3
//	intoColumns           1.4   1.0   3.4
//	intoRows        1.3   1.1         3.0
//	maxAbs               63.7
//	positions       4.0   6.0
//	cubic           9.4   6.2
//	linear                1.8   1.7
//	widen           2.0
//	weighted        2.7         1.1
//	addRow         11.4
//	shrinkRow       6.0         2.7         2.8
//	opaque                      1.5               (Trace/original alone)
//	addScaled       2.0         9.9        27.3
//	max, min        4.0   7.4   2.9
//	toneRows        7.4  30.3
//	bilateral       9.4   3.1
//	symmetric      32.2  11.2 177.4       115.3
//	box             8.1   4.7   1.5
//	means                             4.2
//	slide                             1.6
//	luma                              3.1
//	sumLevels            21.0
//	ranks                11.8
//	above                 2.6
//
// Thirteen of 46 kernels bought less, or have no caller any more, and are gone.
package main

import (
	"flag"
	"go/format"
	"log"
	"math"
	"os"
	"regexp"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	flag.Parse()
	ConstraintExpr("!purego")
	switch flag.Lookup("pkg").Value.String() {
	case "hamming":
		near512()
		near256()
	case "index":
		probe512()
		gatherRuns("gather3AVX", 3, []int{0, 1, 2, 255, 3, 4, 5, 255, 6, 7, 8, 255, 9, 10, 11, 255})
		gatherRuns("gather4AVX", 4, nil)
		nearIDs512()
	default:
		signalKernels()
	}
	Generate()
	withoutKernels(flag.Lookup("stubs").Value.String())
}

// parameter is a parameter with its name.
var parameter = regexp.MustCompile(`\w+ (\*?\w+[,)])`)

// withoutKernels takes the comments out of the file of declarations, since they stand here. It writes, beside that
// file, the same functions for builds without kernels. They are never called, but what calls them must compile.
func withoutKernels(declarations string) {
	text, err := os.ReadFile(declarations)
	if err != nil {
		log.Fatal(err)
	}
	declared, out := new(strings.Builder), new(strings.Builder)
	functions := false
	for line := range strings.Lines(string(text)) {
		comment := functions && strings.HasPrefix(line, "//")
		if !comment || strings.HasPrefix(line, "//go:") {
			declared.WriteString(line)
		}
		switch {
		case comment || functions && line == "\n":
			continue
		case strings.HasPrefix(line, "//go:build"):
			line = "//go:build !amd64 || purego\n"
		case strings.HasPrefix(line, "func "):
			line = parameter.ReplaceAllString(strings.TrimSuffix(line, "\n"), "$1") + " { panic(noKernels) }\n"
		case strings.HasPrefix(line, "package "):
			line += "\nconst noKernels = \"called without its kernels\"\n\n"
			functions = true
		}
		out.WriteString(line)
	}
	for path, source := range map[string]string{declarations: declared.String(), strings.Replace(declarations, "_amd64", "_other", 1): out.String()} {
		formatted, err := format.Source([]byte(source))
		if err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile(path, formatted, 0o666); err != nil {
			log.Fatal(err)
		}
	}
}

// signalKernels are the kernels of package dsp.
func signalKernels() {
	stages()
	transposes()
	spectra()
	cosines()
	last4()
	sparse4()
	maxAbs()
	samples()
	rows()
	tones()
	filters()
	running()
	levels()
}

// kernel begins a function.
func kernel(name, signature, doc string, more ...string) {
	TEXT(name, NOSPLIT, signature)
	Pragma("noescape")
	Doc(append([]string{doc}, more...)...)
}

// end ends a function.
func end() {
	VZEROUPPER()
	RET()
}

// load returns the parameter of that name in a new register of 64 bits.
func load(name string) reg.GPVirtual {
	r := GP64()
	Load(Param(name), r)
	return r
}

// move adds a number of bytes to each pointer.
func move(bytes int, pointers ...reg.Register) {
	for _, p := range pointers {
		if bytes < 128 { // the immediate operand of 8 bits is signed
			ADDQ(U8(bytes), p)
		} else {
			ADDQ(U32(bytes), p)
		}
	}
}

// again takes step from n and jumps to the label unless n is 0.
func again(label string, n reg.Register, step int) {
	if step == 1 {
		DECQ(n)
	} else {
		SUBQ(U8(step), n)
	}
	JNZ(LabelRef(label))
}

// zero returns a new register of zeros.
func zero() reg.VecVirtual {
	y := YMM()
	VXORPS(y, y, y)
	return y
}

// constants in memory, by name.
var constants = map[string]Mem{}

// repeat8 is a constant of eight lanes in memory, a, b, a, b, ...
func repeat8(name string, a, b uint32) Mem {
	m := GLOBL(name, 8|16) // RODATA | NOPTR
	for i := range 4 {
		DATA(8*i, U64(uint64(b)<<32|uint64(a)))
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

func plus(a reg.VecVirtual, b Op) reg.VecVirtual    { return three(VADDPS, a, b) }
func minus(a reg.VecVirtual, b Op) reg.VecVirtual   { return three(VSUBPS, a, b) }
func product(a reg.VecVirtual, b Op) reg.VecVirtual { return three(VMULPS, a, b) }
func xor(a reg.VecVirtual, b Op) reg.VecVirtual     { return three(VXORPS, a, b) }

func three(instruction func(ops ...Op), a reg.VecVirtual, b Op) reg.VecVirtual {
	y := YMM()
	instruction(b, a, y)
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
