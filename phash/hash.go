package phash

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"math"
	"math/bits"
	"strings"
)

var (
	// ErrKind is wrapped when a kind is unknown, or when a hash of one kind meets an index of another.
	ErrKind = errors.New("phash: wrong kind of hash")
	// ErrSyntax is wrapped when a text is not a hash.
	ErrSyntax = errors.New("phash: malformed hash")
	// ErrPicture is wrapped when a picture cannot be hashed at all: nil, or
	// larger than any that this package would unfold in memory.
	ErrPicture = errors.New("phash: unusable picture")
)

// A Kind is a hash algorithm. Its numbers and names are stored in registries:
// they are never changed and never reused, and the zero Kind is invalid.
type Kind uint8

// The kinds of hash. Bits of different kinds have nothing to do with each other.
const (
	PDQ        Kind = iota + 1 // 256 bits, facebook/ThreatExchange
	Perception                 // 64 bits, corona10/goimagehash PerceptionHash
	Difference                 // 64 bits, corona10/goimagehash DifferenceHash
	Average                    // 64 bits, corona10/goimagehash AverageHash
	Area                       // 256 bits, this package's own: PDQ's transform of the means of 64 × 64 blocks
)

var kindNames = [...]string{
	PDQ:        "pdq",
	Perception: "goimagehash/perception",
	Difference: "goimagehash/difference",
	Average:    "goimagehash/average",
	Area:       "kycmark/area",
}

// ParseKind returns the kind with that name, as [Kind.String] writes it. The error wraps [ErrKind].
func ParseKind(name string) (Kind, error) {
	for k := PDQ; int(k) < len(kindNames); k++ {
		if kindNames[k] == name {
			return k, nil
		}
	}
	return 0, fmt.Errorf("%w: %.40q, want one of %s", ErrKind, name, strings.Join(kindNames[PDQ:], ", "))
}

// String returns the kind's name: "pdq", "kycmark/area", or "goimagehash/" with "perception", "difference" or "average".
func (k Kind) String() string {
	if !k.valid() {
		return fmt.Sprintf("phash.Kind(%d)", uint8(k))
	}
	return kindNames[k]
}

// Len returns the number of bits of a hash of this kind: 256, 64, or 0 for an invalid kind.
func (k Kind) Len() int {
	switch {
	case !k.valid():
		return 0
	case k == Perception || k == Difference || k == Average:
		return 64
	}
	return 256
}

// Version names the frozen steps from decoded pixels to bits, such as "pdq/1". Store the version with every hash:
// hashes of two versions may differ by a few bits on one picture. The steps behind a name never change.
func (k Kind) Version() string { return k.String() + "/1" }

func (k Kind) valid() bool { return k >= PDQ && int(k) < len(kindNames) }

// A Hash is one perceptual hash. Hashes are comparable with ==.
type Hash struct {
	Kind Kind
	// Bits in the order of the digits: Bits[0] holds the first 16 hex digits.
	// The 64-bit kinds use Bits[0] alone and leave the rest 0.
	Bits [4]uint64
}

