package ui

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/internal/jobs"
	"github.com/kycmark/kycmark/internal/keyfile"
	"github.com/kycmark/kycmark/internal/seal"
	"github.com/kycmark/kycmark/internal/unpack"
	"github.com/kycmark/kycmark/internal/webp"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

func Entries(n int64) string { return Plural(int(n), "entry") }

// PublicKey returns the text of a public key, name+hash+key. An arg with two or more plus signs is
// that text itself, any other arg is the file that holds it. The key is not checked.
func PublicKey(arg string) (string, error) {
	if strings.Count(arg, "+") >= 2 {
		return arg, nil
	}
	key, err := keyfile.ReadPublic(arg)
	if err != nil {
		return "", WithHint(err, "a public key is a text of the form name+hash+key, or a file that holds it")
	}
	return key, nil
}

func (u *UI) BookVerb(cmd *cobra.Command, do func(ctx context.Context, b *Desk, args []string) error) *cobra.Command {
	return u.HomeVerb(cmd, (*home.Home).Registry, do)
}

// HomeVerb makes do the work of cmd, a verb with the flag --home, and returns cmd. open opens the registry of that
// home, and do gets both with the command's arguments. For an error of do that wraps [registry.ErrInput] the exit code is 2.
func (u *UI) HomeVerb(cmd *cobra.Command, open func(*home.Home, context.Context) (*registry.Registry, error), do func(ctx context.Context, b *Desk, args []string) error) *cobra.Command {
	var dir string
	cmd.Flags().StringVar(&dir, "home", "", "the home `folder` (default: $KYCMARK_HOME, else the current folder)")
	cmd.RunE = u.Verb(func(cmd *cobra.Command, args []string) error {
		h, err := openHome(dir)
		if err != nil {
			return err
		}
		r, err := open(h, cmd.Context())
		if err != nil {
			return err
		}
		err = do(cmd.Context(), &Desk{UI: u, Home: h, Registry: r}, args)
		switch {
		case errors.Is(err, registry.ErrInput):
			err = &UsageError{err}
		case errors.Is(err, registry.ErrReadOnly) && !h.InvestigateOnly:
			err = WithHint(err, "make them writable, or work on a copy (\"kycmark copy-registry\"); list, show, audit and prove only read")
		case errors.Is(err, registry.ErrSealed):
			err = WithHint(err, "name the registry's sealing key in keys.seal of %s", filepath.Join(h.Dir(), "kycmark.toml"))
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
		return nil, WithHint(fmt.Errorf("%w (looked there because of %s)", err, from),
			"make one with \"kycmark init DIR\"; name it by --home or KYCMARK_HOME")
	}
	return h, err
}

// Desk is a home with its registry open.
type Desk struct {
	*UI
	Home     *home.Home
	Registry *registry.Registry
	Worker   *keyring // nil: the command reads its keys as it needs them
}

// A keyring is what a worker has: keys, read once.
type keyring struct {
	Mark  []*watermark.Key
	Seal  *registry.SealKey
	Found *verify.Investigator // its jobs share what it read of the registry
}

// Keys reads the home's mark keys and its sealing key, and warns of key files that others can read. The first mark
// key is the key that marks; all keys are tried in reading.
func (b *Desk) Keys() ([]*watermark.Key, *registry.SealKey, error) {
	if b.Worker != nil {
		return b.Worker.Mark, b.Worker.Seal, nil
	}
	keys, seal, err := b.Home.Keys()
	if err != nil {
		return nil, nil, KeyHint(err, "keys that are lost or damaged come back only from a backup")
	}
	b.WarnExposed(b.Home.KeyFiles()...)
	return keys, seal, nil
}

// Issuer returns what enters uploads and hands out copies. With hashOnly a wrong sealing key is left out.
func (b *Desk) Issuer(hashOnly bool) (*registry.Issuer, error) {
	keys, seal, err := b.Keys()
	if err != nil {
		return nil, err
	}
	cfg := registry.Config{Keys: keys, SealKey: seal, MaxMemory: b.MaxMemory()}
	issuer, err := b.NewIssuer(cfg)
	if hashOnly && errors.Is(err, registry.ErrSealed) {
		cfg.SealKey = nil
		return b.NewIssuer(cfg)
	}
	return issuer, err
}

// NewIssuer returns an issuer with the keys and the limits of memory of cfg, else as the home has it. The first key marks.
func (b *Desk) NewIssuer(cfg registry.Config) (*registry.Issuer, error) {
	cfg.Registry, cfg.Readers, cfg.EncodeWebP = b.Registry, b.Readers(), webp.Encode
	cfg.Marked, cfg.RefuseIncomplete = b.Home.MarkedUploads, b.Home.RefuseIncomplete
	if len(cfg.Keys) > 0 {
		cfg.Key = cfg.Keys[0]
	}
	return registry.NewIssuer(cfg)
}

// NewInvestigator returns an investigator with these keys, whose pictures take so many bytes of memory together.
func (b *Desk) NewInvestigator(keys []*watermark.Key, seal *registry.SealKey, memory int64) (*verify.Investigator, error) {
	return verify.NewInvestigator(verify.Config{Registry: b.Registry, Keys: keys, SealKey: seal, MaxMemory: memory,
		Readers: verify.Readers{Readers: b.Readers(), Unpack: unpack.Files, LeakedPDF: b.Pdfs.Leaked}})
}

// Actor is the user of this process: who acts, as the registry notes it.
func Actor() string {
	if me, err := user.Current(); err == nil {
		return me.Username
	}
	return os.Getenv("USER")
}

// NotFound adds a hint to an error that wraps [registry.ErrNotFound]. It returns other errors, and nil, unchanged.
func NotFound(err error) error {
	return HintFor(err, registry.ErrNotFound,
		"\"kycmark list recipients\" names the recipients, \"kycmark show ID\" looks an ID up")
}

// ParseTime reads a time as in RFC 3339, or a day (2018-02-28) or a month of UTC. A day or a month means its first
// moment or, with last, its last microsecond.
func ParseTime(s string, last bool) (time.Time, error) {
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
		return time.Time{}, Usagef("%q is no time: write 2018-02-28T09:30:00Z, 2018-02-28 or 2018-02", s)
	}
	if last {
		t = next.Add(-time.Microsecond) // as fine as registries keep time
	}
	return t, nil
}

// ParseOptionalTime returns the zero time for "", else what [ParseTime] does.
func ParseOptionalTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	return ParseTime(s, false)
}

