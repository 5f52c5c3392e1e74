package experiments

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"math"
	"math/rand/v2"

	"github.com/disintegration/imaging"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/specimen"
	"github.com/kycmark/kycmark/phash/parts"
)

// distractors are uploads that do not leak. The first are pictures: parts of the
// background, and specimens. The rest are recombined from these.
type distractors struct {
	opt   *MatchLocalOptions
	made  [][]byte // features at rest
	kinds map[string]int
}

// extract makes n from pictures.
func (d *distractors) extract(ctx context.Context, n int) error {
	d.kinds = map[string]int{}
	half := n
	if len(d.opt.Background) > 0 {
		half = n / 2
	}
	if err := d.specimens(ctx, half); err != nil {
		return err
	}
	for i := 0; len(d.made) < n; i = (i + 1) % len(d.opt.Background) {
		if ctx.Err() != nil {
			return stopped(ctx)
		}
		p, err := picture.Load(d.opt.Background[i], d.opt.Limits)
		if err != nil {
			return fmt.Errorf("bench: %s: %w", d.opt.Background[i], err)
		}
		if err := d.cuts(picture.Flatten(p.Image), uint64(i), n); err != nil {
			return err
		}
	}
	return nil
}

// cuts adds parts of a background picture, as many as are its share of n.
func (d *distractors) cuts(m *image.NRGBA, i uint64, n int) error {
	r := rand.New(rand.NewPCG(d.opt.Seed, i))
	for range max(1, n/2/len(d.opt.Background)) {
		if len(d.made) == n {
			return nil
		}
		side := 0.3 + 0.6*r.Float64()
		w, h := max(1, int(side*float64(m.Rect.Dx()))), max(1, int(side*(0.8+0.2*r.Float64())*float64(m.Rect.Dy())))
		x, y := r.IntN(m.Rect.Dx()-w+1), r.IntN(m.Rect.Dy()-h+1)
		if err := d.add("cut from the background", imaging.Crop(m, image.Rect(x, y, x+w, y+h))); err != nil {
			return err
		}
	}
	return nil
}

func (d *distractors) add(kind string, m *image.NRGBA) error {
	f, err := parts.Extract(m)
	if err != nil {
		return fmt.Errorf("bench: distractor: %w", err)
	}
	data, err := f.MarshalBinary()
	if err != nil {
		return fmt.Errorf("bench: distractor: %w", err)
	}
	d.made = append(d.made, data)
	d.kinds[kind]++
	return nil
}

// specimens adds documents, flat and photographed, portraits, selfies and coasts.
func (d *distractors) specimens(ctx context.Context, n int) error {
	kinds := specimen.Templates()
	blanks := make([]*specimen.Blank, len(kinds))
	for i, k := range kinds {
		blanks[i] = specimen.NewBlank(k, 800)
	}
	for i := range n {
		if ctx.Err() != nil {
			return stopped(ctx)
		}
		seed := d.opt.Seed<<32 + uint64(i)
		p := specimen.NewPerson(seed)
		kind, m := "specimen", (*image.NRGBA)(nil)
		switch i % 16 {
		case 13:
			kind, m = "drawn portrait", specimen.Portrait(p, 630, 810)
		case 14:
			kind, m = "drawn selfie", specimen.Selfie(p, seed, 600, 800)
		case 15:
			kind, m = "drawn coast", specimen.Landscape(seed, 800, 600)
		default:
			m = picture.Flatten(blanks[i%len(blanks)].Fill(p))
			if i%4 == 0 {
				kind, m = "photographed specimen", specimen.Photograph(m, seed, 800, 600)
			}
		}
		if err := d.add(kind, m); err != nil {
			return err
		}
	}
	return nil
}

// at returns distractor n.
func (d *distractors) at(n int) (*parts.Features, error) {
	f := &parts.Features{}
	data := d.made[n%len(d.made)]
	if n >= len(d.made) {
		data = d.recombined(n)
	}
	if err := f.UnmarshalBinary(data); err != nil {
		return nil, fmt.Errorf("bench: distractor %d: %w", n, err)
	}
	return f, nil
}

// How features lie at rest: see [parts.Features.MarshalBinary].
const (
	restHead    = 16
	restFeature = 20
	restSide    = 768
)

// recombined makes an upload of the features of three pictures, as if parts of each
// had been turned and laid into one: places and directions are turned together,
// every sign is changed with a chance of a tenth, as an edit changes it.
func (d *distractors) recombined(n int) []byte {
	r := rand.New(rand.NewPCG(d.opt.Seed+1, uint64(n)))
	out := make([]byte, restHead, parts.MaxSize)
	out[0] = 1
	binary.LittleEndian.PutUint32(out[4:], restSide)
	binary.LittleEndian.PutUint32(out[8:], restSide)
	for part := range 3 {
		src := d.made[r.IntN(len(d.made))]
		turn := r.IntN(64)
		sin, cos := math.Sincos(float64(turn) / 64 * 2 * math.Pi)
		x0, y0 := float64(restSide/4+r.IntN(restSide/2)), float64(restSide/4+r.IntN(restSide/2))
		taken := 0
		for at := restHead; at < len(src) && taken < parts.MaxFeatures/3+part; at += restFeature {
			place := binary.LittleEndian.Uint32(src[at+16:])
			x, y := float64(place&2047)/2-restSide/2, float64(place>>11&2047)/2-restSide/2
			x, y = x0+(x*cos-y*sin), y0+(x*sin+y*cos)
			if x < 0 || y < 0 || x > restSide || y > restSide || len(out) > parts.MaxSize-restFeature {
				continue
			}
			for w := range 2 {
				out = binary.LittleEndian.AppendUint64(out, binary.LittleEndian.Uint64(src[at+8*w:])^tenth(r))
			}
			placed := uint32(2*x) | uint32(2*y)<<11 | (place>>22+uint32(turn))&63<<22 | place&(15<<28)
			out = binary.LittleEndian.AppendUint32(out, placed)
			taken++
		}
	}
	out[1] = byte((len(out) - restHead) / restFeature)
	sum := crc32.Update(crc32.ChecksumIEEE(out[:12]), crc32.IEEETable, out[restHead:])
	binary.LittleEndian.PutUint32(out[12:], sum)
	return out
}

// tenth has each bit set with a chance of 13/128.
func tenth(r *rand.Rand) uint64 {
	bits := uint64(0)
	for digit := range 7 { // of 13/128 in binary, from the last on
		if v := r.Uint64(); 13>>digit&1 == 1 {
			bits |= v
		} else {
			bits &= v
		}
	}
	return bits
}
