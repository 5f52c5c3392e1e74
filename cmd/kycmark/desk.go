package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/internal/keyfile"
	"github.com/kycmark/kycmark/internal/unpack"
	"github.com/kycmark/kycmark/internal/webp"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// bookVerb is [ui.homeVerb] with the registry as the home has it.
func (u *ui) bookVerb(cmd *cobra.Command, do func(ctx context.Context, b *desk, args []string) error) *cobra.Command {
	return u.homeVerb(cmd, (*home.Home).Registry, do)
}

// homeVerb makes do the work of cmd, a verb with the flag --home, and returns cmd. open opens the registry of that
// home, and do gets both with the command's arguments. An error of do that wraps [registry.ErrInput] counts as wrong
// usage (exit code 2).
func (u *ui) homeVerb(cmd *cobra.Command, open func(*home.Home, context.Context) (*registry.Registry, error), do func(ctx context.Context, b *desk, args []string) error) *cobra.Command {
	var dir string
	cmd.Flags().StringVar(&dir, "home", "", "the home `folder` (default: $KYCMARK_HOME, else the current folder)")
	cmd.RunE = u.verb(func(cmd *cobra.Command, args []string) error {
		h, err := openHome(dir)
		if err != nil {
			return err
		}
		r, err := open(h, cmd.Context())
		if err != nil {
			return err
		}
		err = do(cmd.Context(), &desk{ui: u, home: h, registry: r}, args)
		switch {
		case errors.Is(err, registry.ErrInput):
			err = &usageError{err}
		case errors.Is(err, registry.ErrReadOnly) && !h.InvestigateOnly:
			err = withHint(err, "make them writable, or work on a copy (\"kycmark copy-registry\"); list, show, audit and prove only read")
		case errors.Is(err, registry.ErrSealed):
			err = withHint(err, "name the registry's sealing key in keys.seal of %s", filepath.Join(h.Dir(), "kycmark.toml"))
		}
		return errors.Join(err, r.Close())
	})
	return cmd
}

// openHome opens the home in the folder dir; if dir is "", in the folder that KYCMARK_HOME names,
// else in the current folder. It opens no registry.
func openHome(dir string) (*home.Home, error) {
	from := "--home"
	if dir == "" {
		dir, from = os.Getenv("KYCMARK_HOME"), "KYCMARK_HOME"
	}
	if dir == "" {
		dir, from = ".", "the current folder"
	}
	h, err := home.Open(dir)
	if errors.Is(err, home.ErrNoHome) {
		return nil, withHint(fmt.Errorf("%w (looked there because of %s)", err, from),
			"make one with \"kycmark init DIR\"; name it by --home or KYCMARK_HOME")
	}
	return h, err
}

// desk is a home with its registry open.
type desk struct {
	*ui
	home     *home.Home
	registry *registry.Registry
	worker   *keyring // nil: the command reads its keys as it needs them, and acts for its user
}

// A keyring is what a worker has: keys, read once, and the person for whom it does a job.
type keyring struct {
	mark   []*watermark.Key // none: it takes no jobs that need one
	seal   *registry.SealKey
	actor  string
	found  *verify.Investigator // its jobs share what it read of the registry
	issuer *registry.Issuer     // nil: it only investigates
}

// keys reads the home's mark keys and its sealing key, and warns of key files that others can read. The first mark
// key is the key that marks; all keys are tried in reading.
func (b *desk) keys() ([]*watermark.Key, *registry.SealKey, error) {
	if b.worker != nil {
		return b.worker.mark, b.worker.seal, nil
	}
	keys, seal, err := b.home.Keys()
	if err != nil {
		return nil, nil, withHint(err, "keys that are lost or damaged come back only from a backup")
	}
	b.warnExposed(b.home.KeyFiles()...)
	return keys, seal, nil
}

