package decoders

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"runtime"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/kycmark/kycmark/internal/wasm"
)

var errDamaged = errors.New("damaged, or coded in a way that its decoder does not know")

// A codecs has the decoders that were used, compiled. The zero value has none. It is not safe for concurrent use.
type codecs struct {
	compiled map[string]compiled
	used     *fixed // memory of the last decoder
	spare    []byte // zeros
}

// A compiled is one decoder.
type compiled struct {
	runtime wazero.Runtime
	code    wazero.CompiledModule
}

func (c *codecs) compile(ctx context.Context, format string) (out compiled, err error) {
	if out, ok := c.compiled[format]; ok {
		return out, nil
	}
	packed, err := lib.Open("lib/" + format + ".wasm.gz")
	if err != nil {
		return out, fmt.Errorf("format %q is not supported", format)
	}
	defer packed.Close()
	r, err := gzip.NewReader(packed)
	if err != nil {
		return out, err
	}
	code, err := io.ReadAll(r)
	if err != nil {
		return out, err
	}
	ctx = experimental.WithCompilationWorkers(ctx, runtime.GOMAXPROCS(0))
	out.runtime = wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCompilationCache(wasm.Cache))
	if _, err = wasi_snapshot_preview1.Instantiate(ctx, out.runtime); err == nil {
		out.code, err = out.runtime.CompileModule(ctx, code)
	}
	if c.compiled == nil {
		c.compiled = make(map[string]compiled)
	}
	c.compiled[format] = out // also after an error, which apart.ServePool then gives for every input
	return out, err
}

// A fixed is the memory of one decoder. It is reserved whole: memory that grows would be copied. The system gives pages as they are used.
type fixed struct {
	limit int64 // bytes
	bytes []byte
}

func (m *fixed) Allocate(uint64, uint64) experimental.LinearMemory {
	if int64(cap(m.bytes)) < m.limit {
		m.bytes = make([]byte, 0, min(max(m.limit, linear("", keptPixels)), 1<<32)) // WebAssembly cannot use more
	}
	return m
}

func (m *fixed) Reallocate(size uint64) []byte {
	if size > uint64(cap(m.bytes)) || size > uint64(m.limit) {
		return nil
	}
	m.bytes = m.bytes[:size]
	return m.bytes
}

// Free implements experimental.LinearMemory. The picture lies in the memory.
func (m *fixed) Free() {}

// recycle lets the next decoder have the memory of the last one, whose picture is no longer used.
func (c *codecs) recycle() {
	if c.used != nil {
		clear(c.used.bytes)
		c.spare, c.used = c.used.bytes[:0], nil
	}
}

// at returns n bytes from a place on; nil if the memory ends before.
func (m *fixed) at(place uint32, n int64) []byte {
	if int64(place)+n > int64(len(m.bytes)) {
		return nil
	}
	return m.bytes[place : int64(place)+n : int64(place)+n]
}

// The numbers with which libheif says how pixels lie.
const (
	heifYCbCr, heifRGB, heifGray = 0, 1, 2
	heif420, heif422, heif444    = 1, 2, 3
	heifNoChroma                 = 0
)

// colourful says 4:2:0 in each description of grey tiles (hvcC, ISO/IEC 14496-15 section 8.3.2). libheif 1.18 decodes a
// grid of them as YCbCr, but does not ask for its chroma.
func colourful(file []byte) {
	const head, version, chroma = 4, 1, 16 // bytes; chroma has six bits set before its number
	for {
		at := bytes.Index(file, []byte("hvcC"))
		if at < 0 || at+head+chroma >= len(file) {
			return
		}
		file = file[at+head:]
		if file[0] == version && file[chroma] == 0xfc {
			file[chroma] |= 1
		}
	}
}

