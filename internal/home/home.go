// Package home is the folder in which an exchange keeps its books: the configuration kycmark.toml, the registry and the
// keys. All of it is readable by its owner alone.
//
//	kycmark.toml     what lies where; every path is relative to the folder
//	blobs            sealed originals, unless they are kept elsewhere
//	registry.db      submissions, recipients, copies, custody, the ledger, unless
//	                 they are in a PostgreSQL database
//	keys/mark.key    reads and forges marks
//	keys/seal.key    opens the kept originals
//	keys/ledger.key  signs checkpoints of the ledger
//	keys/ledger.pub  checks them, and proofs: for auditors
//	keys/report.key  signs reports
//	keys/report.pub  checks them: for the other side
package home

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kycmark/kycmark/internal/durable"
	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/jobs"
	"github.com/kycmark/kycmark/internal/keyfile"
	"github.com/kycmark/kycmark/internal/seal"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/postgres"
	"github.com/kycmark/kycmark/verify/registry/s3"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
	"github.com/kycmark/kycmark/watermark"
)

// ErrNoHome is wrapped when a folder holds no home.
var ErrNoHome = errors.New("not a kycmark home")

const (
	configName = "kycmark.toml"
	maxConfig  = 1 << 20 // bytes
	ledgerKey  = "keys/ledger.key"
	reportKey  = "keys/report.key"
	dirPerm    = 0o700
	filePerm   = 0o600
)

//go:embed kycmark.toml
var defaultConfig string

// defaultRegistry is the line of the default configuration that names the registry.
const defaultRegistry = "registry = \"registry.db\"\n"

// A Home is an existing home.
type Home struct {
	dir string
	config
}

// config is kycmark.toml.
type config struct {
	Registry string `toml:"registry"`
	Keys     struct {
		Mark   []string `toml:"mark"`
		Seal   string   `toml:"seal"`
		Ledger string   `toml:"ledger"`
		Report string   `toml:"report"`
		// Witnesses are texts of public keys, or their files.
		Witnesses []string `toml:"witnesses"`
		// Authorities are files of certificates of timestamp authorities, PEM.
		Authorities []string `toml:"authorities"`
	} `toml:"keys"`
	InvestigateOnly   bool   `toml:"investigate_only"`    // the home may do no more than search and read
	References        int    `toml:"references"`          // of verify.Config
	UploadsPerSubject int    `toml:"uploads_per_subject"` // of verify.Circumstances
	TSA               string `toml:"tsa_ca"`              // the file of certificates of the authority that dates what is signed
	MarkedUploads     string `toml:"marked_uploads"`      // of registry.Config
	RefuseIncomplete  bool   `toml:"refuse_incomplete"`   // of registry.Config

	Hooks    map[string]Hook    `toml:"hooks"` // by name
	Webhooks map[string]Webhook `toml:"webhooks"`

	Buckets struct {
		Dumps  map[string]string `toml:"dumps"`  // addresses of leaked files, by name
		Copies map[string]string `toml:"copies"` // addresses that copies are written to, by recipient
	} `toml:"buckets"`

	OIDC struct {
		Issuer   string              `toml:"issuer"`
		Audience string              `toml:"audience"`
		Claim    string              `toml:"claim"`
		Roles    map[string][]string `toml:"roles"`
	} `toml:"oidc"` // of service.OIDC
}

// begunName is the file of a home that is being made: it becomes the configuration in the last step.
const begunName = ".kycmark-init"

