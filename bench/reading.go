package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/watermark"
)

// A reader is a program that reads one kind of thing off a picture.
type reader struct {
	kind, tool, debian string
	args               []string                                       // "FILE" is the picture
	count              func(answer string, truth map[string]bool) int // truth are the words that may count; nil: all
	lower              bool                                           // it sees the lower half of a picture
}

var readers = []reader{
	{"MRZ", "tesseract", "tesseract-ocr", []string{"FILE", "-", "--psm", "6", "-c", "tessedit_do_invert=0"}, func(answer string, _ map[string]bool) int { return int(yes(hasMRZ(answer))) }, false},
	{"words", "tesseract", "tesseract-ocr", []string{"FILE", "-", "--psm", "3", "tsv"}, func(answer string, truth map[string]bool) int { return len(sureWords(answer, truth)) }, false},
	{"QR", "ZXingReader", "zxing-cpp-tools", []string{"-format", "QRCode", "FILE"}, barcodes, false},
	{"PDF417", "ZXingReader", "zxing-cpp-tools", []string{"-format", "PDF417", "FILE"}, barcodes, false},
	{"faces", "facedetect", "facedetect", []string{"FILE"}, func(answer string, _ map[string]bool) int { return strings.Count(answer, "\n") }, false},
}

// barcodeWriter draws the codes of drawn documents. It comes with ZXingReader.
const barcodeWriter = "ZXingWriter"

// passportSides are the long sides at which drawn passports are uploaded, pixels.
var passportSides = []int{2000, 1600, 1200, 900}

// maxFewer is the share by which a kind may be read less often after marking.
const maxFewer = 0.01

// machineReading measures what programs read off pictures before and after marking.
func machineReading(e *engine) *ruler.Experiment {
	r := &readingRun{engine: e}
	passports, others := 0, 0
	var kinds []string
	columns := []ruler.Column{
		ruler.Sums("before", "before"), ruler.Sums("after", "after"), ruler.Sums("lost", "lost"), ruler.Sums("gained", "gained"),
		{Head: "p", Cell: func(g ruler.Group) string { return ruler.Decimals(lossP(g), 2) }}, ruler.Counts("pictures"),
	}
	return &ruler.Experiment{
		Name: "reading", Short: "What machines read off pictures before and after marking",
		Long: `Read machine readable zones and words (tesseract), QR codes and PDF417 (zxing) and faces
(OpenCV) off the pictures and off drawn documents, before and after marking, from the pixels of
the files. A zone is read if its check digits are right. Words count from 4 letters on that
tesseract is sure of, of drawn bills only those that are printed on the bill.
"p" is McNemar's: the probability of so unequal numbers of lost and gained pictures by chance.
Exit 1 when a kind is read more than 1 % less often after marking.
The programs are in Debian: tesseract-ocr, zxing-cpp-tools, facedetect.`,
		Flags: func(fs *pflag.FlagSet) {
			fs.StringSliceVar(&kinds, "kinds", []string{"MRZ", "words", "QR", "PDF417", "faces"}, "`kinds` to read")
			fs.IntVar(&passports, "passports", 200, "`number` of drawn passports, each uploaded at four sizes")
			fs.IntVar(&others, "others", 40, "`number` of drawn bills, licences and selfies each")
			fs.IntVar(&r.copies, "copies", 1, "`number` of copies of each picture")
		},
		Cases: func(_ context.Context, env *ruler.Env) (cases []ruler.Case, err error) {
			if passports < 0 || others < 0 || r.copies < 1 {
				return nil, errors.New("--passports and --others take 0 or more, --copies 1 or more")
			}
			r.env = env
			if r.readers, err = readersOf(kinds, exec.LookPath); err != nil {
				return nil, err
			}
			cases = ruler.Each(env, func(ctx context.Context, path string, emit func(ruler.Trial)) {
				r.measure(ctx, "files", path, nil, r.readers, emit)
			})
			for _, d := range drawnReadings {
				if n := others; len(r.only(d.kinds)) > 0 {
					if d.kinds[0] == "MRZ" {
						n = passports
					}
					cases = append(cases, ruler.Cases(n, func(ctx context.Context, i int, emit func(ruler.Trial)) {
						r.drawn(ctx, d, i, emit)
					})...)
				}
			}
			return cases, nil
		},
		Tables: []ruler.Table{
			{Name: "kinds", By: []string{"kind"}, Columns: columns},
			{Name: "all", By: []string{"kind", "of"}, Columns: columns},
		},
		Missed: func(trials []ruler.Trial) (out []string) {
			for _, kind := range ruler.Group(trials).Labels("kind") {
				g := ruler.Group(trials).Where(ruler.Is("kind", kind))
				if before, after := g.Sum("before"), g.Sum("after"); after < (1-maxFewer)*before {
					out = append(out, fmt.Sprintf("%s: %.0f after %.0f before marking, bar 1 %% fewer, p %.2f", kind, after, before, lossP(g)))
				}
			}
			return out
		},
	}
}

