// Package pictures has the verbs that need no home: they make keys, mark, read and hash pictures.
package pictures

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/durable"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/keyfile"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/picture/codec"
	"github.com/kycmark/kycmark/internal/webp"
	"github.com/kycmark/kycmark/watermark"
	"github.com/kycmark/kycmark/watermark/markfile"
)

type markFlags struct {
	key, copy, submission string
	quality               int // 0: like IN
	metadata              ui.MetadataFlag
	force, allowWeak      bool
}

// NewMark returns the verb "mark". It needs no home and enters nothing in a ledger.
func NewMark(u *ui.UI) *cobra.Command {
	var f markFlags
	cmd := &cobra.Command{
		Use:   "mark --key KEY --copy HEX16 IN OUT",
		Short: "Mark one picture with a copy ID",
		Long: `Mark one picture with the ID of the copy that one recipient is handed.

The mark is read back after a simulated messenger and strengthened within the
visibility budget. A picture on which it would not be read back is refused as
weak (exit 1) and nothing is written, unless --allow-weak.

The ending of OUT chooses the format: .jpg, .png, .webp (opaque, of like
quality to --quality), .tif or .bmp. A TIFF of several pages becomes a TIFF
with a mark on each page, and a PDF a PDF of pictures. Of an animation the first frame
is marked, and of a HEIC the primary picture.

` + ui.MetadataHelp,
		Example: `  kycmark keygen --out mark.key
  kycmark mark --key mark.key --copy 00000000000004d2 upload.jpg for-vendor.jpg`,
		Args: ui.Exactly("IN", "OUT"),
	}
	fs := cmd.Flags()
	fs.StringVarP(&f.key, "key", "k", "", "mark key `file` (required)")
	fs.StringVar(&f.copy, "copy", "", "ID of the copy, 16 hex `digits` (required)")
	fs.StringVar(&f.submission, "submission", "", "ID of the upload, 32 hex `digits` (default: the first 16 bytes of IN's SHA-256)")
	fs.IntVar(&f.quality, "quality", 0, fmt.Sprintf("JPEG quality, 1 to 100 (default: that of IN, raised if it is low; %d where IN is no JPEG)", codec.DefaultQuality))
	fs.Var(&f.metadata, "metadata", "EXIF of IN: drop, or keep what tells nothing of places and persons")
	fs.BoolVar(&f.allowWeak, "allow-weak", false, "write the picture even if the mark would not be read back")
	fs.BoolVar(&f.force, "force", false, "overwrite OUT if it exists")
	ui.Complete(cmd, "metadata", "drop", "keep")
	cmd.MarkFlagRequired("key")
	cmd.MarkFlagRequired("copy")
	cmd.RunE = u.Verb(func(cmd *cobra.Command, args []string) error {
		if fs.Changed("quality") && (f.quality < 1 || f.quality > 100) {
			return ui.Usagef("--quality is 1 to 100, not %d", f.quality)
		}
		return mark(cmd.Context(), u, f, args[0], args[1])
	})
	return cmd
}