// Create makes a home in dir, which may exist but must hold nothing of a home: else the error wraps [fs.ErrExist]. It
// makes the keys and the registry: at address (see [Driver]), or in the folder if address is "". opts may be nil. If
// the registry cannot be made, the keys are removed. If a Create with the same arguments was killed, the next one
// completes the home. So it does with a home that is complete, and was not used.
func Create(ctx context.Context, dir, address string, opts *registry.CreateOptions) (*Home, error) {
	text := defaultConfig
	if address != "" {
		line, err := toml.Marshal(map[string]string{"registry": address})
		if err != nil {
			return nil, err
		}
		text = strings.Replace(text, defaultRegistry, string(line), 1)
	}
	h := &Home{dir: dir}
	if err := h.parse(text); err != nil {
		return nil, err
	}
	o := *cmp.Or(opts, new(registry.CreateOptions))
	o.Originals = Originals(h.Address(), o.Originals)
	begun, complete := h.path(begunName), h.path(configName)
	if old, err := os.ReadFile(complete); err == nil {
		return h, h.unused(ctx, o, string(old) == text)
	}
	old, err := os.ReadFile(begun)
	resumed := err == nil && strings.HasPrefix(text, string(old))
	for _, name := range []string{configName, "registry.db", "keys"} {
		path := filepath.Join(dir, name)
		if _, err := os.Lstat(path); err == nil && !resumed {
			return nil, fmt.Errorf("%s: %w", path, fs.ErrExist)
		}
	}
	if err := durable.MkdirAll(dir, dirPerm); err != nil {
		return nil, err
	}
	if err := writeBegun(begun, text); err != nil {
		return nil, err
	}
	if err := durable.MkdirAll(filepath.Join(dir, "keys"), dirPerm); err != nil {
		return nil, err
	}
	if resumed { // a killed Create may have left a key
		for _, folder := range []string{dir, filepath.Join(dir, "keys")} {
			if _, err := durable.Clean(folder, "", time.Now(), true); err != nil {
				return nil, err
			}
		}
	}
	mark, err := h.begin(resumed)
	if err != nil {
		return nil, err
	}
	r, err := registry.Create(ctx, h.driver(), &o)
	if resumed && errors.Is(err, fs.ErrExist) {
		r, err = registry.Resume(ctx, h.driver(), o, mark.ID())
	}
	_, unfinished := os.Lstat(complete)
	// Another Create may have the keys.
	others := unfinished == nil || address == "" && errors.Is(err, fs.ErrExist)
	if err != nil && !resumed && !others { // no registry knows the keys: they would only be in the way of the next attempt
		err = errors.Join(err, os.Remove(h.path(h.config.Keys.Mark[0])), os.Remove(h.path(h.config.Keys.Seal)), os.Remove(begun))
		_ = os.Remove(filepath.Join(dir, "keys")) // unless something else is in it
	}
	if err != nil {
		return nil, err
	}
	if unfinished == nil { // another Create completed it meanwhile
		return h, errors.Join(r.Close(), durable.Remove(begun))
	}
	if err := errors.Join(h.furnish(ctx, r, mark), r.Close()); err != nil {
		return nil, err
	}
	return h, durable.Rename(begun, complete)
}

// unused returns nil if the home has the configuration of a new home, and a registry without uploads or recipients that
// was made with o. Else the error wraps [fs.ErrExist].
func (h *Home) unused(ctx context.Context, o registry.CreateOptions, fresh bool) error {
	if keys, _, err := h.Keys(); err == nil && fresh {
		var r *registry.Registry
		if r, err = registry.Resume(ctx, h.driver(), o, keys[0].ID()); err == nil {
			return r.Close()
		}
	}
	return fmt.Errorf("%s: %w", h.path(configName), fs.ErrExist)
}

// writeBegun writes the file of a home that is being made, under no temporary name, which a kill would leave.
func writeBegun(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, filePerm)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// begin makes the mark key and the sealing key. If Create is resumed, keys that are there are kept: the registry may
// know the mark key.
func (h *Home) begin(resumed bool) (*watermark.Key, error) {
	mark := watermark.GenerateKey()
	err := keyfile.CreateMark(h.path(h.config.Keys.Mark[0]), mark)
	if resumed && errors.Is(err, fs.ErrExist) {
		mark, err = keyfile.ReadMark(h.path(h.config.Keys.Mark[0]))
	}
	if err != nil {
		return nil, err
	}
	err = keyfile.CreateSeal(h.path(h.config.Keys.Seal), registry.GenerateSealKey())
	if resumed && errors.Is(err, fs.ErrExist) {
		_, err = h.SealKey()
	}
	return mark, err
}

