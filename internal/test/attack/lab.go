package attack

import (
	"image"
	"math"
)

// labPlanes is a picture in CIE L*a*b* (white point D65) with 8 bits a plane:
// lightness 0..100 stretched to 0..255, a and b with 128 added. As in OpenCV's
// denoising the channels are taken as linear light.
type labPlanes struct {
	l, a, b []uint8
	w, h    int
}

// Rows of linear sRGB to XYZ (IEC 61966-2-1) as OpenCV has them, and its white.
var (
	rgbToXYZ = [9]float64{.412453, .357580, .180423, .212671, .715160, .072169, .019334, .119193, .950227}
	xyzToRGB = [9]float64{3.240479, -1.53715, -.498535, -.969256, 1.875991, .041556, .055648, -.204043, 1.057311}
	white    = [3]float64{.950456, 1, 1.088754}
)

// labSteps is how finely 0..1 is tabulated for the cube root.
const labSteps = 1 << 14

// toLab converts an opaque picture without gaps between rows to Lab, 8 bits a plane, see labPlanes.
func toLab(p *image.NRGBA) *labPlanes {
	w, h := p.Rect.Dx(), p.Rect.Dy()
	out := &labPlanes{l: make([]uint8, w*h), a: make([]uint8, w*h), b: make([]uint8, w*h), w: w, h: h}
	root := make([]float32, labSteps+2)
	for i := range root {
		root[i] = float32(labRoot(float64(i) / labSteps))
	}
	var m [9]float32 // from 0..255 to 0..labSteps of the white
	for i := range m {
		m[i] = float32(rgbToXYZ[i] / white[i/3] / 255 * labSteps)
	}
	for i := range out.l {
		s := p.Pix[4*i:][:3:3]
		r, g, b := float32(s[0]), float32(s[1]), float32(s[2])
		x := root[int(m[0]*r+m[1]*g+m[2]*b+.5)]
		y := root[int(m[3]*r+m[4]*g+m[5]*b+.5)]
		z := root[int(m[6]*r+m[7]*g+m[8]*b+.5)]
		out.l[i] = round8((116*y - 16) * 2.55)
		out.a[i] = round8(500*(x-y) + 128)
		out.b[i] = round8(200*(y-z) + 128)
	}
	return out
}

// labRoot is the f of CIE 15, section 8.2.1.
func labRoot(t float64) float64 {
	if t > .008856 {
		return math.Cbrt(t)
	}
	return 7.787*t + 16./116
}

// labCube is its inverse.
func labCube(f float32) float32 {
	if f > .206893 {
		return f * f * f
	}
	return (f - 16./116) / 7.787
}

// fromLab returns the picture of the size of rect whose lightness and colours the packed sums of
// denoise mean, averaged. light holds L, colour a and b. It drops the frame around the picture. w
// is the width of the padded planes.
func fromLab(light, colour []uint64, w int, rect image.Rectangle) *image.NRGBA {
	const frame = patchReach + searchReach
	out := image.NewNRGBA(rect)
	for i := 0; i < len(out.Pix); i += 4 {
		k := (i/4/rect.Dx()+frame)*w + i/4%rect.Dx() + frame
		l, _ := unpack(light[k])
		a, b := unpack(colour[k])
		fy := (l/2.55 + 16) / 116
		x := labCube(fy+(a-128)/500) * float32(white[0])
		y := labCube(fy)
		z := labCube(fy-(b-128)/200) * float32(white[2])
		d := out.Pix[i : i+4 : i+4]
		for c := range 3 {
			m := xyzToRGB[3*c:][:3]
			d[c] = round8(255 * (float32(m[0])*x + float32(m[1])*y + float32(m[2])*z))
		}
		d[3] = 255
	}
	return out
}

// unpack returns the means of both channels of a packed sum: each sum over that of the weights,
// which must not be 0, rounded to a whole level.
func unpack(sum uint64) (a, b float32) {
	n := sum >> packW
	const mask = 1<<packB - 1
	return float32(((sum & mask) + n/2) / n), float32(((sum >> packB & mask) + n/2) / n)
}

// round8 rounds to the nearest level of 0 to 255.
func round8(v float32) uint8 { return uint8(min(255, max(0, v+.5))) }