// Plural returns n and the noun thing: "2 copies".
func Plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	if stem, ok := strings.CutSuffix(thing, "y"); ok {
		return fmt.Sprintf("%d %sies", n, stem)
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func Moment(t time.Time) string { return t.UTC().Format(time.RFC3339) }
func Day(t time.Time) string    { return t.UTC().Format(time.DateOnly) }

// KeyHint is [WithHint] for the error of a key file. An encrypted file that was not opened is there: it has no hint.
func KeyHint(err error, hint string) error {
	if errors.Is(err, keyfile.ErrPassphrase) || errors.Is(err, keyfile.ErrKMS) {
		return err
	}
	return WithHint(err, "%s", hint)
}

// ReadKeys reads the mark key files at paths, in that order, and warns of files that others than the owner can read.
// A key that two files hold is returned once: each of its findings would come twice.
func ReadKeys(u *UI, paths []string) ([]*watermark.Key, error) {
	keys := make([]*watermark.Key, 0, len(paths))
	for _, path := range paths {
		key, err := keyfile.ReadMark(path)
		if err != nil {
			return nil, KeyHint(err, "make a key with \"kycmark keygen --out FILE\"; a damaged one comes back only from a backup")
		}
		u.WarnExposed(path)
		if !slices.ContainsFunc(keys, func(k *watermark.Key) bool { return k.ID() == key.ID() }) {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

func (u *UI) WarnExposed(paths ...string) {
	for _, path := range paths {
		if keyfile.Exposed(path) {
			u.Warnf("key file %s can be read by others; chmod 600 it", path)
		}
	}
}

func (b *Desk) Command() []string { return append([]string{"kycmark"}, b.Args...) }

// Authority returns the timestamp authority at an address, with the certificates that the home trusts for it.
func Authority(b *Desk, address string) (*seal.TSA, error) {
	if address == "" {
		return nil, nil
	}
	trusted, err := b.Home.TSA()
	if err == nil && trusted == nil {
		err = Usagef("--tsa: the authority's certificate is not known: name it by tsa_ca in %s", filepath.Join(b.Home.Dir(), "kycmark.toml"))
	}
	if err != nil {
		return nil, err
	}
	address, err = WithCredentials(address)
	return &seal.TSA{URL: address, Trusted: trusted}, err
}

// CredentialsVariable names the file with credentials of timestamp authorities and witnesses: a line for each, as
// https://USER:PASSWORD@HOST, as git-credential-store has it.
const CredentialsVariable = "KYCMARK_CREDENTIALS"

// secretAddress finds an address with a password, or by HTTP or S3 with a user: PostgreSQL's may name a user alone.
var secretAddress = regexp.MustCompile(`(?i)\b(?:https?|s3)://[^/?#\s]*@|[a-z]://[^/?#\s@]*:[^/?#\s]*@|\bpostgres(?:ql)?:(?:/*[^/?#@]*:[^/?#]*@|\S*[?&](?:ssl)?password=)`)

// NoSecrets refuses arguments with credentials in an address: others see them, and records and reports keep them.
func NoSecrets(args []string) error {
	if slices.ContainsFunc(args, secretAddress.MatchString) {
		return WithHint(Usagef("an argument has credentials in an address"),
			"leave them to %s (https://USER:PASSWORD@HOST in a file), PGPASSFILE, PGPASSWORD or AWS_SECRET_ACCESS_KEY",
			CredentialsVariable)
	}
	return nil
}

// WithCredentials returns an address with user and password from the file of credentials: from the first line of the same
// scheme and host. Without such a line it returns the address. Errors repeat nothing of the file.
func WithCredentials(address string) (string, error) {
	file := os.Getenv(CredentialsVariable)
	if file == "" || address == "" {
		return address, nil
	}
	text, err := ReadSmall(file)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(address)
	if err != nil {
		return address, nil // it is refused when it is asked
	}
	for line := range strings.Lines(string(text)) {
		known, err := url.Parse(strings.TrimSpace(line))
		if err != nil {
			return "", errors.New(file + ": a line is no address")
		}
		if known.User != nil && known.Scheme == u.Scheme && strings.EqualFold(known.Host, u.Host) {
			u.User = known.User
			return u.String(), nil
		}
	}
	return address, nil
}

// Queue opens the queue beside the registry, under the sealing key of the home, which must be the registry's.
func (b *Desk) Queue(ctx context.Context) (*jobs.Queue, error) {
	seal, err := b.Home.SealKey()
	if err == nil {
		err = b.Registry.Engine().CheckSealKey(ctx, seal)
	}
	if err != nil {
		return nil, err
	}
	return home.OpenQueue(ctx, b.Home, b.Registry.ID(), seal)
}

// AsWorker returns the books as a worker has them, with the keys of the home.
func (b *Desk) AsWorker() (*Desk, error) {
	w := *b
	w.Worker = new(keyring)
	var err error
	if w.Worker.Mark, w.Worker.Seal, err = b.Home.Keys(); err == nil {
		w.Worker.Found, err = b.NewInvestigator(w.Worker.Mark, w.Worker.Seal, b.MaxMemory())
	}
	return &w, err
}
