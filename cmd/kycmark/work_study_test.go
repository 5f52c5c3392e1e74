//go:build study

package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/testdata"
)

// TestDivisions investigates a dump by one process, by parts (--part), by 1, 2 and 4 workers in random numbers of jobs (--queue), and
// by a process that is killed and goes on (--state): findings, verdict and report are the same, byte for byte, but for the record of
// when and how they were made. KYCMARK_LEAKS and KYCMARK_DIVISIONS say how many; every KYCMARK_OURS-th leak is ours.
func TestDivisions(t *testing.T) {
	leaks, divisions, every := setNumber(t, "KYCMARK_LEAKS", 200), setNumber(t, "KYCMARK_DIVISIONS", 10), setNumber(t, "KYCMARK_OURS", 1)
	random := rand.New(rand.NewPCG(20, 4))
	c := &crew{t: t, dir: t.TempDir(), over: make(chan struct{})}
	c.home = filepath.Join(c.dir, "kyc")
	base := server.DSN(t)
	c.run("init", "--registry", base, c.home)
	c.run("recipient", "add", "vendor-a", "--kind", "vendor")
	c.run("recipient", "add", "vendor-b", "--kind", "vendor")
	up := filepath.Join(c.dir, "up")
	require.NoError(t, os.Mkdir(up, 0o700))
	for k := range 40 {
		require.NoError(t, os.WriteFile(filepath.Join(up, fmt.Sprintf("subject-%d.jpg", k)), tiny(t, k), 0o600))
	}
	c.run("submit", "--subject-from", "name", "--at", "2018-02-03", up)
	c.run("issue", "--all", "--allow-weak", "--to", "vendor-a", "--to", "vendor-b", "--out", "out")
	c.run("custody", "add", "vendor-b", "--from", "2018-02", "--to", "2018-02", "--note", "intake")
	found := time.Now().Add(20 * time.Hour).UTC().Format(time.RFC3339)
	drawLeaks(t, random, leaks, every, filepath.Join(c.dir, "leaks"), filepath.Join(c.dir, "out", "vendor-a"), filepath.Join(c.dir, "out", "vendor-b"), up)

	// copied returns a home with a fresh copy of the registry.
	copied := func() *crew {
		home, dsn := filepath.Join(t.TempDir(), "kyc"), server.DSN(t)
		c.run("copy-registry", base, dsn)
		require.NoError(t, os.CopyFS(home, os.DirFS(c.home)))
		config := filepath.Join(home, "kycmark.toml")
		text, err := os.ReadFile(config)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(config, []byte(strings.ReplaceAll(string(text), base[strings.Index(base, "search_path"):], dsn[strings.Index(dsn, "search_path"):])), 0o600))
		return &crew{t: t, dir: c.dir, home: home, over: make(chan struct{})}
	}
	// outcome runs the command that weighs, and returns what it says without the record.
	outcome := func(one *crew, args ...string) string {
		dir := t.TempDir()
		report, findings := filepath.Join(dir, "report.html"), filepath.Join(dir, "findings.json")
		out := one.ends(append(args, "--json", "--report", report, "--findings", findings)...)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		lines[len(lines)-1] = unrecorded(t, []byte(lines[len(lines)-1]))
		page, err := os.ReadFile(report)
		require.NoError(t, err)
		text, err := os.ReadFile(findings)
		require.NoError(t, err)
		return strings.Join(lines, "\n") + "\n" + unrecorded(t, text) + undated(string(page))
	}
	before := childrenCPU(t)
	want := outcome(copied(), "investigate", "leaks", "--found", found)
	counts, files := make(map[string]int), 0
	for _, line := range strings.Split(want, "\n") {
		var l struct{ File, Finding string }
		if json.Unmarshal([]byte(line), &l) == nil && l.File != "" {
			counts[l.Finding]++
			files++
		}
	}
	took := childrenCPU(t) - before
	t.Logf("%d leaks: %v; %.2f s of processor time each", files, counts, took.Seconds()/float64(files))
	for i := range divisions {
		one := copied()
		var got, how string
		switch kind := (i + 3) % 4; kind {
		case 3:
			args := []string{"investigate", "leaks", "--found", found, "--state", filepath.Join(filepath.Dir(one.home), "state")}
			kills := 1 + random.IntN(3)
			how = fmt.Sprintf("%d kills", kills)
			for range kills {
				cmd := one.command(args...)
				require.NoError(t, cmd.Start())
				time.Sleep(time.Second + time.Duration(random.Float64()*float64(took)/4))
				require.NoError(t, cmd.Process.Kill())
				_ = cmd.Wait()
			}
			got = outcome(one, args...)
		default:
			workers := []int{1, 2, 4}[kind]
			how = fmt.Sprintf("%d workers", workers)
			for range workers {
				one.wg.Go(func() { one.work(func() (time.Duration, func()) { return 0, nil }) })
			}
			end := sync.OnceFunc(func() { close(one.over); one.wg.Wait() })
			defer end()
			got = outcome(one, "investigate", "leaks", "--found", found, "--queue")
			end()
		}
		sameLines(t, want, got, how)
	}
}

