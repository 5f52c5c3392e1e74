package pictures

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/phash"
)

// HashKinds are the algorithms by the names that --algorithm takes.
var HashKinds = []phash.Kind{
	phash.PDQ, phash.Area, phash.Perception, phash.Difference, phash.Average,
}

// NewHash returns the verb "hash". It needs no home and writes nothing.
func NewHash(u *ui.UI) *cobra.Command {
	var algorithms []string
	cmd := &cobra.Command{
		Use:   "hash FILE|DIR...",
		Short: "Print perceptual hashes of pictures",
		Long: `Print perceptual hashes: PDQ (256 bits), which platforms exchange, with a quality of 0 to
100; area (256 bits), which resizing changes least; and the hashes of goimagehash (64 bits).
A picture with a quality below 50 is too plain to be recognised by
its hash. Store with each hash its chain and the decoder, which --json names: together they
say how the file became the bits. A JPEG of 1,024 pixels or more is read at 1/2 to 1/8 of its
size, which may change a few bits of its hashes.

Exit 3 when a file, or a page of it, could not be read.

A hash can be turned back into a blurry picture: treat it as personal data.`,
		Example: `  kycmark hash upload.jpg
  kycmark hash --algorithm pdq,` + phash.Perception.String() + ` --json uploads/`,
		Args: ui.Some("file or folder"),
		RunE: u.Verb(func(cmd *cobra.Command, args []string) error {
			return hash(cmd.Context(), u, algorithms, args)
		}),
	}
	cmd.Flags().StringSliceVarP(&algorithms, "algorithm", "a", []string{phash.PDQ.String()}, "`which` ones: "+hashNames()+", or all")
	ui.Complete(cmd, "algorithm", append(strings.Split(hashNames(), ", "), "all")...)
	return cmd
}

func hashNames() string {
	names := make([]string, len(HashKinds))
	for i, k := range HashKinds {
		names[i] = k.String()
	}
	return strings.Join(names, ", ")
}

// parseKinds returns the algorithms of the given names. A prefix "goimagehash/" or "kycmark/" may be left out.
func parseKinds(names []string) ([]phash.Kind, error) {
	var kinds []phash.Kind
next:
	for _, name := range names {
		if name == "all" {
			return HashKinds, nil
		}
		for _, k := range HashKinds {
			if name == k.String() || "goimagehash/"+name == k.String() || "kycmark/"+name == k.String() {
				kinds = append(kinds, k)
				continue next
			}
		}
		return nil, ui.Usagef("--algorithm: there is no %q; choose of %s, all", name, hashNames())
	}
	if len(kinds) == 0 {
		return nil, ui.Usagef("--algorithm: name at least one of %s", hashNames())
	}
	return kinds, nil
}

// hashLine is the result of hash as JSON.
type hashLine struct {
	File    string            `json:"file"`
	Hashes  map[string]string `json:"hashes"`  // hex digits by algorithm
	Quality *int              `json:"quality"` // of PDQ, else of areas, 0..100; null without either
	Error   *string           `json:"error"`
	Chains  map[string]string `json:"chains"`  // from pixels to bits, by algorithm
	Decoder string            `json:"decoder"` // from the file to pixels

	text []string
}

// hash prints a line of hashes for each picture that args name, files or folders. algorithms are the arguments of
// --algorithm.
func hash(ctx context.Context, u *ui.UI, algorithms, args []string) error {
	kinds, err := parseKinds(algorithms)
	if err != nil {
		return err
	}
	return ui.EachPicture(ctx, u, "hashing", args, ui.ForHashes, func(_ context.Context, p *picture.Picture) (hashLine, error) {
		return hashPicture(kinds, p)
	}, func(file string, line hashLine, err error) error {
		if line.File, line.Error = file, ui.ReasonText(err); line.Hashes == nil { // it was not decoded
			line.Hashes, line.Chains = map[string]string{}, map[string]string{}
		}
		if err == nil {
			u.Printf("%s: %s\n", ui.Name(file), strings.Join(line.text, ", "))
		}
		return u.Line(line)
	})
}

// hashPicture computes the hashes of pic, which ui.ForHashes loaded, by each algorithm in kinds. The line lacks the
// file's name. If an algorithm fails, the line has the others, and bad joins the errors.
func hashPicture(kinds []phash.Kind, pic *picture.Picture) (line hashLine, bad error) {
	line = hashLine{Hashes: map[string]string{}, Chains: map[string]string{}, Decoder: pic.Decoder}
	for _, kind := range kinds {
		h, quality, err := ui.Sum(kind, pic)
		if err != nil {
			bad = errors.Join(bad, err)
			continue
		}
		line.Hashes[kind.String()], line.Chains[kind.String()] = h.Hex(), kind.Version()
		words := h.String()
		if kind == phash.PDQ || kind == phash.Area {
			if kind == phash.PDQ || line.Quality == nil {
				line.Quality = &quality
			}
			words += fmt.Sprintf(" (quality %d)", quality)
		}
		line.text = append(line.text, words)
	}
	return line, bad
}
