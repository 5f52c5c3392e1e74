package main

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"math"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/watermark"
)

// A colourSpace says what stored numbers mean: its red, green and blue as X, Y and Z under D50, and its
// gamma, 0 for the curve of sRGB.
type colourSpace struct {
	name  string
	rgb   [3][3]float64
	gamma float64
}

var colourSpaces = []colourSpace{
	{"Display P3", [3][3]float64{{0.5151, 0.2412, -0.0011}, {0.2920, 0.6922, 0.0419}, {0.1571, 0.0666, 0.7841}}, 0},
	{"Adobe RGB", [3][3]float64{{0.6097, 0.3111, 0.0195}, {0.2053, 0.6257, 0.0609}, {0.1492, 0.0632, 0.7446}}, 2.2},
	{"BT.2020, curve of sRGB", [3][3]float64{{0.6735, 0.2790, -0.0019}, {0.1657, 0.6753, 0.0300}, {0.1250, 0.0456, 0.7968}}, 0},
	{"ProPhoto RGB", [3][3]float64{{0.7977, 0.2880, 0}, {0.1351, 0.7117, 0}, {0.0314, 0.0004, 0.8249}}, 1.8},
}

// fromXYZ makes linear sRGB of X, Y and Z under D50.
var fromXYZ = [3][3]float64{{3.1341, -1.6174, -0.4906}, {-0.9788, 1.9163, 0.0334}, {0.0720, -0.2290, 1.4054}}

// shown returns the picture that a screen of sRGB shows, and so a screenshot.
func (c colourSpace) shown(img *image.NRGBA) *image.NRGBA {
	var linear [256]float64
	for i := range linear {
		x := float64(i) / 255
		switch {
		case c.gamma > 0:
			linear[i] = math.Pow(x, c.gamma)
		case x <= 0.04045:
			linear[i] = x / 12.92
		default:
			linear[i] = math.Pow((x+0.055)/1.055, 2.4)
		}
	}
	out := image.NewNRGBA(img.Rect)
	for i := 0; i < len(img.Pix); i += 4 {
		var xyz [3]float64
		for k := range 3 {
			for j := range 3 {
				xyz[j] += linear[img.Pix[i+k]] * c.rgb[k][j]
			}
		}
		for k, row := range fromXYZ {
			v := max(0, min(row[0]*xyz[0]+row[1]*xyz[1]+row[2]*xyz[2], 1))
			if v = v * 12.92; v > 0.04045 {
				v = 1.055*math.Pow(v/12.92, 1/2.4) - 0.055
			}
			out.Pix[i+k] = uint8(math.Round(255 * v))
		}
		out.Pix[i+3] = img.Pix[i+3]
	}
	return out
}

// colour measures whether hashes and marks of stored numbers serve, if a leak is a screenshot of a picture
// with a profile. Each picture's numbers are taken for each colour space: ordinary pictures look more
// saturated then than pictures of such a space do. The leak is a copy as sRGB shows it, of 900 pixels, JPEG 75.
func colour() *ruler.Experiment {
	return &ruler.Experiment{
		Name: "colour", Short: "Hashes and marks of pictures with a colour profile",
		Long: "Compare a picture's stored numbers, which are hashed and marked, with what a screenshot of it has.",
		Cases: func(_ context.Context, env *ruler.Env) ([]ruler.Case, error) {
			return ruler.Each(env, func(ctx context.Context, path string, emit func(ruler.Trial)) {
				original := ruler.Must(env.Load(path)).Image
				marked := picture.ToNRGBA(ruler.Must(ruler.Must(watermark.Prepare(env.Key, original, nil)).Mark(ctx, 77)).Image)
				plain := leakedColour(ctx, env.Key, original, marked, func(img *image.NRGBA) *image.NRGBA { return img })
				for _, c := range colourSpaces {
					values := leakedColour(ctx, env.Key, original, marked, c.shown)
					values["kept"] = values["z"] / plain["z"]
					emit(ruler.Trial{Labels: map[string]string{"space": c.name, "picture": ruler.Name(path)}, Values: values})
				}
			}), nil
		},
		Tables: []ruler.Table{{Name: "colour", By: []string{"space"}, Heads: []string{"numbers of"}, Columns: []ruler.Column{
			ruler.Quantiles("PDQ, median and max, bits", "pdq", 0, 0.5, 1), ruler.Quantiles("the same of area", "area", 0, 0.5, 1), ruler.Of("read blind", "read"), ruler.Of("traced", "traced"), ruler.Quantiles("evidence kept, median and min", "kept", 2, 0.5, 0),
		}}},
	}
}

// leakedColour compares the hashes of original with the ones of what is shown of it, and reads and traces
// what is shown of a copy.
func leakedColour(ctx context.Context, key *watermark.Key, original, marked *image.NRGBA, show func(*image.NRGBA) *image.NRGBA) map[string]float64 {
	out := map[string]float64{"read": 0}
	for name, kind := range map[string]phash.Kind{"pdq": phash.PDQ, "area": phash.Area} {
		a, _, err := phash.Sum(kind, original)
		ruler.Check(err)
		b, _, err := phash.Sum(kind, show(original))
		ruler.Check(err)
		out[name] = float64(a.Distance(b))
	}
	var b bytes.Buffer
	ruler.Check(jpeg.Encode(&b, picture.Fit(show(marked), 900), &jpeg.Options{Quality: 75}))
	leak := ruler.Must(jpeg.Decode(&b))
	if read := ruler.Must(watermark.DetectAll(ctx, leak, key)); len(read) == 1 && read[0].Copy == 77 {
		out["read"] = 1
	}
	traced := ruler.Must(watermark.Trace(ctx, leak, original, []watermark.Candidate{{Copy: 77, Key: key}}, nil))
	out["traced"], out["z"] = float64(len(traced.Accused)), traced.Copies[0].Score
	return out
}