// ends runs kycmark, which ends well or says that some files are damaged.
func (c *crew) ends(args ...string) string {
	var out, errs bytes.Buffer
	cmd := c.command(args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		require.Equal(c.t, 3, cmd.ProcessState.ExitCode(), "%v: %s", args, &errs)
	}
	return out.String()
}

// sameLines fails if two outcomes are not the same, and shows the first line that differs.
func sameLines(t *testing.T, want, got, how string) {
	t.Helper()
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(a), len(b)) {
		if at := 0; a[i] != b[i] {
			for at < min(len(a[i]), len(b[i])) && a[i][at] == b[i][at] {
				at++
			}
			require.Fail(t, how, "line %d, byte %d:\n%.300s\n%.300s", i, at, a[i][max(0, at-100):], b[i][max(0, at-100):])
		}
	}
	require.Len(t, b, len(a), how)
	t.Logf("%s: as one process", how)
}

// unrecorded is a verdict as JSON without its record.
func unrecorded(t *testing.T, text []byte) string {
	t.Helper()
	var all map[string]json.RawMessage
	var verdict map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(text, &all))
	require.NoError(t, json.Unmarshal(all["verdict"], &verdict))
	delete(verdict, "record")
	var err error
	all["verdict"], err = json.Marshal(verdict)
	require.NoError(t, err)
	out, err := json.MarshalIndent(all, "", " ")
	require.NoError(t, err)
	return string(out)
}

// undated is a report without its record: times of the examination, its command, its entries, and the digest of its findings.
func undated(page string) string {
	for _, part := range []string{
		`Report of [^"]* redacted`, `<dt>(begun|examined|command|ledger|logged at its start|entered in the ledger as)</dt><dd[^>]*>[^\n]*`, `<pre>kycmark [^\n]*`, `(?s)<pre id="findings".*?</pre>`,
		`in full <span class="mono">[^\n]*`,
	} {
		page = regexp.MustCompile(part).ReplaceAllString(page, "")
	}
	return page
}

