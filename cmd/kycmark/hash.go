package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/phash"
)

// hashKinds are the algorithms by the names that --algorithm takes.
var hashKinds = []phash.Kind{
	phash.PDQ, phash.Area, phash.Perception, phash.Difference, phash.Average,
}

// newHash returns the verb "hash". It needs no home and writes nothing.
func newHash(u *ui) *cobra.Command {
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
		Args: some("file or folder"),
		RunE: u.verb(func(cmd *cobra.Command, args []string) error {
			return hash(cmd.Context(), u, algorithms, args)
		}),
	}
	cmd.Flags().StringSliceVarP(&algorithms, "algorithm", "a", []string{phash.PDQ.String()}, "`which` ones: "+hashNames()+", or all")
	complete(cmd, "algorithm", append(strings.Split(hashNames(), ", "), "all")...)
	return cmd
}

// hashNames lists the names of the algorithms, with commas between them.
func hashNames() string {
	names := make([]string, len(hashKinds))
	for i, k := range hashKinds {
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
			return hashKinds, nil
		}
		for _, k := range hashKinds {
			if name == k.String() || "goimagehash/"+name == k.String() || "kycmark/"+name == k.String() {
				kinds = append(kinds, k)
				continue next
			}
		}
		return nil, usagef("--algorithm: there is no %q; choose of %s, all", name, hashNames())
	}
	if len(kinds) == 0 {
		return nil, usagef("--algorithm: name at least one of %s", hashNames())
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
func hash(ctx context.Context, u *ui, algorithms, args []string) error {
	kinds, err := parseKinds(algorithms)
	if err != nil {
		return err
	}
	return eachPicture(ctx, u, "hashing", args, forHashes, func(_ context.Context, p *picture.Picture) (hashLine, error) {
		return hashPicture(kinds, p)
	}, func(file string, line hashLine, err error) error {
		if line.File, line.Error = file, reasonText(err); line.Hashes == nil { // it was not decoded
			line.Hashes, line.Chains = map[string]string{}, map[string]string{}
		}
		if err == nil {
			u.printf("%s: %s\n", name(file), strings.Join(line.text, ", "))
		}
		return u.line(line)
	})
}

// hashPicture computes the hashes of pic, which forHashes loaded, by each algorithm in kinds. The line lacks the
// file's name. If an algorithm fails, the line has the others, and bad joins the errors.
func hashPicture(kinds []phash.Kind, pic *picture.Picture) (line hashLine, bad error) {
	line = hashLine{Hashes: map[string]string{}, Chains: map[string]string{}, Decoder: pic.Decoder}
	for _, kind := range kinds {
		h, quality, err := sum(kind, pic)
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