// issuer returns what enters uploads and hands out copies.
func (b *desk) issuer() (*registry.Issuer, error) {
	if b.worker != nil {
		return b.worker.issuer, nil
	}
	keys, seal, err := b.keys()
	if err != nil {
		return nil, err
	}
	return b.newIssuer(keys, seal, b.maxMemory())
}

// newIssuer returns an issuer with these keys, whose pictures take so many bytes of memory together.
func (b *desk) newIssuer(keys []*watermark.Key, seal *registry.SealKey, memory int64) (*registry.Issuer, error) {
	cfg := registry.Config{Registry: b.registry, Keys: keys, SealKey: seal, Readers: b.readers(), EncodeWebP: webp.Encode, MaxMemory: memory,
		Marked: b.home.MarkedUploads, RefuseIncomplete: b.home.RefuseIncomplete}
	if len(keys) > 0 {
		cfg.Key = keys[0]
	}
	return registry.NewIssuer(cfg)
}

// newInvestigator returns an investigator with these keys, whose pictures take so many bytes of memory together.
func (b *desk) newInvestigator(keys []*watermark.Key, seal *registry.SealKey, memory int64) (*verify.Investigator, error) {
	return verify.NewInvestigator(verify.Config{Registry: b.registry, Keys: keys, SealKey: seal, MaxMemory: memory,
		Readers: verify.Readers{Readers: b.readers(), Unpack: unpack.Files, LeakedPDF: b.pdfs.Leaked}})
}

// actor is who acts, as the registry notes it.
func (b *desk) actor() string {
	if b.worker != nil {
		return b.worker.actor
	}
	return actor()
}

// actor is the user of this process.
func actor() string {
	if me, err := user.Current(); err == nil {
		return me.Username
	}
	return os.Getenv("USER")
}

// notFound adds a hint to an error that wraps [registry.ErrNotFound]. It returns other errors, and nil, unchanged.
func notFound(err error) error {
	if errors.Is(err, registry.ErrNotFound) {
		return withHint(err, "\"kycmark list recipients\" names the recipients, \"kycmark show ID\" looks an ID up")
	}
	return err
}

// parseTime reads a time as in RFC 3339, or a day (2018-02-28) or a month of UTC. A day or a month means its first
// moment or, with last, its last microsecond.
func parseTime(s string, last bool) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.DateOnly, s)
	next := t.AddDate(0, 0, 1)
	if err != nil {
		t, err = time.Parse("2006-01", s)
		next = t.AddDate(0, 1, 0)
	}
	if err != nil {
		return time.Time{}, usagef("%q is no time: write 2018-02-28T09:30:00Z, 2018-02-28 or 2018-02", s)
	}
	if last {
		t = next.Add(-time.Microsecond) // as fine as registries keep time
	}
	return t, nil
}

// parseOptionalTime returns the zero time for "", else what [parseTime] does.
func parseOptionalTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	return parseTime(s, false)
}

// plural returns n and the noun thing: "2 copies".
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	if stem, ok := strings.CutSuffix(thing, "y"); ok {
		return fmt.Sprintf("%d %sies", n, stem)
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// moment is a time to the second, UTC.
func moment(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// day is the day of a time, UTC.
func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// readKeys reads the mark key files at paths, in that order, and warns of files that others than the owner can read.
// A key that two files hold is returned once: each of its findings would come twice.
func (u *ui) readKeys(paths []string) ([]*watermark.Key, error) {
	keys := make([]*watermark.Key, 0, len(paths))
	for _, path := range paths {
		key, err := keyfile.ReadMark(path)
		if err != nil {
			return nil, withHint(err, "make a key with \"kycmark keygen --out FILE\"; a damaged one comes back only from a backup")
		}
		u.warnExposed(path)
		if !slices.ContainsFunc(keys, func(k *watermark.Key) bool { return k.ID() == key.ID() }) {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// warnExposed warns of each key file that others than its owner can read.
func (u *ui) warnExposed(paths ...string) {
	for _, path := range paths {
		if keyfile.Exposed(path) {
			u.warnf("key file %s can be read by others; chmod 600 it", path)
		}
	}
}
