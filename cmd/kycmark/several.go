package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// severalFlags name several registries that are searched as one.
type severalFlags struct {
	registries []string // NAME=HOME, or HOME
	party      []string // REGISTRY/RECIPIENT=REGISTRY/RECIPIENT...

	parties [][]string
	first   int                // of registries: the first that can be opened; 0 if none can
	opened  *registry.Registry // that registry; nil: --registry is not given, or none can be opened
}

// namedBooks is one of several registries, by its name in findings.
type namedBooks struct {
	name string
	*books
}

// add registers --registry and --party with cmd. The first registry that can be opened becomes the home of cmd.
func (f *severalFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.registries, registryFlag, nil, "search several registries as one: the home `folder` of each, or NAME=FOLDER for another name in the report than the folder's; the first that can be opened signs the bundle")
	cmd.Flags().StringArrayVar(&f.party, "party", nil, "`names` of one party in several registries, as A/vendor-x=B/vendor-x; else they are different parties")
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		switch {
		case len(f.registries) == 0:
			return nil
		case cmd.Flags().Changed("home"):
			return usagef("--home and --registry: name each home by --registry")
		}
		for i, text := range f.registries {
			_, dir := named(text)
			h, err := openHome(dir)
			if err != nil {
				return unsearched(dir, err)
			}
			if r, err := h.Investigation(cmd.Context()); err == nil {
				f.first, f.opened = i, r
				break
			}
		}
		_, dir := named(f.registries[f.first])
		return cmd.Flags().Set("home", dir)
	}
}

// firstOf opens the registry of the home that add chose, unless add has opened it.
func (f *severalFlags) firstOf(h *home.Home, ctx context.Context) (*registry.Registry, error) {
	if f.opened != nil {
		return f.opened, nil
	}
	return h.Investigation(ctx)
}

// registryFlag is the name of the flag --registry.
const registryFlag = "registry"

// unsearched is the error if the home of one of several registries cannot be opened, or no registry.
func unsearched(dir string, err error) error {
	return withHint(fmt.Errorf("--registry %s: %w", dir, err), "nothing was examined: --registry names no home, or no home has a registry that can be opened")
}

// named returns the name and the home folder that --registry gives.
func named(text string) (name, dir string) {
	if name, dir, both := strings.Cut(text, "="); both {
		return name, dir
	}
	if abs, err := filepath.Abs(text); err == nil {
		return filepath.Base(abs), text
	}
	return filepath.Base(text), text
}

// open opens the registries besides b, which is registry f.first, and enters all in b.beside, or in b.unopened. done
// closes what it opened. Without --registry it does nothing.
func (f *severalFlags) open(ctx context.Context, b *books) (done func(), err error) {
	done = func() {}
	if len(f.registries) == 0 {
		if len(f.party) > 0 {
			return nil, usagef("--party: want --registry for each of several registries")
		}
		return done, nil
	}
	if len(f.registries) == 1 {
		return nil, usagef("--registry: one registry is named, want two or more (--home names one)")
	}
	for _, p := range f.party {
		f.parties = append(f.parties, strings.Split(p, "="))
	}
	first, _ := named(f.registries[f.first])
	all := []namedBooks{{first, b}}
	done = func() {
		for _, x := range all[1:] {
			x.registry.Close()
		}
	}
	for i, text := range f.registries {
		if i == f.first {
			continue
		}
		name, dir := named(text)
		h, err := openHome(dir)
		if err != nil {
			done()
			return nil, unsearched(dir, err)
		}
		r, err := h.Investigation(ctx)
		if ended := ctx.Err(); ended != nil {
			done()
			return nil, ended
		}
		if err != nil {
			b.fail("registry "+name, fmt.Errorf("it could not be opened, and pictures that it may have stay without a finding: %w", err))
			b.unopened = append(b.unopened, name)
			continue
		}
		all = append(all, namedBooks{name, &books{ui: b.ui, home: h, registry: r}})
	}
	b.beside = all
	return done, nil
}

// each is all registries: one, or several.
func (b *books) each() []namedBooks {
	if b.beside == nil {
		return []namedBooks{{"", b}}
	}
	return b.beside
}

// files lists the files of all homes.
func (b *books) files() (out []string) {
	for _, x := range b.each() {
		out = append(out, x.home.Files()...)
	}
	return out
}

// sources returns the registries with their keys, for an investigation.
func (b *books) sources(ctx context.Context) (out []verify.Source, err error) {
	for _, x := range b.beside {
		s := verify.Source{Name: x.name, Registry: x.registry}
		if s.Keys, s.SealKey, err = x.keys(); err == nil {
			err = x.checkKeys(ctx, s.Keys)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	for _, name := range b.unopened {
		out = append(out, verify.Source{Name: name, Unopened: true})
	}
	return out, nil
}

// checkAgainst returns an error if no registry has or had one of the submissions.
func (b *books) checkAgainst(ctx context.Context, ids []watermark.Submission) error {
	for _, id := range ids {
		var missing error
		for _, x := range b.each() {
			_, err := x.registry.Submission(ctx, id)
			if err == nil || errors.Is(err, registry.ErrErased) {
				missing = nil
				break
			}
			if missing = err; !errors.Is(err, registry.ErrNotFound) {
				break
			}
		}
		if missing != nil {
			return notFound(missing)
		}
	}
	return nil
}

// firstUpload returns when the first upload was submitted; zero: there is no upload.
func (b *books) firstUpload(ctx context.Context) (first time.Time, err error) {
	for _, x := range b.each() {
		at, _, err := x.registry.Engine().Span(ctx)
		if err != nil {
			return first, err
		}
		if first.IsZero() || !at.IsZero() && at.Before(first) {
			first = at
		}
	}
	return first, nil
}

// unsupported returns a usageError for flags that several registries do not go with.
func (f *investigateFlags) unsupported() error {
	if len(f.registries) == 0 {
		return nil
	}
	for _, x := range []struct {
		flag  string
		given bool
	}{{"--queue", f.queue}, {"--groups", f.groups != 0}} {
		if x.given {
			return usagef("%s: not supported with several registries", x.flag)
		}
	}
	return nil
}