// mark marks the picture in the file in and writes it to the file out, in the format of out's ending. A picture that
// cannot be read or marked is reported (exit code 3) and gives no error.
func mark(ctx context.Context, u *ui.UI, f markFlags, in, out string) error {
	id, err := watermark.ParseCopyID(f.copy)
	if err != nil {
		return ui.Usagef("--copy: %w", err)
	}
	var submission watermark.Submission
	if f.submission != "" {
		if submission, err = watermark.ParseSubmission(f.submission); err != nil {
			return ui.Usagef("--submission: %w", err)
		}
	}
	format, err := picture.FormatOf(out)
	if err != nil {
		return ui.Usagef("%s: %w", out, err)
	}
	if err := ui.CheckOutput(out, f.force, []string{f.key}, in); err != nil {
		return err
	}
	keys, err := ui.ReadKeys(u, []string{f.key})
	if err != nil {
		return err
	}
	line := markLine{File: in, Copy: id, KeyID: keys[0].ID()}
	upload, err := intake.ReadFile(in, picture.DefaultMaxBytes)
	if err != nil {
		return markFailed(u, line, err)
	}
	opts := &markfile.Options{Submission: submission, Format: format, Quality: f.quality, EXIF: bool(f.metadata), AllowWeak: f.allowWeak, MaxMemory: u.MaxMemory(), EncodeWebP: webp.Encode, Decode: u.Decoder.Decode, PDF: u.Pdfs.Pages}
	m, err := markfile.Mark(ctx, keys[0], id, upload, opts)
	if m == nil {
		return cmp.Or(ctx.Err(), markFailed(u, line, err))
	}
	u.WarnPages(in, m.LeftOut+1, "read")
	u.WarnLacks(in, m.Lacks, "marked")
	line.Lacks = m.Lacks
	if m.Pages > 1 {
		line.Pages = m.Pages
	}
	line.PSNR, line.SSIM, line.Strength, line.Weak = &m.PSNR, &m.SSIM, &m.Strength, m.Weak || m.Unread
	margin := fmt.Sprintf("read back with %.1f dB to spare", m.MarginDB)
	switch {
	case err != nil:
		u.No()
		why := err.Error()
		if m.Unread {
			why = "the mark is not read back from the file itself at this --quality"
		}
		u.Errorf("%s: refused as weak: %s; nothing written", in, why)
		u.Hintf("a larger or less plain picture carries more; --allow-weak writes it all the same")
		return u.Line(line)
	case m.Unread:
		margin = "weak: not read back from the file itself"
	case m.Weak:
		margin = "weak: not read back after a messenger"
	default:
		line.Margin = &m.MarginDB
	}
	if err := ui.WriteOutput(out, m.File, f.force); err != nil {
		return err
	}
	line.Out = &out
	on := ""
	if m.Pages > 1 {
		on = fmt.Sprintf(" on each of %d pages", m.Pages)
	}
	u.Printf("%s: carries copy %s under key %s%s (PSNR %.1f dB, SSIM %.4f, %s)\n", ui.Name(out), id, line.KeyID, on, m.PSNR, m.SSIM, margin)
	return u.Line(line)
}

// markLine is the result of mark as JSON. Figures are null if the picture was not marked.
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
	Lacks    string           `json:"lacks,omitempty"` // what IN lacks, and so Out
	Pages    int              `json:"pages,omitempty"` // in Out, if there are several; the figures are of the weakest
}

func markFailed(u *ui.UI, line markLine, err error) error {
	u.Fail(line.File, err)
	line.Error = ui.ReasonText(err)
	return u.Line(line)
}

// NewKeygen returns the verb "keygen". A file that exists is exit code 4, unless it has a mark key that was just made.
func NewKeygen(u *ui.UI) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "keygen --out FILE",
		Short: "Make a new mark key file",
		Long: `Make a new mark key: 32 random bytes in a text file that only you can read.
A holder of the key can read and forge marks, and without the key no mark can be read
again: keep a copy in a safe place. An existing file is never overwritten. If it has
a mark key of the last hour, an interrupted command may have made it: exit 0.`,
		Example: `  kycmark keygen --out mark.key`,
		Args:    ui.Exactly(),
		RunE: u.Verb(func(*cobra.Command, []string) error {
			key := watermark.GenerateKey()
			err := keyfile.CreateMark(out, key)
			is := "new mark key"
			if errors.Is(err, fs.ErrExist) {
				old, unusable := keyfile.ReadMark(out)
				if info, gone := os.Stat(out); unusable != nil || gone != nil || time.Since(info.ModTime()) > durable.Settled {
					return ui.WithHint(err, "choose another name, or move the old key away")
				}
				key, is, err = old, "was made within the last hour, and stays: mark key", nil
			}
			if err != nil {
				return err
			}
			u.Printf("%s: %s %s\n", out, is, key.ID())
			return u.Line(map[string]string{"file": out, "key_id": key.ID()})
		}),
	}
	cmd.Flags().StringVarP(&out, "out", "o", "", "the key file to make (required)")
	cmd.MarkFlagRequired("out")
	return cmd
}
