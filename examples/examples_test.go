package examples_test

import (
	"bytes"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/fromfile"
)

// small writes a shipped picture at a smaller long side.
func small(t *testing.T, name string, side int, to string) {
	t.Helper()
	p, err := fromfile.Picture("../testdata/pictures/"+name+".jpg", picture.Limits{})
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, jpeg.Encode(&out, imaging.Fit(p.Image, side, side, imaging.Lanczos), &jpeg.Options{Quality: 90}))
	require.NoError(t, os.WriteFile(to, out.Bytes(), 0o600))
}

// TestExamples builds and runs every program and reads what it prints.
func TestExamples(t *testing.T) {
	for name, want := range map[string]string{
		"mark":     `(?s)^marked with copy ([0-9a-f]{16}): PSNR .*\nthe leak carries copy [0-9a-f]{16} \(log10 p -`,
		"pipeline": `(?s)^submission [0-9a-f]{32}: jpeg.*copy [0-9a-f]{16} for (store|vendor A): .*the ledger of \d+ entries holds\n$`,
		"whose":    `(?s)^copy\.jpg copy \[vendor-a\]\nstranger\.jpg unknown \[\]\n$`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := filepath.Join(t.TempDir(), name)
			if runtime.GOOS == "windows" {
				program += ".exe"
			}
			out, err := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-w", "-o", program, "./"+name).CombinedOutput()
			require.NoError(t, err, "%s", out)
			leaks, upload := t.TempDir(), filepath.Join(t.TempDir(), "bill.jpg")
			small(t, "stranger_coast", 360, filepath.Join(leaks, "stranger.jpg"))
			small(t, "daria_bill", 720, upload)
			out, err = exec.CommandContext(t.Context(), program, upload, leaks).CombinedOutput()
			require.NoError(t, err, "%s", out)
			require.Regexp(t, want, string(out))
		})
	}
}
