// Package decoders decodes HEIC and AVIF for the packages of this module, which take a Decode
// function and have none of their own:
//
//	func main() {
//		if decoders.Serve() { // a process that Decode started
//			return
//		}
//		issuer, err := registry.NewIssuer(registry.Config{Registry: r, Decode: decoders.New().Decode})
//
// The decoders are C and C++ libraries as WebAssembly, so pixels are the same on every machine. They run in processes
// of their own, the same program: memory is given back, and a process is ended with the context, after an error, and
// after a large picture. A decoder has no more memory than its picture's size allows.
package decoders

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/kycmark/kycmark/internal/apart"
	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/picture/pixel"
)

// verb is the first argument of a process that decodes.
const verb = "decode-picture"

// A Decoder decodes pictures. Several at a time share a budget of memory. It keeps the picture that it decoded last for
// a minute, since an upload is decoded when it is entered and again for its copy. It is safe for concurrent use.
type Decoder struct {
	free  *semaphore.Weighted
	small map[string]*apart.Pool // of processes that decode small pictures, by format

	mu   sync.Mutex
	of   [sha256.Size]byte // digest of the file of last
	last image.Image       // nil: none
	drop *time.Timer       // of last
}

// New returns a Decoder.
func New() *Decoder {
	small := func(format string) (string, *apart.Pool) { return format, newPool(format, keptPixels) }
	return &Decoder{free: semaphore.NewWeighted(budget), small: each.Map([]string{"heic", "avif"}, small)}
}

func newPool(format string, pixels int64) *apart.Pool {
	data := linear("", pixels) + 3*selfMemory + handMemory*pixels // bytes that its process may have on Linux
	return apart.NewPool(apart.Job{Verb: verb, Kind: format, MaxMemory: data})
}

// Close drops the picture that is kept, and ends the processes that wait for pictures; otherwise they end
// after a few seconds. The Decoder can be used again.
func (d *Decoder) Close() {
	d.keep([sha256.Size]byte{}, nil)
	for _, pool := range d.small {
		pool.Close()
	}
}

// keep keeps the picture of a file for keptFor, in place of the one before. A nil picture, or a large one, is not kept.
func (d *Decoder) keep(of [sha256.Size]byte, img image.Image) {
	if img != nil && img.Bounds().Dx()*img.Bounds().Dy() > maxKeptPixels {
		img = nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.drop != nil {
		d.drop.Stop()
	}
	d.of, d.last, d.drop = of, img, nil
	if img != nil {
		d.drop = time.AfterFunc(keptFor, func() {
			d.mu.Lock()
			defer d.mu.Unlock()
			if d.last == img {
				d.last = nil
			}
		})
	}
}

// kept returns the picture of a file if it is kept, else nil. The caller may change the pixels.
func (d *Decoder) kept(of [sha256.Size]byte) image.Image {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.of != of {
		return nil
	}
	if p, ok := d.last.(*image.NRGBA); ok { // others are converted, not handed on
		return &image.NRGBA{Pix: bytes.Clone(p.Pix), Stride: p.Stride, Rect: p.Rect}
	}
	return d.last
}

// Serve is the process that decodes. main calls it first, and returns if it returns true.
func Serve() (served bool) {
	var known codecs
	ready := func(format string) error {
		_, err := known.compile(context.Background(), format)
		return err
	}
	return apart.ServePool(verb, ready, known.serve)
}

// A head says what the bytes of a process are: planes of YCbCr or grey pixels without gaps, or rows of NRGBA.
type head struct {
	Model  string `json:"model"` // "nrgba", "gray", "ycbcr"
	Ratio  image.YCbCrSubsampleRatio
	Width  int `json:"width"`
	Height int `json:"height"`
}

// Decode decodes the primary picture of a file. format is "heic" or "avif", and pixels is how many
// pixels the picture has, as its header says. The error is of the file, of the process that decodes it, or of ctx.
func (d *Decoder) Decode(ctx context.Context, format string, file []byte, pixels int64) (img image.Image, err error) {
	if format == "heic" && !HEIC {
		return nil, errors.New("HEIC is not supported: this program was built without libheif and libde265 (tag nolgpl)")
	}
	of := digest(format, file, pixels)
	if img := d.kept(of); img != nil {
		return img, ctx.Err()
	}
	if img, err = d.decode(ctx, format, file, pixels); err == nil {
		d.keep(of, img)
		img = cmp.Or(d.kept(of), img) // a copy: the caller may change its pixels
	}
	return img, err
}

func digest(format string, file []byte, pixels int64) (sum [sha256.Size]byte) {
	h := sha256.New()
	fmt.Fprintln(h, format, pixels)
	h.Write(file)
	h.Sum(sum[:0])
	return sum
}

func (d *Decoder) decode(ctx context.Context, format string, file []byte, pixels int64) (img image.Image, err error) {
	need := min(selfMemory+usualMemory*pixels, budget) // that the process of most pictures uses
	if err := d.free.Acquire(ctx, need); err != nil {
		return nil, err
	}
	defer d.free.Release(need)
	slow := errors.New("decoding takes more than " + maxTime.String())
	limited, cancel := context.WithTimeoutCause(ctx, maxTime, slow)
	defer cancel()
	pool := d.small[format]
	if pool == nil || pixels > keptPixels {
		pool = newPool(format, pixels)
		defer pool.Close()
	}
	_, err = pool.Ask(limited, maxProcessor, fmt.Sprintf("%s %d", format, pixels), file, func() func(string, bool, io.Reader) error {
		return func(name string, _ bool, r io.Reader) (err error) {
			img, err = receive(name, r, pixels)
			return err
		}
	})
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case limited.Err() != nil && err != nil:
		return nil, slow
	case err == nil && img == nil:
		err = errors.New("its decoder gave no picture")
	}
	return img, err
}

