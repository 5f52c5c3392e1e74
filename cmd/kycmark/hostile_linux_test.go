package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/ulikunitz/xz"

	"github.com/kycmark/kycmark/decoders"
	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/skip"
	"github.com/kycmark/kycmark/internal/test/specimen"
)

// A hostileFile is a file of one kind: data that is to be damaged, or what is hostile as it is.
type hostileFile struct {
	ending  string
	data    []byte
	hostile func() []byte // or nil
}

// samples are small files of all kinds, and heavy ones, which are small and ask for much memory, space or time. slow ones
// start processes.
func samples(t *testing.T) (small, slow, heavy []hostileFile) {
	add := func(to *[]hostileFile, ending string, data []byte) {
		*to = append(*to, hostileFile{ending: ending, data: data})
	}
	face := specimen.Render(specimen.Passport, specimen.NewPerson(99), 60)
	encoded := func(format string, img image.Image) []byte {
		var b bytes.Buffer
		require.NoError(t, picture.Encode(&b, img, format, 90))
		return b.Bytes()
	}
	for _, format := range []string{"jpeg", "png", "tiff", "bmp"} {
		add(&small, picture.Extension(format), encoded(format, face))
	}
	var moving bytes.Buffer
	frame := image.NewPaletted(image.Rect(0, 0, 30, 20), color.Palette{color.Black, color.White})
	require.NoError(t, gif.EncodeAll(&moving, &gif.GIF{Image: []*image.Paletted{frame, frame, frame}, Delay: []int{1, 1, 1}}))
	add(&small, ".gif", moving.Bytes())
	jpeg := encoded("jpeg", face)
	tarred := tarOf(t, "a.jpg", jpeg, "b\x1b[2J\n.png", encoded("png", face), "../../c.jpg", jpeg[:200])
	nested := jpeg
	for i := range 7 {
		nested = zipOf(t, fmt.Sprintf("%d.zip", i), nested)
	}
	var gzipped bytes.Buffer
	g := gzip.NewWriter(&gzipped)
	_, err := g.Write(tarred)
	require.NoError(t, err)
	require.NoError(t, g.Close())
	add(&small, ".zip", zipOf(t, "a.jpg", jpeg, "a.jpg", jpeg[:300], "x\x00\r\n.png", encoded("png", face)))
	add(&small, ".zip", nested)
	add(&small, ".tar", tarred)
	add(&small, ".tgz", gzipped.Bytes())
	add(&small, ".eml", []byte("From: a\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: image/jpeg; name=\"a.jpg\"\nContent-Transfer-Encoding: base64\n\n/9j/4AAQ\n--x--\n"))
	add(&small, ".html", []byte("<img src=\"data:image/png;base64,iVBORw0KGgo=\"><img src='data:;base64,////'>"))

	var packed bytes.Buffer
	x, err := xz.NewWriter(&packed)
	require.NoError(t, err)
	_, err = x.Write(tarred)
	require.NoError(t, err)
	require.NoError(t, x.Close())
	z, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	add(&slow, ".tar.xz", packed.Bytes())
	add(&slow, ".tar.zst", z.EncodeAll(tarred, nil))
	add(&slow, ".rar", append([]byte("Rar!\x1a\x07\x01\x00"), tarred[:600]...))
	for _, pattern := range []string{"../../internal/unpack/testdata/*.7z", "../../internal/dump/testdata/*.bz2", "../../internal/pdf/testdata/*.pdf", "../../decoders/testdata/[an]*", "../../internal/picture/testdata/*.webp"} {
		paths, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, path := range paths {
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			add(&slow, strings.TrimPrefix(filepath.Ext(path), ".tar"), data)
		}
	}

	plain := func(img image.Image) []byte {
		var b bytes.Buffer
		require.NoError(t, (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, img))
		return b.Bytes()
	}
	wide := image.Rect(0, 0, 10_000, 10_000)
	deep := sync.OnceValue(func() []byte { return plain(image.NewNRGBA64(wide)) })
	for _, h := range []hostileFile{
		{".png", nil, deep},
		{".png", nil, func() []byte { return plain(image.NewGray(wide)) }},
		{".png", nil, func() []byte { return plain(image.NewPaletted(wide, color.Palette{color.Black, color.White})) }},
		{".jpg", nil, func() []byte { return encoded("jpeg", image.NewNRGBA(image.Rect(0, 0, 9000, 9000))) }},
		{".zip", nil, func() []byte {
			return zipOf(t, "a.png", append(bytes.Clone(deep()), make([]byte, 30<<20)...), "b.bin", make([]byte, 200<<20))
		}},
		{".gz", nil, func() []byte { return bytes.Repeat(gzipOf(t, make([]byte, 16<<20)), 40) }}, // 640 MiB
		{".tar.zst", nil, func() []byte { return z.EncodeAll(make([]byte, 400<<20), nil) }},
	} {
		h.hostile = sync.OnceValue(h.hostile)
		heavy = append(heavy, h)
	}
	return small, slow, heavy
}

