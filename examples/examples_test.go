package examples_test

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestExamples builds and runs every program and reads what it prints.
func TestExamples(t *testing.T) {
	for name, want := range map[string]string{
		"mark":        `(?s)^marked with copy ([0-9a-f]{16}): PSNR .*\nthe leak carries copy [0-9a-f]{16} \(log10 p -`,
		"pipeline":    `(?s)^submission [0-9a-f]{32}: jpeg.*copy [0-9a-f]{16} for (store|vendor A): .*the ledger of \d+ entries holds\n$`,
		"investigate": `(?s)^1\.jpg copy vendor A\n2\.jpg unknown \n.+`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := filepath.Join(t.TempDir(), name)
			if runtime.GOOS == "windows" {
				program += ".exe"
			}
			out, err := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-w", "-o", program, "./"+name).CombinedOutput()
			require.NoError(t, err, "%s", out)
			out, err = exec.CommandContext(t.Context(), program).CombinedOutput()
			require.NoError(t, err, "%s", out)
			require.Regexp(t, want, string(out))
		})
	}
}
