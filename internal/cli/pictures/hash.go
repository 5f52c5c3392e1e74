package pictures

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/phash"
)

// HashKinds are the algorithms.
var HashKinds = []phash.Kind{phash.PDQ, phash.Area, phash.Perception, phash.Difference, phash.Average}

// NewHash returns the verb "hash". It needs no home and writes nothing.
func NewHash(u *ui.UI) *cobra.Command {
	return &cobra.Command{
		Use:   "hash FILE|DIR...",
		Short: "Print perceptual hashes of pictures",
		Long: `Print perceptual hashes: PDQ (256 bits), which platforms exchange, with a quality of 0 to
100. A picture with a quality below 50 is too plain to be recognised by its hash.

With --json also: area (256 bits), which resizing changes least; the hashes of goimagehash (64
bits); and the chain of each hash and the decoder, which together say how the file became
the bits. A JPEG of 1,024 pixels or more is read at 1/2 to 1/8 of its size, which may change a
few bits of its hashes.

Exit 3 when a file, or a page of it, could not be read.

A hash can be turned back into a blurry picture: treat it as personal data.`,
		Example: `  kycmark hash upload.jpg
  kycmark hash --json uploads/`,
		Args: ui.Some("file or folder"),
		RunE: u.Verb(func(cmd *cobra.Command, args []string) error {
			return ui.EachPicture(cmd.Context(), u, "hashing", args, ui.ForHashes, func(_ context.Context, p *picture.Picture) (hashLine, error) {
				return hashPicture(p)
			}, func(file string, line hashLine, err error) error {
				if line.File, line.Error = file, ui.ReasonText(err); line.Hashes == nil { // it was not decoded
					line.Hashes, line.Chains = map[string]string{}, map[string]string{}
				}
				if err == nil {
					u.Printf("%s: %s:%s (quality %d)\n", ui.Name(file), phash.PDQ, line.Hashes[phash.PDQ.String()], *line.Quality)
				}
				return u.Line(line)
			})
		}),
	}
}

type hashLine struct {
	File    string            `json:"file"`
	Hashes  map[string]string `json:"hashes"`  // hex digits by algorithm
	Quality *int              `json:"quality"` // of PDQ, 0..100; null without it
	Error   *string           `json:"error"`
	Chains  map[string]string `json:"chains"`  // from pixels to bits, by algorithm
	Decoder string            `json:"decoder"` // from the file to pixels
}

// hashPicture computes the hashes of pic, which ui.ForHashes loaded. The line lacks the file's name. If an algorithm fails,
// the line has the others, and bad joins the errors.
func hashPicture(pic *picture.Picture) (line hashLine, bad error) {
	line = hashLine{Hashes: map[string]string{}, Chains: map[string]string{}, Decoder: pic.Decoder}
	for _, kind := range HashKinds {
		h, quality, err := ui.Sum(kind, pic)
		if err != nil {
			bad = errors.Join(bad, err)
			continue
		}
		line.Hashes[kind.String()], line.Chains[kind.String()] = h.Hex(), kind.Version()
		if kind == phash.PDQ {
			line.Quality = &quality
		}
	}
	return line, bad
}
