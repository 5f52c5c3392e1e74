// Package readers has programs that read pictures as machines of a KYC check do: machine readable zones, words, barcodes and
// faces. It also draws documents that have them. The programs are in Debian.
package readers

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/kycmark/kycmark/internal/test/specimen"
)

// A Reader is a program that reads one kind of thing off a picture.
type Reader struct {
	Kind         string
	tool, debian string                                         // program, and the package that has it
	args         []string                                       // "FILE" is the picture
	count        func(answer string, truth map[string]bool) int // truth are the words that may count; nil: all
	Lower        bool                                           // it sees the lower half of a picture
}

// all are the readers.
var all = []Reader{
	{"MRZ", "tesseract", "tesseract-ocr", []string{"FILE", "-", "--psm", "6", "-c", "tessedit_do_invert=0"}, zones, false},
	{"words", "tesseract", "tesseract-ocr", []string{"FILE", "-", "--psm", "3", "tsv"}, func(answer string, truth map[string]bool) int { return len(sureWords(answer, truth)) }, false},
	{"QR", "ZXingReader", "zxing-cpp-tools", []string{"-format", "QRCode", "FILE"}, barcodes, false},
	{"PDF417", "ZXingReader", "zxing-cpp-tools", []string{"-format", "PDF417", "FILE"}, barcodes, false},
	{"faces", "facedetect", "facedetect", []string{"FILE"}, func(answer string, _ map[string]bool) int { return strings.Count(answer, "\n") }, false},
}

// Of returns the readers of kinds. The error names the Debian packages whose programs look does not find.
func Of(kinds []string, look func(string) (string, error)) (out []Reader, err error) {
	lacking := map[string]bool{}
	for _, kind := range kinds {
		i := slices.IndexFunc(all, func(r Reader) bool { return r.Kind == kind })
		if i < 0 {
			return nil, fmt.Errorf("there is no kind %q", kind)
		}
		if _, err := look(all[i].tool); err != nil {
			lacking[all[i].debian] = true
		}
		out = append(out, all[i])
	}
	if len(lacking) > 0 {
		return nil, fmt.Errorf("programs are missing: apt-get install %s", strings.Join(slices.Sorted(maps.Keys(lacking)), " "))
	}
	return out, nil
}

// Read returns how many things the program finds in a picture. truth are the words that may count; nil: all.
func (r Reader) Read(ctx context.Context, img *image.NRGBA, truth map[string]bool) (int, error) {
	answer, err := r.ask(ctx, img)
	return r.count(answer, truth), err
}

// Words returns the words that a program of the kind "words" is sure of.
func (r Reader) Words(ctx context.Context, img *image.NRGBA) (map[string]bool, error) {
	answer, err := r.ask(ctx, img)
	return sureWords(answer, nil), err
}

// ask returns what the program answers to a picture.
func (r Reader) ask(ctx context.Context, img *image.NRGBA) (string, error) {
	dir, err := os.MkdirTemp("", "kycmark-readers-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	path, seen := filepath.Join(dir, "picture.ppm"), img.Rect
	if r.Lower {
		seen.Min.Y += seen.Dy() / 2
	}
	if err := WritePPM(path, img.SubImage(seen).(*image.NRGBA)); err != nil {
		return "", err
	}
	args := slices.Clone(r.args)
	args[slices.Index(args, "FILE")] = path
	cmd := exec.CommandContext(ctx, r.tool, args...)
	cmd.Env = append(os.Environ(), "OMP_THREAD_LIMIT=1")
	var failed bytes.Buffer
	cmd.Stderr = &failed
	answer, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", r.tool, err, failed.String())
	}
	return string(answer), nil
}

// barcodes returns how many codes ZXingReader found.
func barcodes(answer string, _ map[string]bool) int {
	return len(regexp.MustCompile(`(?m)^Format:`).FindAllString(answer, -1))
}

// sureWords returns the words of 4 or more letters or digits that tesseract is sure of in its table, lower case.
func sureWords(table string, truth map[string]bool) map[string]bool {
	const confidence, text, minSure = 10, 11, 80 // columns; percent
	out := map[string]bool{}
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.TrimSpace(line), "\t")
		if len(cells) <= text {
			continue
		}
		word := strings.ToLower(strings.TrimFunc(cells[text], func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) }))
		sure, err := strconv.ParseFloat(cells[confidence], 64)
		if err == nil && sure >= minSure && len([]rune(word)) >= 4 && (truth == nil || truth[word]) {
			out[word] = true
		}
	}
	return out
}

// zoneDates is where the dates of birth and of expiry lie in a machine readable zone, with check digits (ICAO Doc 9303).
var zoneDates = regexp.MustCompile(`([0-9]{6})([0-9])[MFX<]([0-9]{6})([0-9])`)

// alikeDigits makes digits of letters that are read for them.
var alikeDigits = strings.NewReplacer("O", "0", "Q", "0", "D", "0", "I", "1", "L", "1", "T", "1", "Z", "2", "S", "5", "G", "6", "B", "8")

// zones returns 1 if a line of a text has the dates of a machine readable zone with right check digits, else 0. If the line
// has room for a number of 9 signs before the dates, as in passports, its check digit must be right also. The number may have letters.
func zones(text string, _ map[string]bool) int {
	right := func(field, check string) bool { return string(specimen.CheckDigit(field)) == check }
	for line := range strings.Lines(text) {
		line = strings.ReplaceAll(strings.TrimSpace(line), " ", "")
		digits := alikeDigits.Replace(line)
		at := zoneDates.FindStringSubmatchIndex(digits)
		if at == nil {
			continue
		}
		part := func(i int) string { return digits[at[2*i]:at[2*i+1]] }
		if !right(part(1), part(2)) || !right(part(3), part(4)) {
			continue
		}
		const number, check, nation = 9, 1, 3 // signs before the dates
		from := at[0] - number - check - nation
		if from < 0 {
			return 1
		}
		end := from + number
		for _, letters := range []int{0, 2, number} { // at its start
			if right(line[from:from+letters]+digits[from+letters:end], digits[end:end+1]) {
				return 1
			}
		}
	}
	return 0
}

// Chance returns the probability of so unequal numbers of lost and gained pictures by chance (McNemar, exact, two-sided).
func Chance(lost, gained float64) float64 {
	n := lost + gained
	p := 0.0
	for k := range int(math.Min(lost, gained)) + 1 {
		choose, _ := math.Lgamma(n + 1)
		a, _ := math.Lgamma(float64(k) + 1)
		b, _ := math.Lgamma(n - float64(k) + 1)
		p += 2 * math.Exp(choose-a-b-n*math.Ln2)
	}
	return min(1, p)
}

// WritePPM writes the colours of img as a binary portable pixmap.
func WritePPM(path string, img *image.NRGBA) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	fmt.Fprintf(w, "P6\n%d %d\n255\n", img.Rect.Dx(), img.Rect.Dy())
	for y := range img.Rect.Dy() {
		row := img.Pix[y*img.Stride:][:4*img.Rect.Dx()]
		for i := 0; i < len(row); i += 4 {
			w.Write(row[i : i+3]) // the first error stays and comes out of Flush
		}
	}
	return errors.Join(w.Flush(), f.Close())
}
