package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

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
			leaks := t.TempDir()
			stranger, err := os.ReadFile("../testdata/pictures/stranger_coast.jpg")
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(leaks, "stranger.jpg"), stranger, 0o600))
			out, err = exec.CommandContext(t.Context(), program, "../testdata/pictures/daria_bill.jpg", leaks).CombinedOutput()
			require.NoError(t, err, "%s", out)
			require.Regexp(t, want, string(out))
		})
	}
}