// childrenCPU is the processor time of the commands that ended.
func childrenCPU(t *testing.T) time.Duration {
	t.Helper()
	var used syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_CHILDREN, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// drawLeaks writes n files into a folder. Every every-th is made of files in the folders ours. The others are crops of pictures that
// were not uploaded, so small that few of them can carry a mark: they take hundredths of a second.
func drawLeaks(t *testing.T, random *rand.Rand, n, every int, dir string, ours ...string) {
	t.Helper()
	require.NoError(t, os.Mkdir(dir, 0o700))
	var own []string
	for _, folder := range ours {
		files, err := filepath.Glob(filepath.Join(folder, "*.*"))
		require.NoError(t, err)
		slices.Sort(files)
		own = append(own, files...)
	}
	read := func(path string) []byte {
		file, err := os.ReadFile(path)
		require.NoError(t, err)
		return file
	}
	decoded := func(file []byte) *image.NRGBA {
		p, err := picture.Decode(file, picture.Limits{})
		require.NoError(t, err)
		return picture.Flatten(p.Image)
	}
	var others []image.Image
	for _, name := range []string{"stranger_coast", "anna_selfie", "kenji_licence", "hana_bill"} {
		file, err := testdata.Pictures.ReadFile("pictures/" + name + ".jpg")
		require.NoError(t, err)
		others = append(others, decoded(file))
	}
	for _, kind := range []string{"photos", "documents"} { // real ones, if they are there
		files, err := filepath.Glob(filepath.Join(os.Getenv("KYCMARK_SHARED"), "pictures", kind, "*.*"))
		require.NoError(t, err)
		for _, name := range files {
			if p, err := picture.Decode(read(name), picture.Limits{}); err == nil {
				others = append(others, imaging.Fit(picture.Flatten(p.Image), 1600, 1600, imaging.Lanczos))
			}
		}
	}
	write := func(name string, data []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	jpeg := func(img image.Image) []byte {
		var out bytes.Buffer
		require.NoError(t, imaging.Encode(&out, img, imaging.JPEG, imaging.JPEGQuality(60+random.IntN(36))))
		return out.Bytes()
	}
	crop := func(img image.Image, share float64) image.Image {
		size := img.Bounds().Size()
		w, h := int(share*float64(size.X)), int(share*float64(size.Y))
		x, y := random.IntN(size.X-w+1), random.IntN(size.Y-h+1)
		return imaging.Crop(img, image.Rect(x, y, x+w, y+h))
	}
	stranger := func() []byte {
		side := 30 + random.IntN(14)
		return jpeg(imaging.Fit(crop(others[random.IntN(len(others))], 0.3+0.4*random.Float64()), side, side, imaging.Lanczos))
	}
	upload := func() int { return random.IntN(len(own) / len(ours)) }
	copyOf := func(n int) string { return own[random.IntN(2)*len(own)/len(ours)+n] } // of either vendor
	for k := range n {
		name := fmt.Sprintf("%04d", k)
		if k%every != 0 {
			write(name+".jpg", stranger())
			continue
		}
		of := copyOf(upload())
		switch img := decoded(read(of)); k / every % 14 {
		case 0:
			write(name+filepath.Ext(of), read(of))
		case 1:
			write(name+".jpg", jpeg(crop(img, 0.6+0.35*random.Float64())))
		case 2:
			write(name+".jpg", jpeg(imaging.Rotate(img, 8*random.Float64()-4, image.White)))
		case 3:
			write(name+".jpg", jpeg(imaging.Rotate90(img)))
		case 4:
			write(name+".jpg", jpeg(imaging.Fit(img, 160+random.IntN(80), 240, imaging.Lanczos)))
		case 5: // unmarked
			write(name+".jpg", read(own[2*len(own)/len(ours)+upload()]))
		case 6: // the first again
			write(name+filepath.Ext(of), read(filepath.Join(dir, "0000.jpg")))
		case 7: // a copy, and an upload without a mark
			require.NoError(t, makePDF(func(path string) string { return path }, filepath.Join(dir, name+".pdf"), "full:"+of, "full:"+own[2*len(own)/len(ours)+upload()]))
		case 8:
			var out bytes.Buffer
			z := zip.NewWriter(&out)
			for i, data := range [][]byte{jpeg(img), stranger(), read(of)} {
				w, err := z.Create(fmt.Sprintf("%d.jpg", i))
				require.NoError(t, err)
				_, err = w.Write(data)
				require.NoError(t, err)
			}
			require.NoError(t, z.Close())
			write(name+".zip", out.Bytes())
		case 9: // two copies of one upload, averaged
			n := upload()
			write(name+".jpg", jpeg(imaging.Overlay(decoded(read(own[n])), decoded(read(own[len(own)/len(ours)+n])), image.Point{}, 0.5)))
		case 10:
			write(name+".jpg", jpeg(imaging.FlipH(img)))
		case 11:
			write(name+".jpg", append([]byte("\xff\xd8\xff damaged "), name...))
		case 12: // a collage
			both := imaging.New(2*img.Rect.Dx(), img.Rect.Dy(), image.White)
			both = imaging.Paste(both, img, image.Point{})
			write(name+".jpg", jpeg(imaging.Paste(both, decoded(read(copyOf(upload()))), image.Pt(img.Rect.Dx(), 0))))
		case 13:
			write(name+".jpg", stranger())
		}
	}
	write("notes.txt", []byte("a text"))
}
