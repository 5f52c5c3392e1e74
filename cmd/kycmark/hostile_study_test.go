//go:build study && linux

package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/testdata"
)

// TestHostileDump investigates 1,000 files that take much memory ($KYCMARK_HOSTILE: so many), and 50 copies of ours
// between them, by 16 workers, with 2 GiB of data for each process. All files must be named, and the copies found as alone.
func TestHostileDump(t *testing.T) {
	n := 1000
	if s := os.Getenv("KYCMARK_HOSTILE"); s != "" {
		fmt.Sscan(s, &n)
	}
	dir := t.TempDir()
	program, home, uploads, dump := filepath.Join(dir, "kycmark"), filepath.Join(dir, "home"), filepath.Join(dir, "uploads"), filepath.Join(dir, "dump")
	out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	run := func(args ...string) {
		out, err := exec.Command(program, append([]string{"--home", home}, args...)...).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	require.NoError(t, os.MkdirAll(uploads, 0o700))
	require.NoError(t, os.MkdirAll(dump, 0o700))
	names, err := testdata.Pictures.ReadDir("pictures")
	require.NoError(t, err)
	for _, e := range names {
		data, err := testdata.Pictures.ReadFile("pictures/" + e.Name())
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(uploads, e.Name()), data, 0o600))
	}
	require.NoError(t, exec.Command(program, "init", home).Run())
	run("recipient", "add", "vendor", "--kind", "vendor")
	run("submit", uploads)
	run("issue", "--to", "vendor", "--all", "--out", filepath.Join(dir, "copies"))
	copies, err := filepath.Glob(filepath.Join(dir, "copies", "*"))
	require.NoError(t, err)

	kinds := hostileKinds(t)
	for i := range n {
		k := kinds[i%len(kinds)]
		require.NoError(t, os.WriteFile(filepath.Join(dump, fmt.Sprintf("h%05d%s", i, k.ending)), fmt.Appendf(bytes.Clone(k.data), "%d", i), 0o600))
	}
	for i := range 50 {
		data, err := os.ReadFile(copies[i%len(copies)])
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dump, fmt.Sprintf("h%05d-ours.jpg", i*n/50)), data, 0o600))
	}
	cmd := exec.Command("bash", "-c", `ulimit -d 2097152; exec "$0" "$@"`, program, "--home", home, "investigate", "--json", dump)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=16")
	found, err := cmd.Output()
	require.Equal(t, exitSome, cmd.ProcessState.ExitCode(), err)
	named := map[string]string{}
	for line := range bytes.Lines(found) {
		var x struct{ File, Finding, Error string }
		require.NoError(t, json.Unmarshal(line, &x))
		file, _, _ := strings.Cut(filepath.Base(x.File), "!")
		if named[file] = x.Finding; x.Finding != "copy" && x.Finding != "unknown" && x.File != "" {
			require.NotEmpty(t, x.Error, x.File)
		}
	}
	delete(named, ".") // the verdict
	require.Len(t, named, n+50)
	for file, finding := range named {
		require.Equal(t, strings.Contains(file, "ours"), finding == "copy", "%s: %s", file, finding)
	}
	use := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	t.Logf("%d files: peak %.0f MB, %.0f s of CPU", len(named), float64(use.Maxrss)*1024/1e6, cmd.ProcessState.UserTime().Seconds()+cmd.ProcessState.SystemTime().Seconds())
	require.Less(t, float64(use.Maxrss)*1024, 1.5e9)
}

// A hostileKind is the beginning of a file; more bytes may follow.
type hostileKind struct {
	ending string
	data   []byte
}

// hostileKinds are small files that take much memory or are broken. One in ten can be examined.
func hostileKinds(t *testing.T) []hostileKind {
	plain := func(img image.Image) []byte {
		var b bytes.Buffer
		require.NoError(t, (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, img))
		return b.Bytes()
	}
	wide := image.Rect(0, 0, 10_000, 10_000)
	deep, grey := plain(image.NewNRGBA64(wide)), plain(image.NewGray(wide))
	palette := plain(image.NewPaletted(wide, color.Palette{color.Black, color.White}))
	fits := plain(image.NewNRGBA(image.Rect(0, 0, 6000, 6000)))
	var progressive, bomb bytes.Buffer
	require.NoError(t, picture.Encode(&progressive, image.NewNRGBA(image.Rect(0, 0, 9000, 9000)), "jpeg", 90))
	z := zip.NewWriter(&bomb)
	for _, name := range []string{"a.png", "b.bin"} {
		w, err := z.Create(name)
		require.NoError(t, err)
		_, err = w.Write(append(bytes.Clone(deep), make([]byte, 30<<20)...))
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	out := []hostileKind{{".jpg", progressive.Bytes()}, {".png", deep[:4000]}, {".zip", []byte("PK\x03\x04 nothing")}, {".heic", deep[:300]}, {".zip", bomb.Bytes()}, {".png", palette}, {".png", fits}}
	for range 7 {
		out = append(out, hostileKind{".png", deep}, hostileKind{".png", grey})
	}
	return out
}