// readersOf returns the readers of kinds. The error names the Debian packages whose programs look does not find.
func readersOf(kinds []string, look func(string) (string, error)) (out []reader, err error) {
	lacking := map[string]bool{}
	for _, kind := range kinds {
		i := slices.IndexFunc(readers, func(r reader) bool { return r.kind == kind })
		if i < 0 {
			return nil, fmt.Errorf("--kinds: there is no kind %q", kind)
		}
		if _, err := look(readers[i].tool); err != nil {
			lacking[readers[i].debian] = true
		}
		out = append(out, readers[i])
	}
	if len(lacking) > 0 {
		return nil, fmt.Errorf("programs are missing: apt-get install %s, or choose other --kinds", strings.Join(slices.Sorted(maps.Keys(lacking)), " "))
	}
	return out, nil
}

// A drawnReading is a kind of drawn document.
type drawnReading struct {
	name  string
	kinds []string
	sides []int // long sides of uploads, pixels; nil: as drawn
	draw  func(ctx context.Context, i int, seed uint64) (upload, page *image.NRGBA)
}

// passport is the blank of all drawn passports.
var passport = sync.OnceValue(func() *specimen.Blank { return specimen.NewBlank(specimen.Passport, 1800) })

var drawnReadings = []drawnReading{
	{"drawn bills", []string{"words", "QR"}, nil, func(ctx context.Context, i int, seed uint64) (upload, page *image.NRGBA) {
		page = specimen.Render(specimen.Bill, specimen.NewPerson(seed), 1400)
		code := drawnCode(ctx, "QRCode", fmt.Sprintf("UTO-ENERGY;%d;IBAN UT12345678901234567890;EUR 84.20", seed), 90+3*(i%40))
		draw.Draw(page, code.Rect.Add(image.Pt(1400-60-code.Rect.Dx(), 60)), code, image.Point{}, draw.Src)
		if i%2 == 0 {
			return specimen.Photograph(page, seed, 1200, 1600), page
		}
		return specimen.Scan(page, seed, 1200, 1697), page
	}},
	{"drawn licences", []string{"PDF417"}, nil, func(ctx context.Context, i int, seed uint64) (upload, page *image.NRGBA) {
		page = specimen.Render(specimen.Licence, specimen.NewPerson(seed), 1400)
		text := fmt.Sprintf("@ANSI 636000;DAQ%d;DCSLINDQVIST;DACANNA;DBB19800101;DBA20300101;DAG12 HARBOUR LANE;DAIAMAUROT", seed)
		code := drawnCode(ctx, "PDF417", text, 400+20*(i%40))
		draw.Draw(page, code.Rect.Add(image.Pt(60, 400)), code, image.Point{}, draw.Src)
		return takenBy(page, 1500, mediumPhoto+i%2, seed), page
	}},
	{"drawn selfies", []string{"faces"}, nil, func(_ context.Context, _ int, seed uint64) (upload, page *image.NRGBA) {
		return specimen.Selfie(specimen.NewPerson(seed), seed, 1200, 1600), nil
	}},
	{"drawn passports", []string{"MRZ"}, passportSides, func(_ context.Context, i int, seed uint64) (upload, page *image.NRGBA) {
		return takenBy(passport().Fill(specimen.NewPerson(seed)), 1875, mediumPhoto+i%2, seed), nil
	}},
}

// drawnCode returns a barcode so many pixels wide.
func drawnCode(ctx context.Context, format, text string, width int) *image.NRGBA {
	path := filepath.Join(ruler.Must(os.MkdirTemp("", "kycmark-bench-")), "code.png")
	defer os.RemoveAll(filepath.Dir(path))
	ruler.Check(exec.CommandContext(ctx, barcodeWriter, "-size", "1600x1600", format, text, path).Run())
	return picture.Fit(ruler.Must(picture.Decode(ruler.Must(os.ReadFile(path)), picture.Limits{})).Image, width)
}

