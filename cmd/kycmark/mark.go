package main

import (
	"bytes"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/watermark"
)

type markFlags struct {
	key, copy, submission string
	quality               int
	force, allowWeak      bool
}

func newMark(u *ui) *cobra.Command {
	var f markFlags
	cmd := &cobra.Command{
		Use:   "mark --key KEY --copy HEX16 IN OUT",
		Short: "Mark one picture with a copy ID",
		Long: `Mark one picture with the ID of the copy that one recipient is handed.

The mark is read back after a simulated messenger and strengthened within the
visibility budget. A picture on which it would not be read back is refused as
weak (exit 1) and nothing is written, unless --allow-weak.

The ending of OUT chooses the format: .jpg, .png, .tif or .bmp.`,
		Example: `  kycmark keygen --out mark.key
  kycmark mark --key mark.key --copy 00000000000004d2 upload.jpg for-vendor.jpg`,
		Args: exactly("IN", "OUT"),
		RunE: u.verb(func(cmd *cobra.Command, args []string) error {
			return mark(cmd.Context(), u, f, args[0], args[1])
		}),
	}
	fs := cmd.Flags()
	fs.StringVarP(&f.key, "key", "k", "", "mark key `file` (required)")
	fs.StringVar(&f.copy, "copy", "", "ID of the copy, 16 hex `digits` (required)")
	fs.StringVar(&f.submission, "submission", "", "ID of the upload, 32 hex `digits` (default: the first 16 bytes of IN's SHA-256)")
	fs.IntVar(&f.quality, "quality", 92, "JPEG quality, 1 to 100")
	fs.BoolVar(&f.allowWeak, "allow-weak", false, "write the picture even if the mark would not be read back")
	fs.BoolVar(&f.force, "force", false, "overwrite OUT if it exists")
	cmd.MarkFlagRequired("key")
	cmd.MarkFlagRequired("copy")
	return cmd
}

func mark(ctx context.Context, u *ui, f markFlags, in, out string) error {
	id, err := watermark.ParseCopyID(f.copy)
	if err != nil {
		return usagef("--copy: %w", err)
	}
	var submission watermark.Submission
	if f.submission != "" {
		if submission, err = watermark.ParseSubmission(f.submission); err != nil {
			return usagef("--submission: %w", err)
		}
	}
	if f.quality < 1 || f.quality > 100 {
		return usagef("--quality is 1 to 100, not %d", f.quality)
	}
	format, err := picture.FormatOf(out)
	if err != nil {
		return usagef("%s: %w", out, err)
	}
	if err := checkOutput(out, f.force, in); err != nil {
		return err
	}
	keys, err := u.readKeys([]string{f.key})
	if err != nil {
		return err
	}
	line := markLine{File: in, Copy: id, KeyID: keys[0].ID()}
	pic, err := picture.Load(in, picture.Limits{})
	if err != nil {
		return u.markFailed(line, err)
	}
	if f.submission == "" {
		submission = watermark.Submission(pic.SHA256[:16])
	}
	m, err := watermark.Mark(ctx, keys[0], id, pic.Image, &watermark.Options{Submission: submission})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return u.markFailed(line, err)
	}
	line.PSNR, line.SSIM, line.Strength, line.Weak = &m.PSNR, &m.SSIM, &m.Strength, m.Weak
	if !m.Weak {
		line.Margin = &m.Margin
	}
	if m.Weak && !f.allowWeak {
		return u.markRefused(line)
	}
	var buf bytes.Buffer
	if err := picture.Encode(&buf, m.Image, format, f.quality); err != nil {
		return err
	}
	if err := writeOutput(out, buf.Bytes(), f.force); err != nil {
		return err
	}
	line.Out = &out
	u.printf("%s: carries copy %s under key %s (PSNR %.1f dB, SSIM %.4f, %s)\n",
		out, id, line.KeyID, m.PSNR, m.SSIM, marginText(m))
	return u.line(line)
}

// markLine is the result of mark as JSON. The figures are null where there are none.
type markLine struct {
	File     string           `json:"file"`
	Out      *string          `json:"out"` // null: nothing was written
	Copy     watermark.CopyID `json:"copy"`
	KeyID    string           `json:"key_id"`
	PSNR     *float64         `json:"psnr"`     // dB
	SSIM     *float64         `json:"ssim"`     // 0..1
	Strength *float64         `json:"strength"` // used: 1, or up to 1.4 where the mark was not read at 1
	Margin   *float64         `json:"margin"`   // dB above the limit of reading, after a messenger; null: not read
	Weak     bool             `json:"weak"`
	Error    *string          `json:"error"`
}

func (u *ui) markFailed(line markLine, err error) error {
	u.fail(line.File, err)
	line.Error = reasonText(err)
	return u.line(line)
}

func (u *ui) markRefused(line markLine) error {
	u.no()
	u.errorf("%s: refused as weak: the mark would not be read back after a messenger; nothing written", line.File)
	u.hintf("a larger or less plain picture carries more; --allow-weak writes it all the same")
	return u.line(line)
}

func marginText(m *watermark.Marked) string {
	if m.Weak {
		return "weak: not read back after a messenger"
	}
	return fmt.Sprintf("read back with %.1f dB to spare", m.Margin)
}
