package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/test/readers"
)

// butteraugliTool is the program of libjxl that measures visibility.
const butteraugliTool = "butteraugli_main"

// A visibility is the Butteraugli distance of two pictures: the largest of any
// place, and the 3-norm over all. 1 is about what can just be seen by a trained
// eye side by side; 0 is equality.
type visibility struct {
	max, norm3 float64
}

// A judge measures visibility. An error ends the case.
type judge func(ctx context.Context, original, changed *image.NRGBA) visibility

// findButteraugli returns nil where the program is not on PATH.
func findButteraugli() judge {
	path, err := exec.LookPath(butteraugliTool)
	if err != nil {
		return nil
	}
	return func(ctx context.Context, original, changed *image.NRGBA) visibility {
		dir := ruler.Must(os.MkdirTemp("", "kycmark-bench-"))
		defer os.RemoveAll(dir)
		a, b := filepath.Join(dir, "a.ppm"), filepath.Join(dir, "b.ppm")
		ruler.Check(errors.Join(readers.WritePPM(a, original), readers.WritePPM(b, changed)))
		out, err := exec.CommandContext(ctx, path, a, b, "--pnorm", "3").Output()
		if err != nil {
			ruler.Failf("%s: %w", butteraugliTool, err)
		}
		return ruler.Must(parseButteraugli(string(out)))
	}
}

// parseButteraugli reads the program's answer: the maximum alone in a line, then
// "3-norm: " and a number.
func parseButteraugli(out string) (v visibility, err error) {
	fields := strings.Fields(out)
	if len(fields) != 3 || fields[1] != "3-norm:" {
		return v, fmt.Errorf("%s: does not answer as expected: %q", butteraugliTool, out)
	}
	highest, err1 := strconv.ParseFloat(fields[0], 64)
	norm, err2 := strconv.ParseFloat(fields[2], 64)
	if err := errors.Join(err1, err2); err != nil {
		return v, fmt.Errorf("%s: %w", butteraugliTool, err)
	}
	return visibility{highest, norm}, nil
}