// tarOf is a tar archive of files: names and contents in turn.
func tarOf(t *testing.T, files ...any) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for f := range slices.Chunk(files, 2) {
		data := f[1].([]byte)
		require.NoError(t, w.WriteHeader(&tar.Header{Name: f[0].(string), Size: int64(len(data)), Mode: 0o600, Typeflag: tar.TypeReg}))
		_, err := w.Write(data)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// zipOf is a zip archive of files: names and contents in turn.
func zipOf(t *testing.T, files ...any) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for f := range slices.Chunk(files, 2) {
		to, err := w.Create(f[0].(string))
		require.NoError(t, err)
		_, err = to.Write(f[1].([]byte))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

func gzipOf(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(data)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// damaged is a sample that was cut off, with bits flipped, another file's end or another size, as random says.
func damaged(random *rand.Rand, s hostileFile, others []hostileFile) []byte {
	kind := random.IntN(7)
	if s.hostile != nil {
		return s.hostile()
	}
	data := bytes.Clone(s.data)
	switch {
	case kind == 0:
		return data[:random.IntN(len(data))]
	case kind == 1: // sizes and offsets of most formats lie in the first bytes
		for range 1 + random.IntN(6) {
			data[random.IntN(min(len(data), 64))] = byte(255 * random.IntN(2))
		}
	case kind == 2:
		other := others[random.IntN(len(others))].data
		return append(data[:random.IntN(len(data))], other[random.IntN(len(other)):]...)
	case kind == 3:
		from := random.IntN(len(data))
		return append(data, data[from:]...)
	default:
		for range 1 + random.IntN(20) {
			data[random.IntN(len(data))] ^= 1 << random.IntN(8)
		}
	}
	return data
}

// hostileNames end names that have no ending of theirs: control characters, no UTF-8, markup, and what looks like a path or a flag.
var hostileNames = []string{"", "", "", "", "\x1b[31m", "\n\r", "\xff\xfe", "<b>&amp;", "!x#page 2", "\u202egpj", " --json", strings.Repeat("n", 200)}

// writeHostile writes n hostile files into dir, named h0, h1 and so on. The same seed makes the same. One in 100 is slow, one
// in 200 heavy, and the last a link.
func writeHostile(t *testing.T, dir string, seed uint64, n int) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 21))
	small, slow, heavy := samples(t)
	for i := range n {
		from := small
		switch random.IntN(200) {
		case 0, 1:
			from = slow
		case 2:
			from = heavy
		}
		s := from[random.IntN(len(from))]
		path := filepath.Join(dir, fmt.Sprintf("h%d_%s%s", i, hostileNames[random.IntN(len(hostileNames))], s.ending))
		if i == n-1 {
			require.NoError(t, os.Symlink("/dev/zero", path))
			continue
		}
		require.NoError(t, os.WriteFile(path, damaged(random, s, small), 0o600))
	}
}

// numbered finds which of the files of writeHostile, or of ours, a line is about.
var numbered = regexp.MustCompile(`/([ho][0-9]+)_`)

// byFile are the lines of an investigation, by the file that each is about, without the folder. Each hostile file has a reason
// why it was not examined, or a finding that names nobody. Samples of PDFs show an upload.
func byFile(t *testing.T, out []byte) map[string][]string {
	t.Helper()
	lines := make(map[string][]string)
	for line := range bytes.Lines(out) {
		var x struct{ File, Finding, Error string }
		require.NoError(t, json.Unmarshal(line, &x))
		if x.File == "" {
			continue // the verdict
		}
		of := numbered.FindStringSubmatch(x.File)
		require.NotNil(t, of, x.File)
		if of[1][0] == 'h' && !slices.Contains([]string{"unknown", "no picture", "lookalike", "unmarked", "unreadable"}, x.Finding) {
			assert.NotEmpty(t, x.Error, "%s: %s", x.File, x.Finding)
			assert.NotEqual(t, "copy", x.Finding, x.File)
		}
		folder := x.File[:strings.Index(x.File, "/")]
		lines[of[1]] = append(lines[of[1]], strings.ReplaceAll(string(line), `"`+folder+"/", `"`))
	}
	return lines
}