// A readingRun reads pictures before and after marking.
type readingRun struct {
	*engine
	env     *ruler.Env
	readers []reader
	copies  int
}

// only returns the readers of kinds that were asked for.
func (r *readingRun) only(kinds []string) []reader {
	return slices.DeleteFunc(slices.Clone(r.readers), func(x reader) bool { return !slices.Contains(kinds, x.kind) })
}

// drawn draws document i and emits the trials of its uploads.
func (r *readingRun) drawn(ctx context.Context, d drawnReading, i int, emit func(ruler.Trial)) {
	dir := ruler.Must(os.MkdirTemp("", "kycmark-bench-"))
	defer os.RemoveAll(dir)
	upload, page := d.draw(ctx, i, r.env.Seed<<32+uint64(i))
	used := r.only(d.kinds)
	var truth map[string]bool
	for k := range used {
		switch x := &used[k]; x.kind {
		case "MRZ":
			x.lower = true // there it lies on the page
		case "words":
			truth = sureWords(r.ask(ctx, *x, dir, page), nil)
		}
	}
	sides := d.sides
	if sides == nil {
		sides = []int{max(upload.Rect.Dx(), upload.Rect.Dy())}
	}
	for _, side := range sides {
		path := filepath.Join(dir, fmt.Sprintf("%s %d.jpg", d.name, i))
		ruler.Check(os.WriteFile(path, encoded(picture.Fit(picture.Flatten(upload), side), "jpeg", 88), 0o600))
		of := d.name
		if d.sides != nil {
			of = fmt.Sprintf("%s, %d px", of, side)
		}
		r.measure(ctx, of, path, truth, used, emit)
	}
}

// measure reads the picture of a file, and of its copies.
func (r *readingRun) measure(ctx context.Context, of, path string, truth map[string]bool, used []reader, emit func(ruler.Trial)) {
	dir := ruler.Must(os.MkdirTemp("", "kycmark-bench-"))
	defer os.RemoveAll(dir)
	up := ruler.Must(r.env.Upload(path))
	before := map[string]int{}
	for _, x := range used {
		before[x.kind] = x.count(r.ask(ctx, x, dir, up.Image), truth)
	}
	for n := range r.copies {
		if n > 0 {
			up.Copy = watermark.CopyID(r.env.Draw(fmt.Sprint("copy ", n), up.Content))
		}
		marked := ruler.Must(r.copied(ctx, r.env, path, up)).Image
		for _, x := range used {
			was, is := before[x.kind], x.count(r.ask(ctx, x, dir, marked), truth)
			emit(ruler.Trial{
				Labels: map[string]string{"kind": x.kind, "of": of, "picture": up.Name},
				Values: map[string]float64{"before": float64(was), "after": float64(is), "lost": yes(is < was), "gained": yes(is > was)},
			})
		}
	}
}

// ask returns what a program answers to a picture. It ends the case if the program fails.
func (r *readingRun) ask(ctx context.Context, x reader, dir string, img *image.NRGBA) string {
	path, seen := filepath.Join(dir, "picture.ppm"), img.Rect
	if x.lower {
		seen.Min.Y += seen.Dy() / 2
	}
	ruler.Check(writePPM(path, img.SubImage(seen).(*image.NRGBA)))
	args := slices.Clone(x.args)
	args[slices.Index(args, "FILE")] = path
	cmd := exec.CommandContext(ctx, x.tool, args...)
	cmd.Env = append(os.Environ(), "OMP_THREAD_LIMIT=1")
	var failed bytes.Buffer
	cmd.Stderr = &failed
	answer, err := cmd.Output()
	if err != nil {
		ruler.Failf("%s: %w: %s", x.tool, err, failed.String())
	}
	return string(answer)
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

// hasMRZ reports whether a text has dates of a machine readable zone with right check digits, and behind a number of 9 signs
// in the line, as passports have it, also its check digit. The number may have letters.
func hasMRZ(text string) bool {
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
			return true
		}
		end := from + number
		for _, letters := range []int{0, 2, number} { // at its start
			if right(line[from:from+letters]+digits[from+letters:end], digits[end:end+1]) {
				return true
			}
		}
	}
	return false
}

// lossP returns the probability of so unequal numbers of lost and gained pictures by chance (McNemar, exact, two-sided).
func lossP(g ruler.Group) float64 {
	lost, gained := g.Sum("lost"), g.Sum("gained")
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