// receive reads a picture of at most so many pixels. name is a head as JSON.
func receive(name string, r io.Reader, pixels int64) (image.Image, error) {
	var h head
	if err := json.Unmarshal([]byte(name), &h); err != nil {
		return nil, err
	}
	if err := fits(int64(h.Width), int64(h.Height), pixels); err != nil {
		return nil, err
	}
	img, planes := h.picture()
	for _, p := range planes {
		if _, err := io.ReadFull(r, p); err != nil {
			return nil, err
		}
	}
	_, err := io.ReadFull(r, make([]byte, 1))
	if errors.Is(err, io.EOF) {
		return img, nil
	}
	if err == nil {
		err = errors.New("its decoder gave more bytes than the picture has")
	}
	return nil, err
}

// picture returns an empty picture, and its bytes in the order in which they are handed over.
func (h head) picture() (img image.Image, planes [][]byte) {
	whole := image.Rect(0, 0, h.Width, h.Height)
	switch h.Model {
	case "ycbcr":
		p := image.NewYCbCr(whole, h.Ratio)
		return p, [][]byte{p.Y, p.Cb, p.Cr}
	case "gray":
		p := image.NewGray(whole)
		return p, [][]byte{p.Pix}
	}
	p := image.NewNRGBA(whole)
	return p, [][]byte{p.Pix}
}

// serve decodes the picture in a file, and hands it to w. kind is the format and the number of coded pixels.
func (c *codecs) serve(kind string, file []byte, w *apart.Writer) error {
	format, count, _ := strings.Cut(kind, " ")
	pixels, err := strconv.ParseInt(count, 10, 64)
	if err != nil {
		return err
	}
	defer c.recycle()
	img, err := c.decode(format, file, pixels)
	if err != nil {
		return err
	}
	h := head{Model: "nrgba", Width: img.Bounds().Dx(), Height: img.Bounds().Dy()}
	var rows []io.Reader
	plane := func(pix []byte, stride, width, height int) {
		for y := range height {
			rows = append(rows, bytes.NewReader(pix[y*stride:y*stride+width]))
		}
	}
	switch src := img.(type) {
	case *image.YCbCr:
		h.Model, h.Ratio = "ycbcr", src.SubsampleRatio
		cw, ch := h.Width, h.Height
		switch src.SubsampleRatio {
		case image.YCbCrSubsampleRatio420:
			cw, ch = (cw+1)/2, (ch+1)/2
		case image.YCbCrSubsampleRatio422:
			cw = (cw + 1) / 2
		}
		plane(src.Y, src.YStride, h.Width, h.Height)
		plane(src.Cb, src.CStride, cw, ch)
		plane(src.Cr, src.CStride, cw, ch)
	case *image.Gray:
		h.Model = "gray"
		plane(src.Pix, src.Stride, h.Width, h.Height)
	default:
		n := &image.NRGBA{}
		if rgba, ok := img.(*image.RGBA); ok && rgba.Opaque() { // the same bytes
			n.Pix, n.Stride = rgba.Pix, rgba.Stride
		} else {
			n = pixel.ToNRGBA(img)
		}
		plane(n.Pix, n.Stride, 4*h.Width, h.Height)
	}
	name, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return w.File(string(name), io.MultiReader(rows...), nil)
}
