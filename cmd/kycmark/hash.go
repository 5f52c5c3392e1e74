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
	phash.Perception16, phash.Difference16, phash.Average16,
}

func newHash(u *ui) *cobra.Command {
	var algorithms []string
	cmd := &cobra.Command{
		Use:   "hash FILE|DIR...",
		Short: "Print perceptual hashes of pictures",
		Long: `Print perceptual hashes: PDQ (256 bits, with its quality 0 to 100; below 50 the
picture is too plain to be told by it), which others exchange; that of areas (256
bits), which resizing moves least; and those of goimagehash (64 bits, or 256 with
-16). Store with each its chain and the decoder, which --json names: they are the way
from the file to the bits.

A hash can be turned back into a blurry picture: treat it as personal data.`,
		Example: `  kycmark hash upload.jpg
  kycmark hash --algorithm pdq,` + phash.Perception.String() + ` --json uploads/`,
		Args: some("file or folder"),
		RunE: u.verb(func(cmd *cobra.Command, args []string) error {
			return hash(cmd.Context(), u, algorithms, args)
		}),
	}
	cmd.Flags().StringSliceVarP(&algorithms, "algorithm", "a", []string{phash.PDQ.String()}, "`which` ones: "+hashNames()+", or all")
	cmd.RegisterFlagCompletionFunc("algorithm", completeKinds)
	return cmd
}

// completeKinds completes the name of an algorithm.
func completeKinds(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return append(strings.Split(hashNames(), ", "), "all"), cobra.ShellCompDirectiveNoFileComp
}

func hashNames() string {
	names := make([]string, len(hashKinds))
	for i, k := range hashKinds {
		names[i] = k.String()
	}
	return strings.Join(names, ", ")
}

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

	text  []string
	pages int
	err   error
}

func hash(ctx context.Context, u *ui, algorithms, args []string) error {
	kinds, err := parseKinds(algorithms)
	if err != nil {
		return err
	}
	files := listFiles(args)
	if len(files) == 0 {
		return usagef("no files in %s", strings.Join(args, ", "))
	}
	step, done := u.progress(ctx, "hashing", len(files))
	defer done()
	return each(ctx, files, func(_ context.Context, file string) hashLine {
		defer step()
		return hashFile(kinds, file)
	}, func(file string, line hashLine) error {
		u.warnPages(file, line.pages)
		if line.err != nil {
			line.Error = reasonText(line.err)
			u.fail(file, line.err)
		} else {
			u.printf("%s: %s\n", name(file), strings.Join(line.text, ", "))
		}
		return u.line(line)
	})
}

func hashFile(kinds []phash.Kind, file string) (line hashLine) {
	line = hashLine{File: file, Hashes: map[string]string{}, Chains: map[string]string{}}
	pic, err := picture.Load(file, picture.Limits{})
	if err != nil {
		line.err = err
		return line
	}
	line.Decoder, line.pages = pic.Decoder, pic.Pages
	flat := picture.Flatten(pic.Image)
	for _, kind := range kinds {
		h, quality, err := phash.Sum(kind, flat)
		if err != nil {
			line.err = errors.Join(line.err, err)
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
	return line
}