// furnish enters the commitment to the mark key in the new registry r. It makes the key files of ledger and reports, unless an
// earlier Create made them for r. On a server it makes the queue: no role of docs/grants.sql may. If it may not either, docs/grants.sql
// says that the queue is missing.
func (h *Home) furnish(ctx context.Context, r *registry.Registry, mark *watermark.Key) error {
	if _, err := r.Ledger().AddMarkKey(ctx, mark); err != nil {
		return err
	}
	if IsServer(h.config.Registry) {
		queue, err := OpenQueue(ctx, h, r.ID(), nil)
		if denied, ok := errors.AsType[*pgconn.PgError](err); err != nil && !(ok && denied.Code == "42501") { // insufficient privilege
			return err
		}
		if err == nil {
			queue.Close()
		}
	}
	if old, err := h.LedgerPublic(); err != nil || !strings.HasPrefix(old, r.Ledger().Origin()+"+") {
		private, public, err := r.Ledger().GenerateKey(ctx)
		path := h.path(h.config.Keys.Ledger)
		if err = errors.Join(err, durable.Remove(path), durable.Remove(h.ledgerPublic())); err == nil {
			err = keyfile.CreateLedger(path, h.ledgerPublic(), private, public)
		}
		if err != nil {
			return err
		}
	}
	_, err := h.CreateReportKey()
	if errors.Is(err, fs.ErrExist) {
		err = nil
	}
	return err
}

// Open reads the configuration of the home in dir. It opens neither registry nor keys, which may be missing. The
// error wraps [ErrNoHome] if dir holds no configuration.
func Open(dir string) (*Home, error) {
	path := filepath.Join(dir, configName)
	text, err := intake.ReadFile(path, maxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is %w: no %s in it", dir, ErrNoHome, configName)
	}
	if err != nil {
		return nil, err
	}
	h := &Home{dir: dir}
	if err := h.parse(string(text)); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return h, nil
}

// parse reads text, a configuration in TOML, into h.config. Unknown settings are an error.
func (h *Home) parse(text string) error {
	meta, err := toml.Decode(text, &h.config)
	if err != nil {
		return err
	}
	switch unknown := meta.Undecoded(); {
	case len(unknown) > 0:
		return fmt.Errorf("there is no setting %q", unknown[0].String())
	case h.config.Registry == "":
		return errors.New("registry is not set")
	case len(h.config.Keys.Mark) == 0:
		return errors.New("keys.mark is not set")
	case h.config.Keys.Seal == "":
		return errors.New("keys.seal is not set")
	}
	h.config.Keys.Ledger, h.config.Keys.Report = cmp.Or(h.config.Keys.Ledger, ledgerKey), cmp.Or(h.config.Keys.Report, reportKey)
	return nil
}

func (h *Home) Address() string { return h.config.Registry }

func (h *Home) Dir() string { return h.dir }

// Registry opens the registry; for investigation only where the home is for that.
func (h *Home) Registry(ctx context.Context) (*registry.Registry, error) {
	if h.config.InvestigateOnly {
		return h.Investigation(ctx)
	}
	return h.open(ctx, registry.Open)
}

// Investigation opens the registry for investigation only.
func (h *Home) Investigation(ctx context.Context) (*registry.Registry, error) {
	return h.open(ctx, registry.OpenForInvestigation)
}

// open opens the registry with the given function of package registry.
func (h *Home) open(ctx context.Context, open func(context.Context, registry.Driver) (*registry.Registry, error)) (*registry.Registry, error) {
	r, err := open(ctx, h.driver())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the registry of %s is gone: %w", h.dir, err)
	}
	if err != nil {
		return nil, err
	}
	if err := h.trust(r); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// trust has signatures of the home's witnesses, and timestamps of its authorities, bound the times of r.
