package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/watermark"
)

// issueLine is the result of issue as JSON; all but submission, recipient and
// error are null when it failed.
type issueLine struct {
	Submission string   `json:"submission"`
	Copy       *string  `json:"copy"`
	Recipient  string   `json:"recipient"`
	File       *string  `json:"file"`
	PSNR       *float64 `json:"psnr"` // dB
	Weak       bool     `json:"weak"`
	Error      *string  `json:"error"`

	err error
}

func issueOne(ctx context.Context, issuer *verify.Issuer, id string, f issueFlags) issueLine {
	line := issueLine{Submission: id, Recipient: f.to}
	failed := func(err error) issueLine {
		line.err, line.Error = err, reasonText(err)
		return line
	}
	of, err := watermark.ParseSubmission(id)
	if err != nil {
		return failed(err)
	}
	stem := filepath.Join(f.out, of.String())
	for _, format := range []string{"jpeg", "png", "tiff", "bmp"} { // which it becomes is known after it is logged
		if _, err := os.Lstat(stem + extension(format)); err == nil && !f.force {
			return failed(fmt.Errorf("output %s exists; --force overwrites it", stem+extension(format)))
		}
	}
	var buf bytes.Buffer
	c, err := issuer.Issue(ctx, &buf, of, f.to, f.purpose)
	if err != nil {
		return failed(err)
	}
	path := stem + extension(c.Format)
	if err := writeOutput(path, buf.Bytes(), f.force); err != nil {
		return failed(fmt.Errorf("copy %s is logged but not written: %w", c.ID, err))
	}
	line.Copy, line.File, line.PSNR, line.Weak = text(c.ID.String()), &path, &c.PSNR, c.Weak
	return line
}

// extension is the file ending of a format.
func extension(format string) string {
	if format == "jpeg" {
		return ".jpg"
	}
	return "." + format
}