// hostileDump makes a home with uploads, and investigates copies of ours alone, and again among hostile files. command
// returns a command in dir. All files must be named, and what is said of ours must be the same.
func hostileDump(t *testing.T, dir string, copies [][]byte, hostile, ours int, command func(args ...string) *exec.Cmd) *exec.Cmd {
	t.Helper()
	for _, folder := range []string{"alone", "dump"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, folder), 0o700))
		for i := range ours {
			require.NoError(t, os.WriteFile(filepath.Join(dir, folder, fmt.Sprintf("o%d_.jpg", i)), copies[i%len(copies)], 0o600))
		}
	}
	writeHostile(t, filepath.Join(dir, "dump"), 10_000, hostile)
	investigate := func(folder string, code int) (*exec.Cmd, map[string][]string) {
		var out, errs bytes.Buffer
		cmd := command("investigate", "--json", folder)
		cmd.Stdout, cmd.Stderr = &out, io.MultiWriter(&errs)
		began := time.Now()
		_ = cmd.Run()
		t.Log(folder, time.Since(began), cmd.ProcessState.UserTime())
		require.Equal(t, code, cmd.ProcessState.ExitCode(), "%.2000s", errs.String())
		assert.NotContains(t, errs.String(), "goroutine ")
		assert.NotContains(t, errs.String(), "\x1b[31m", "a name reached the terminal as it is")
		return cmd, byFile(t, out.Bytes())
	}
	_, alone := investigate("alone", 0)
	cmd, all := investigate("dump", ui.ExitSome)
	require.Len(t, alone, ours)
	require.Len(t, all, hostile+ours)
	for file, lines := range alone {
		require.Equal(t, lines, all[file])
		require.Contains(t, lines[0], `"finding":"copy"`)
	}
	return cmd
}

// Hostile files beside ours change nothing of what is said of ours, and each is named. The study TestHostileDump has 10,000.
func TestHostileFiles(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		skip.Test(t, "copies are marked without -short only")
	}
	x := newIssuing(t, "", long.Number(1, 2))
	x.run(x.issue("copies")...)
	hostileDump(t, x.dir, issuedFiles(t, x.dir), long.Number(20, 50), long.Number(1, 2), x.command)
}

// issuedFiles returns the files in the folder "copies" of dir.
func issuedFiles(t *testing.T, dir string) (files [][]byte) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "copies", "*"))
	require.NoError(t, err)
	for _, path := range paths {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		files = append(files, data)
	}
	return files
}

// Processes that decode are killed at any moment of an investigation: a kill costs one picture at most, which is named. What
// is said of the others is as before.
func TestKilledDecoders(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		skip.Test(t, "the race detector, which runs with -short, needs more memory than a decoder's process may have")
	}
	if !decoders.HEIC {
		skip.Test(t, "the tag nolgpl leaves libheif out")
	}
	x := newIssuing(t, "", 1)
	leaks := filepath.Join(x.dir, "leaks")
	require.NoError(t, os.Mkdir(leaks, 0o700))
	names := long.Cases(2, "p3.heic", "p3.avif", "turned.heic")
	for _, name := range names {
		data, err := os.ReadFile("../../decoders/testdata/" + name)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(leaks, name), data, 0o600))
	}
	// investigate returns the lines by file. Until the command ends, it kills a child now and then, at random moments.
	investigate := func(pause time.Duration) (lines map[string]string, failed []string, kills int) {
		cmd := x.command("investigate", "--json", leaks)
		var out bytes.Buffer
		cmd.Stdout = &out
		require.NoError(t, cmd.Start())
		ended := make(chan struct{})
		go func() { _ = cmd.Wait(); close(ended) }()
		for running := true; running; {
			select {
			case <-ended:
				running = false
			case <-time.After(pause/8 + time.Duration(x.random.Int64N(int64(pause)))):
				if child := anyChild(x.random, cmd.Process.Pid); child != 0 && syscall.Kill(child, syscall.SIGKILL) == nil {
					kills++
				}
			}
		}
		lines = make(map[string]string)
		for line := range bytes.Lines(out.Bytes()) {
			var v struct{ File, Error string }
			require.NoError(t, json.Unmarshal(line, &v))
			if v.File == "" {
				continue // the verdict
			}
			lines[v.File] = string(line)
			if v.Error != "" {
				failed = append(failed, v.File)
			}
		}
		require.Equal(t, ui.ExitSome*min(len(failed), 1), cmd.ProcessState.ExitCode())
		return lines, failed, kills
	}
	began := time.Now()
	want, failed, kills := investigate(time.Hour)
	took := time.Since(began)
	require.Zero(t, kills)
	require.Empty(t, failed)
	require.Len(t, want, len(names))
	killed, lost := 0, 0
	for killed < long.Number(1, 8) {
		got, failed, kills := investigate(took / 3)
		require.LessOrEqual(t, len(failed), kills, failed)
		require.Len(t, got, len(want))
		killed, lost = killed+kills, lost+len(failed)
		for file, line := range want {
			if !slices.Contains(failed, file) {
				require.Equal(t, line, got[file])
			}
		}
	}
	t.Logf("%d kills, %d pictures lost", killed, lost)
}

// anyChild returns a child of a process, or 0 if it has none at the moment.
func anyChild(random *rand.Rand, pid int) int {
	var all []byte
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, task := range tasks { // a thread each may have started some
		more, _ := os.ReadFile(task)
		all = append(append(all, ' '), more...)
	}
	children := strings.Fields(string(all))
	if len(children) == 0 {
		return 0
	}
	child, _ := strconv.Atoi(children[random.IntN(len(children))])
	return child
}