// decode decodes in this process. The picture has at most so many pixels.
func (c *codecs) decode(format string, file []byte, pixels int64) (image.Image, error) {
	ctx := context.Background()
	codec, err := c.compile(ctx, format)
	if err != nil {
		return nil, err
	}
	mem := &fixed{limit: linear(format, pixels) + 3*int64(len(file)), bytes: c.spare}
	c.used, c.spare = mem, nil
	module, err := codec.runtime.InstantiateModule(experimental.WithMemoryAllocator(ctx, mem), codec.code, wazero.NewModuleConfig())
	if err != nil {
		return nil, err
	}
	defer module.Close(ctx) // frees no memory: the picture lies in it
	call := func(name string, args ...uint64) uint32 {
		if out, err := module.ExportedFunction(name).Call(ctx, args...); err == nil && len(out) == 1 {
			return uint32(out[0])
		}
		return 0
	}
	const numbers = 5 // 32 bits each: width, height, then what differs; behind them 8 bytes for a time
	in, info := uint64(call("malloc", uint64(len(file)))), uint64(call("malloc", 4*numbers+8))
	if in == 0 || info == 0 {
		return nil, errDamaged
	}
	if copy(mem.at(uint32(in), int64(len(file))), file); format == "heic" && len(file) >= 12 {
		copy(mem.at(uint32(in), 12)[8:], "heic") // libheif refuses other brands, such as mif1
	}
	all := []uint64{}
	if format != "heic" {
		all = []uint64{0} // the first picture only
	}
	run := func(headerOnly, out uint64) bool {
		args := append([]uint64{in, uint64(len(file)), headerOnly}, all...)
		for i := range uint64(numbers) {
			args = append(args, info+4*i)
		}
		return call("decode", append(args, out)...) == 1
	}
	said := func(i int) int64 {
		return int64(binary.LittleEndian.Uint32(mem.at(uint32(info), 4*numbers)[4*i:]))
	}
	known := run(1, 0)
	if known && format == "heic" && said(2) == heifYCbCr && said(3) == heifNoChroma {
		colourful(mem.at(uint32(in), int64(len(file))))
		known = run(1, 0)
	}
	if !known {
		return nil, errDamaged
	}
	if err := fits(said(0), said(1), pixels); err != nil {
		return nil, err
	}
	room := 8 * row(said(0), 1) * said(1)
	out := call("malloc", uint64(room))
	if out == 0 {
		return nil, errors.New("its decoder needs too much memory")
	}
	if !run(0, uint64(out)) {
		return nil, errDamaged
	}
	w, h := said(0), said(1)
	if err := fits(w, h, pixels); err != nil {
		return nil, err
	}
	if 8*row(w, 1)*h > room {
		return nil, errDamaged
	}
	whole := image.Rect(0, 0, int(w), int(h))
	if mem.at(out, room) == nil {
		return nil, errDamaged
	}
	pix := func(n int64) []byte {
		b := mem.at(out, n)
		out += uint32(n)
		return b
	}
	switch {
	case format == "avif" && said(2) > 8:
		img := &image.RGBA64{Pix: pix(8 * w * h), Stride: int(8 * w), Rect: whole}
		for i := 0; i < len(img.Pix); i += 2 {
			img.Pix[i], img.Pix[i+1] = img.Pix[i+1], img.Pix[i]
		}
		return img, nil
	case format == "avif":
		return &image.RGBA{Pix: pix(4 * w * h), Stride: int(4 * w), Rect: whole}, nil
	}
	switch colours, chroma, premultiplied := said(2), said(3), said(4) == 1; {
	case colours == heifRGB && premultiplied:
		return &image.RGBA{Pix: pix(row(w, 4) * h), Stride: int(row(w, 4)), Rect: whole}, nil
	case colours == heifRGB:
		return &image.NRGBA{Pix: pix(row(w, 4) * h), Stride: int(row(w, 4)), Rect: whole}, nil
	case colours == heifGray:
		return &image.Gray{Pix: pix(row(w, 1) * h), Stride: int(row(w, 1)), Rect: whole}, nil
	case colours == heifYCbCr:
		img := &image.YCbCr{Rect: whole}
		cw, ch := w, h
		switch chroma {
		case heif420:
			img.SubsampleRatio, cw, ch = image.YCbCrSubsampleRatio420, (w+1)/2, (h+1)/2
		case heif422:
			img.SubsampleRatio, cw = image.YCbCrSubsampleRatio422, (w+1)/2
		case heif444:
			img.SubsampleRatio = image.YCbCrSubsampleRatio444
		default:
			return nil, errDamaged
		}
		img.YStride, img.CStride = int(row(w, 1)), int(row(cw, 1))
		img.Y, img.Cb, img.Cr = pix(row(w, 1)*h), pix(row(cw, 1)*ch), pix(row(cw, 1)*ch)
		return img, nil
	}
	return nil, errDamaged
}

// fits returns an error if a picture is empty or has more pixels than its header says.
func fits(w, h, pixels int64) error {
	if w <= 0 || h <= 0 || w > pixels/h {
		return fmt.Errorf("header says %d pixels, picture has %d x %d", pixels, w, h)
	}
	return nil
}

// row returns the bytes of a row of libheif: of n samples, each of so many bytes.
func row(n, each int64) int64 { return (max(n, 64)*each + 15) &^ 15 }
