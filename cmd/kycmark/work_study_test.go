//go:build study

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
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

// TestDivisions investigates a dump by one process, and by 1, 2 and 4 workers in random numbers of parts: findings
// and verdicts are the same, byte for byte. KYCMARK_LEAKS and KYCMARK_DIVISIONS say how many.
func TestDivisions(t *testing.T) {
	number := func(name string, n int) int {
		if text := os.Getenv(name); text != "" {
			var err error
			n, err = strconv.Atoi(text)
			require.NoError(t, err)
		}
		return n
	}
	leaks, divisions := number("KYCMARK_LEAKS", 200), number("KYCMARK_DIVISIONS", 10)
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
	c.run("submit", "--subject-from", "name", up)
	c.run("issue", "--all", "--allow-weak", "--to", "vendor-a", "--to", "vendor-b", "--out", "out")
	drawLeaks(t, random, leaks, filepath.Join(c.dir, "leaks"), filepath.Join(c.dir, "out", "vendor-a"), filepath.Join(c.dir, "out", "vendor-b"), up)

	// examine investigates a fresh copy of the registry and returns what is printed, without the record.
	examine := func(workers, parts int) string {
		home, dsn := filepath.Join(t.TempDir(), "kyc"), server.DSN(t)
		c.run("copy-registry", base, dsn)
		require.NoError(t, os.CopyFS(home, os.DirFS(c.home)))
		config := filepath.Join(home, "kycmark.toml")
		text, err := os.ReadFile(config)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(config, []byte(strings.ReplaceAll(string(text), base[strings.Index(base, "search_path"):], dsn[strings.Index(dsn, "search_path"):])), 0o600))
		one := &crew{t: t, dir: c.dir, home: home, over: make(chan struct{})}
		for range workers {
			one.wg.Go(func() { one.work(func() (time.Duration, func()) { return 0, nil }) })
		}
		defer sync.OnceFunc(func() { close(one.over); one.wg.Wait() })()
		args := []string{"investigate", "leaks", "--json"}
		if workers > 0 {
			args = append(args, "--queue", "--parts", strconv.Itoa(parts))
		}
		out := one.run(args...)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		require.Len(t, lines, leaks+1)
		var last struct{ Verdict map[string]json.RawMessage }
		require.NoError(t, json.Unmarshal([]byte(lines[leaks]), &last))
		delete(last.Verdict, "record")
		verdict, err := json.Marshal(last.Verdict)
		require.NoError(t, err)
		return strings.Join(lines[:leaks], "\n") + "\n" + string(verdict)
	}
	before := childrenCPU(t)
	want := examine(0, 0)
	counts := make(map[string]int)
	for _, line := range strings.Split(want, "\n")[:leaks] {
		var l struct{ Finding string }
		require.NoError(t, json.Unmarshal([]byte(line), &l))
		counts[l.Finding]++
	}
	t.Logf("%d leaks: %v; %.2f s of processor time each", leaks, counts, (childrenCPU(t)-before).Seconds()/float64(leaks))
	for i := range divisions {
		workers, parts := []int{1, 2, 4}[i%3], 1+random.IntN(min(leaks, 100)) // each job has the digests of all leaks
		require.Equal(t, want, examine(workers, parts), "%d workers, %d parts", workers, parts)
		t.Logf("%d workers, %d parts: as one process", workers, parts)
	}
}

// childrenCPU is the processor time of the commands that ended.
func childrenCPU(t *testing.T) time.Duration {
	t.Helper()
	var used syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_CHILDREN, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// drawLeaks writes n pictures into a folder. Every 20th is a crop of a file in the folders ours, every 500th of full
// size. The others are crops of pictures that were not uploaded, so small that few of them can carry a mark: they take
// hundredths of a second.
func drawLeaks(t *testing.T, random *rand.Rand, n int, dir string, ours ...string) {
	t.Helper()
	require.NoError(t, os.Mkdir(dir, 0o700))
	var own []string
	for _, folder := range ours {
		files, err := filepath.Glob(filepath.Join(folder, "*.*"))
		require.NoError(t, err)
		own = append(own, files...)
	}
	var others []image.Image
	add := func(file []byte) {
		if p, err := picture.Decode(file, picture.Limits{}); err == nil {
			others = append(others, imaging.Fit(picture.Flatten(p.Image), 1600, 1600, imaging.Lanczos))
		}
	}
	for _, name := range []string{"stranger_coast", "anna_selfie", "kenji_licence", "hana_bill"} {
		file, err := testdata.Pictures.ReadFile("pictures/" + name + ".jpg")
		require.NoError(t, err)
		add(file)
	}
	for _, kind := range []string{"photos", "documents"} { // real ones, if they are there
		files, err := filepath.Glob(filepath.Join(os.Getenv("KYCMARK_SHARED"), "pictures", kind, "*.*"))
		require.NoError(t, err)
		for _, name := range files {
			file, err := os.ReadFile(name)
			require.NoError(t, err)
			add(file)
		}
	}
	for k := range n {
		var img image.Image
		share := 0.3 + 0.4*random.Float64()
		if k%20 == 0 {
			file, err := os.ReadFile(own[random.IntN(len(own))])
			require.NoError(t, err)
			p, err := picture.Decode(file, picture.Limits{})
			require.NoError(t, err)
			img, share = p.Image, 0.7+0.3*random.Float64()
		} else {
			img = others[random.IntN(len(others))]
		}
		size := img.Bounds().Size()
		w, h := int(share*float64(size.X)), int(share*float64(size.Y))
		x, y := random.IntN(size.X-w+1), random.IntN(size.Y-h+1)
		img = imaging.Crop(img, image.Rect(x, y, x+w, y+h))
		side := 30 + random.IntN(14)
		if k%20 == 0 {
			side += 60
		}
		if k%500 != 0 {
			img = imaging.Fit(img, side, side, imaging.Lanczos)
		}
		var out bytes.Buffer
		require.NoError(t, imaging.Encode(&out, img, imaging.JPEG, imaging.JPEGQuality(60+random.IntN(36))))
		require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%04d.jpg", k)), out.Bytes(), 0o600))
	}
}