func (h *Home) trust(r *registry.Registry) error {
	witnesses, err := h.Witnesses()
	if err == nil {
		err = r.TrustWitnesses(witnesses...)
	}
	if err != nil {
		return fmt.Errorf("keys.witnesses: %w", err)
	}
	certificates, err := h.certificates(h.config.Keys.Authorities...)
	if err != nil {
		return fmt.Errorf("keys.authorities: %w", err)
	}
	if certificates != nil {
		r.TrustTimestamps(seal.Bounds(certificates))
	}
	return nil
}

// TSA reads the certificates of the timestamp authority for what is signed, or nil if the configuration names none.
func (h *Home) TSA() ([]*x509.Certificate, error) {
	if h.config.TSA == "" {
		return nil, nil
	}
	certificates, err := h.certificates(h.config.TSA)
	if err != nil {
		return nil, fmt.Errorf("tsa_ca: %w", err)
	}
	return certificates, nil
}

func (h *Home) certificates(files ...string) (all []*x509.Certificate, err error) {
	for _, file := range files {
		var more []*x509.Certificate
		text, err := intake.ReadFile(h.path(file), maxConfig)
		if err == nil {
			more, err = seal.ParseCertificates(text)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, more...)
	}
	return all, nil
}

// Witnesses reads the public keys of the witnesses that the home trusts, as texts.
func (h *Home) Witnesses() (keys []string, err error) {
	for _, k := range h.config.Keys.Witnesses {
		if strings.Count(k, "+") < 2 {
			if k, err = keyfile.ReadPublic(h.path(k)); err != nil {
				return nil, err
			}
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// Keys reads the mark keys and the sealing key. The first mark key marks new copies. If the sealing key cannot be
// read, the mark keys are returned beside the error.
func (h *Home) Keys() ([]*watermark.Key, *registry.SealKey, error) {
	var keys []*watermark.Key
	for _, name := range h.config.Keys.Mark {
		key, err := keyfile.ReadMark(h.path(name))
		if err != nil {
			return nil, nil, err
		}
		keys = append(keys, key)
	}
	seal, err := h.SealKey()
	return keys, seal, err
}

// SealKey reads the sealing key from its file, which the error names.
func (h *Home) SealKey() (*registry.SealKey, error) {
	return keyfile.ReadSeal(h.path(h.config.Keys.Seal))
}

// LedgerKey reads the private text of the key that signs checkpoints.
func (h *Home) LedgerKey() (string, error) { return keyfile.ReadLedger(h.path(h.config.Keys.Ledger)) }

// LedgerPublic reads the public text of that key.
func (h *Home) LedgerPublic() (string, error) { return keyfile.ReadPublic(h.ledgerPublic()) }

func (h *Home) ledgerPublic() string { return publicPath(h.path(h.config.Keys.Ledger)) }

// CreateReportKey makes a new Ed25519 key that signs reports, writes its two files, and returns its public half. If
// only the public half is missing, it is made; else the error wraps [fs.ErrExist].
func (h *Home) CreateReportKey() (ed25519.PublicKey, error) {
	_, key, err := ed25519.GenerateKey(nil) // from crypto/rand
	if err != nil {
		return nil, err
	}
	path := h.path(h.config.Keys.Report)
	err = keyfile.CreateReport(path, publicPath(path), key)
	if _, missing := os.Lstat(publicPath(path)); errors.Is(err, fs.ErrExist) && errors.Is(missing, fs.ErrNotExist) { // it was killed
		if key, err = h.ReportKey(); err == nil {
			err = keyfile.CreateReportPublic(publicPath(path), key)
		}
	}
	if err != nil {
		return nil, err
	}
	return key.Public().(ed25519.PublicKey), nil
}

// ReportKey reads the key that signs reports. The error wraps [fs.ErrNotExist] where the home has none.
func (h *Home) ReportKey() (ed25519.PrivateKey, error) {
	return keyfile.ReadReport(h.path(h.config.Keys.Report))
}

// ReportPublic reads its public half.
func (h *Home) ReportPublic() (ed25519.PublicKey, error) {
	return keyfile.ReadReportPublic(publicPath(h.path(h.config.Keys.Report)))
}

func publicPath(path string) string { return strings.TrimSuffix(path, ".key") + ".pub" }

// KeyFiles lists the paths of all secret keys. Any may be missing.
func (h *Home) KeyFiles() []string {
	keys := append(slices.Clone(h.config.Keys.Mark), h.config.Keys.Seal, h.config.Keys.Ledger, h.config.Keys.Report)
	for _, c := range h.config.Hooks {
		keys = append(keys, c.Secret, c.Token, c.APISecret)
	}
	for _, w := range h.config.Webhooks {
		keys = append(keys, w.Secret)
	}
	return each.Of(slices.DeleteFunc(keys, func(file string) bool { return file == "" }), h.path)
}

// Files lists the paths of all files that a home may have: the configuration, the keys with public halves, and the
// registry with the files that SQLite keeps beside it. Any may be missing.
func (h *Home) Files() []string {
	files := []string{filepath.Join(h.dir, configName)}
	for _, key := range h.KeyFiles() {
		files = append(files, key, publicPath(key))
	}
	if !IsServer(h.config.Registry) {
		file := h.path(filePath(h.config.Registry))
		files = append(files, file, file+"-wal", file+"-shm", file+"-journal")
	}
	return files
}

// path returns where the file name of the configuration lies, from the home's folder on.
func (h *Home) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(h.dir, filepath.FromSlash(name))
}

// driver is the place of the registry. The path of a file is relative to the home.
func (h *Home) driver() registry.Driver {
	if IsServer(h.config.Registry) {
		return Driver(h.config.Registry)
	}
	return Driver(h.path(filePath(h.config.Registry)))
}

// OpenQueue opens the queue of a home's registry, whose ID is of. key seals the jobs. The caller must close it.
func OpenQueue(ctx context.Context, h *Home, of string, key *registry.SealKey) (*jobs.Queue, error) {
	if IsServer(h.config.Registry) {
		return jobs.OpenServer(ctx, h.config.Registry, of, key)
	}
	return jobs.OpenFile(ctx, h.path(filePath(h.config.Registry)), of, key)
}

// Driver is the registry at an address: "postgres://USER@HOST/DATABASE", or the path of a
// SQLite file, which "file:" may precede.
func Driver(address string) registry.Driver {
	if IsServer(address) {
		return postgres.At(address, s3.Open)
	}
	return sqlite.At(filePath(address), s3.Open)
}

// Originals returns where the registry at an address is to keep sealed originals, for
// [registry.CreateOptions]. place is what the user names: a folder, an address, or "database". "" is the
// database of a server, the folder blobs beside registry.db, and a folder beside any other file.
func Originals(address, place string) string {
	switch {
	case place == "database" || place == "" && IsServer(address):
		return ""
	case place == "":
		if name := filepath.Base(filePath(address)); name != "registry.db" {
			return name + ".blobs"
		}
		return "blobs"
	case strings.Contains(place, "://"):
		return place
	}
	if abs, err := filepath.Abs(place); err == nil {
		return abs
	}
	return place
}

// IsServer reports whether the address is that of a PostgreSQL server.
func IsServer(address string) bool {
	return strings.HasPrefix(address, "postgres:") || strings.HasPrefix(address, "postgresql:")
}

// filePath is the path in the address of a SQLite file.
func filePath(address string) string {
	if path, ok := strings.CutPrefix(address, "file:"); ok {
		return strings.TrimPrefix(path, "//")
	}
	return address
}