// Parse reads the form that [Hash.String] writes and no other: the kind's name, a colon, and 64 or 16 lower-case hex
// digits. A hash list of the reference holds bare digits: put "pdq:" before each. Errors wrap [ErrSyntax], or [ErrKind].
func Parse(s string) (Hash, error) {
	name, digits, ok := strings.Cut(s, ":")
	if !ok {
		return Hash{}, fmt.Errorf("%w: no kind before the digits, want kind:digits", ErrSyntax)
	}
	kind, err := ParseKind(name)
	if err != nil {
		return Hash{}, err
	}
	if want := kind.Len() / 4; len(digits) != want {
		return Hash{}, fmt.Errorf("%w: %s has %d hex digits, not %d", ErrSyntax, kind, want, len(digits))
	}
	if strings.ToLower(digits) != digits {
		return Hash{}, fmt.Errorf("%w: hex digits must be lower case", ErrSyntax)
	}
	raw, err := hex.DecodeString(digits)
	if err != nil {
		return Hash{}, fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	h := Hash{Kind: kind}
	for i := range len(raw) / 8 {
		h.Bits[i] = binary.BigEndian.Uint64(raw[8*i:])
	}
	return h, nil
}

// String returns the hash as text with its kind, such as "pdq:f8f8f0cc…".
func (h Hash) String() string { return h.Kind.String() + ":" + h.Hex() }

// Hex returns the digits alone, 4 bits each. The digits of PDQ are in the order of the reference.
func (h Hash) Hex() string {
	var raw [32]byte
	for i, w := range h.Bits {
		binary.BigEndian.PutUint64(raw[8*i:], w)
	}
	return hex.EncodeToString(raw[:h.Kind.Len()/8])
}

// Distance returns the number of bits in which two hashes of one kind differ. Hashes of different kinds are further
// apart than any radius: the distance is math.MaxInt.
func (h Hash) Distance(o Hash) int {
	if h.Kind != o.Kind {
		return math.MaxInt
	}
	d := 0
	for i, w := range h.Bits {
		d += bits.OnesCount64(w ^ o.Bits[i])
	}
	return d
}

// Sum hashes an upright picture by the chain that [Kind.Version] names. Transparent pixels are laid on white paper.
//
// Quality, 0 to 100, tells how much there is to see in the picture. It is the metric of PDQ, also for goimagehash,
// which has none; Area applies it to its own blocks. Below [MinQuality] the hash says little and must not be matched
// on. A picture with a side under 5 pixels, an empty one as well, has the hash 0 and quality 0.
//
// Errors wrap [ErrKind], or [ErrPicture] for nil and, with all kinds but PDQ, for more than [MaxPixels]; PDQ has no bound.
func Sum(kind Kind, img image.Image) (h Hash, quality int, err error) {
	if err := check(kind, img); err != nil {
		return Hash{}, 0, err
	}
	h.Kind = kind
	if tooSmall(img) {
		return h, 0, nil
	}
	h.Bits, quality = sum(kind, img, orientations[0])
	return h, quality, nil
}

// SumTurned returns the hashes that the picture has in each of its eight orientations, in this order: as it is; turned
// counterclockwise by 90°, 180°, 270°; top and bottom exchanged; left and right exchanged; mirrored at the diagonal
// from the top left, and at the one from the top right. Each is exactly what [Sum] gives for the turned pixels. Quality
// is that of the picture as it is. Errors are the errors of Sum.
//
// Store the one hash of a picture and ask with the eight of the leak. A rule that picks one of the eight to store ("the
// smallest") would pick another as soon as a bit differs.
func SumTurned(kind Kind, img image.Image) (all [8]Hash, quality int, err error) {
	if err := check(kind, img); err != nil {
		return all, 0, err
	}
	for i := range all {
		all[i].Kind = kind
	}
	switch {
	case tooSmall(img):
	case kind == Area:
		g := areaGrid(img)
		return g.turns(), g.quality(), nil
	default:
		all[0].Bits, quality = sum(kind, img, orientations[0])
		for i := 1; i < len(all); i++ {
			all[i].Bits, _ = sum(kind, img, orientations[i])
		}
	}
	return all, quality, nil
}

// sum returns the bits and the quality of a picture that lies as o says. The picture passed check and is not too small.
func sum(kind Kind, img image.Image, o orientation) (bits [4]uint64, quality int) {
	if kind == Area {
		g := areaGrid(img).turned(o)
		return g.transform().bits(), g.quality()
	}
	g := shrink(reduced(img, o))
	if kind == PDQ {
		return g.transform().bits(), g.quality()
	}
	return [4]uint64{library(kind, whole(img, o))}, g.quality()
}

// check returns an error if img cannot be hashed by that kind. It wraps ErrKind or ErrPicture.
func check(kind Kind, img image.Image) error {
	switch {
	case !kind.valid():
		return fmt.Errorf("%w: %s", ErrKind, kind)
	case img == nil:
		return fmt.Errorf("%w: none given", ErrPicture)
	case kind == PDQ:
		return nil
	}
	b := img.Bounds()
	if n := int64(b.Dx()) * int64(b.Dy()); n > MaxPixels {
		return fmt.Errorf("%w: %d × %d pixels, max %d", ErrPicture, b.Dx(), b.Dy(), MaxPixels)
	}
	return nil
}

func tooSmall(img image.Image) bool {
	b := img.Bounds()
	return min(b.Dx(), b.Dy()) < minSide
}

// SumLeak returns the hashes to search with when a picture may have leaked, and the quality of the picture as it is, as
// in [Sum]. Every kind is read in the picture's eight orientations, which come first, as in [SumTurned]. [PDQ] and
// [Area] are also read from the negative in each orientation (16 hashes). Stamps and names of channels are often
// printed across a leak, in a colour that the surroundings do not have. SumLeak then adds the hashes with the print
// painted over, and with only the strokes of the print painted over (up to 16 hashes more). Search an index of hashes
// that [Sum] gave, but not for a leak below [MinQuality].
//
// Errors wrap [ErrKind] or [ErrPicture].
func SumLeak(kind Kind, img image.Image) (hashes []Hash, quality int, err error) {
	all, quality, err := SumTurned(kind, img)
	if err != nil {
		return nil, 0, err
	}
	hashes = all[:]
	if kind != PDQ && kind != Area || tooSmall(img) {
		return hashes, quality, nil
	}
	for _, h := range all { // of the negative, except for rounding: each coefficient changes its sign
		for i := range h.Bits {
			h.Bits[i] = ^h.Bits[i]
		}
		hashes = append(hashes, h)
	}
	if kind == Area {
		return append(hashes, cleanedArea(img)...), quality, nil
	}
	return append(hashes, cleanedPDQ(img)...), quality, nil
}

// cleanedPDQ returns the PDQ hashes of img with overprint painted over, nil if there is no
// overprint. Hashes below MinQuality are left out. The pixels that PDQ looks at are others in a
// mirrored picture, so overprint is looked for in four orientations.
func cleanedPDQ(img image.Image) (hashes []Hash) {
	for _, o := range orientations {
		if o.swap {
			continue
		}
		m := reduced(img, o)
		w, h := m.Rect.Max.X, m.Rect.Max.Y
		page := newPage(w, h)
		for y := range h {
			page.row(rowOf(m, y), y)
		}
		for _, grey := range page.cleaned() {
			for _, p := range orientations {
				if o.mirrorX != p.mirrorX || o.mirrorY != p.mirrorY {
					continue
				}
				if g := shrink(whole(grey, orientation{swap: p.swap})); g.quality() >= MinQuality {
					hashes = append(hashes, Hash{PDQ, g.transform().bits()})
				}
			}
		}
	}
	return hashes
}

// cleanedArea returns the Area hashes of img with overprint painted over, nil if there is no overprint. Overprint is
// looked for in the means of Step × Step blocks. Hashes below MinQuality are left out.
func cleanedArea(img image.Image) (hashes []Hash) {
	all, weight := sums(img, Step)
	page, line := newPage(Step, Step), make([]uint8, 4*Step)
	for y := range Step {
		for x := range Step {
			for k, v := range all[y*Step+x] {
				line[4*x+k] = uint8((v + weight/2) / weight)
			}
		}
		page.row(line, y)
	}
	for _, grey := range page.cleaned() {
		g := areaGrid(grey)
		if g.quality() < MinQuality {
			continue
		}
		all := g.turns()
		hashes = append(hashes, all[:]...)
	}
	return hashes
}
