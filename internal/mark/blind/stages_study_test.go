//go:build study && unix

package blind

import (
	"context"
	"flag"
	"fmt"
	"image"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/internal/mark/spectrum"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/fromfile"
)

var (
	stagePictures = flag.String("pictures", "../../../testdata/pictures", "folders of pictures, with commas between")
	stageAttacks  = flag.String("attacks", "telegram,jpeg20,thumb320,thumb160,crop25,crop10,crop05,aspect10,persp8,blur4,screen_photo,print_scan,redact50,chain_rotcrop", "attacks")
)

// stageTally is what one stage read and what it cost.
type stageTally struct {
	reads           int
	found, notFound time.Duration // processor time over readings that found a mark and that did not
}

// TestStagesStudy measures what the table of stages says: how many of the readings each
// stage decides, and its share of the processor time of readings that find nothing. Each
// picture is marked, attacked and read, and read once without a mark.
//
//	go test -tags study -timeout 2h -cpu 1 -v -run StagesStudy ./internal/mark/blind -pictures DIR,DIR
func TestStagesStudy(t *testing.T) {
	kd := NewKeys(pattern.NewKeys(&[32]byte{8, 8}))
	var tally [len(stages)]stageTally
	marked, unread := 0, 0
	perAttack := map[string][len(stages) + 1]int{}
	one := func(leak image.Image, name string) {
		l, err := newLeak(leak)
		if err != nil {
			return
		}
		r := newReader(context.Background(), l, kd)
		var took [len(stages)]time.Duration
		at := len(stages)
		for i, s := range stages {
			start := cpuTime()
			require.NoError(t, s.try([]*reader{r}))
			took[i] = cpuTime() - start
			if len(r.found) > 0 {
				require.Equal(t, uint64(studyID), r.found[0].id)
				tally[i].reads++
				at = i
				break
			}
		}
		for i, d := range took {
			if at < len(stages) {
				tally[i].found += d
			} else {
				tally[i].notFound += d
			}
		}
		n := perAttack[name]
		n[at]++
		perAttack[name] = n
		if name != "unmarked" {
			marked++
			if at == len(stages) {
				unread++
			}
		}
	}
	eachLeak(t, kd, []uint64{1}, one, func(path string) {
		var all time.Duration
		for _, s := range tally {
			all += s.notFound
		}
		fmt.Printf("%s: %d readings, %d without a mark\n", filepath.Base(path), marked, unread)
		for i, s := range tally {
			fmt.Printf("%-12s reads %4d = %5.2f %%, not-found %5.1f %% (%6.1f s), found %6.1f s\n", stages[i].name, s.reads, 100*float64(s.reads)/float64(marked), 100*float64(s.notFound)/float64(all), s.notFound.Seconds(), s.found.Seconds())
		}
	})
	for name, n := range perAttack {
		fmt.Println(name, n)
	}
}

// TestTiltedStudy logs the highest score of a tilt, of each picture without a mark and of three leaks by each attack. It says
// whether the mark is read by the tilts alone, and by tilts below minTilted.
//
//	go test -tags study -timeout 2h -v -run TiltedStudy ./internal/mark/blind -attacks persp8,screen_photo -pictures DIR,DIR
func TestTiltedStudy(t *testing.T) {
	kd := NewKeys(pattern.NewKeys(&[32]byte{8, 8}))
	one := func(leak image.Image, name string) {
		l, err := newLeak(leak)
		if err != nil {
			return
		}
		r := newReader(context.Background(), l, kd)
		z := l.fields[len(l.fields)-1]
		mid := float64(l.side()) / pattern.Torus
		all := partsOf(z).Best(r.sums, r.f, spectrum.Scales{Min: tiltedMin * mid, Max: tiltedMax * mid}, tiltedClimbs)
		for k, tilt := range all[:min(tiltedTries, len(all))] {
			if r.attemptTilted(len(l.fields)-1, tilt.Map(z.W, z.H)); r.done() {
				fmt.Printf("%s: score %.1f, read by number %d of score %.1f\n", name, all[0].Score, k, tilt.Score)
				return
			}
		}
		fmt.Printf("%s: score %.1f\n", name, all[0].Score)
	}
	eachLeak(t, kd, []uint64{0, 1, 2}, one, func(string) {})
}

// eachLeak calls one with each picture that takes a mark: without it, and marked after each attack with each of the seeds. It
// calls done after each picture.
func eachLeak(t *testing.T, kd *Keys, seeds []uint64, one func(leak image.Image, name string), done func(path string)) {
	for _, path := range studyFiles(t) {
		pic, err := fromfile.Picture(path, picture.Limits{})
		if err != nil {
			continue
		}
		src := picture.Flatten(pic.Image)
		m := embedForStudy(kd, studyID, src)
		if m == nil {
			continue
		}
		one(src, "unmarked")
		for _, name := range strings.Split(*stageAttacks, ",") {
			a, err := attack.Find(name)
			require.NoError(t, err)
			for _, seed := range seeds {
				one(a.Apply(m, seed), name)
			}
		}
		done(path)
	}
}

// embedForStudy marks src as package watermark does; nil if src is too small.
func embedForStudy(kd *Keys, id uint64, src *image.NRGBA) *image.NRGBA {
	c, err := pattern.NewCanvas(src)
	if err != nil {
		return nil
	}
	w, h := pattern.CanonicalSize(c.Size())
	sub := c.Digest()
	place, own, coded := kd.Placement(sub, w, h), kd.Tracer(sub, id, w, h), kd.Payload.Encode(id)
	plain := pattern.Lay(kd.Pattern(coded, nil, nil), place, w, h)
	var second []dsp.Plane
	for z := range Carriers(c.Simulate(c.Shape(plain, plain, own, 1))) {
		bits, pilots := kd.EvenOut(z, place, coded)
		second = append(second, pattern.Lay(kd.Pattern(coded, bits, pilots), place, w, h))
	}
	out := image.NewNRGBA(src.Rect)
	c.Add(out, c.Shape(second[0], second[len(second)-1], own, 1))
	return out
}

func studyFiles(t *testing.T) (all []string) {
	for _, dir := range strings.Split(*stagePictures, ",") {
		require.NoError(t, filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				all = append(all, p)
			}
			return err
		}))
	}
	return all
}

func cpuTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
