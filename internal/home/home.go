// Package home is the folder in which an exchange keeps its books: the
// configuration kycmark.toml, the registry and the keys. All of it is readable
// by its owner alone.
//
//	kycmark.toml     what lies where; every path is relative to the folder
//	registry.db      submissions, recipients, copies, custody, the ledger
//	keys/mark.key    reads and forges marks
//	keys/seal.key    opens the kept originals
package home

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/kycmark/kycmark/internal/durable"
	"github.com/kycmark/kycmark/internal/keyfile"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/watermark"
)

// ErrNoHome is wrapped when a folder is no home.
var ErrNoHome = errors.New("not a kycmark home")

const (
	configName = "kycmark.toml"
	maxConfig  = 1 << 20 // bytes
	dirPerm    = 0o700
	filePerm   = 0o600
)

//go:embed kycmark.toml
var defaultConfig string

// A Home is an existing home.
type Home struct {
	dir    string
	config config
}

// config is kycmark.toml.
type config struct {
	Registry string `toml:"registry"`
	Keys     struct {
		Mark []string `toml:"mark"`
		Seal string   `toml:"seal"`
	} `toml:"keys"`
}

// Create makes a home in dir, which may exist but must hold nothing of a home:
// else the error wraps [fs.ErrExist]. The configuration is written last, so that
// what was interrupted is no home.
func Create(ctx context.Context, dir string) (*Home, error) {
	for _, name := range []string{configName, "registry.db", "keys"} {
		path := filepath.Join(dir, name)
		if _, err := os.Lstat(path); err == nil {
			return nil, fmt.Errorf("%s: %w", path, fs.ErrExist)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "keys"), dirPerm); err != nil {
		return nil, err
	}
	h := &Home{dir: dir}
	if err := h.parse(defaultConfig); err != nil {
		return nil, err
	}
	if err := keyfile.CreateMark(h.path(h.config.Keys.Mark[0]), watermark.GenerateKey()); err != nil {
		return nil, err
	}
	if err := keyfile.CreateSeal(h.path(h.config.Keys.Seal), verify.GenerateSealKey()); err != nil {
		return nil, err
	}
	r, err := verify.Create(ctx, h.dsn())
	if err != nil {
		return nil, err
	}
	if err := r.Close(); err != nil {
		return nil, err
	}
	if err := durable.WriteFile(filepath.Join(dir, configName), []byte(defaultConfig), filePerm, false); err != nil {
		return nil, err
	}
	return h, nil
}

// Open reads the configuration of the home in dir. The error wraps [ErrNoHome]
// when there is none.
func Open(dir string) (*Home, error) {
	path := filepath.Join(dir, configName)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is %w: no %s in it", dir, ErrNoHome, configName)
	}
	if err != nil {
		return nil, err
	}
	if info.Size() > maxConfig {
		return nil, fmt.Errorf("%s: larger than any configuration", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	h := &Home{dir: dir}
	if err := h.parse(string(text)); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return h, nil
}

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
	return nil
}

// Dir is the home's folder.
func (h *Home) Dir() string { return h.dir }

// Registry opens the registry.
func (h *Home) Registry(ctx context.Context) (*verify.Registry, error) {
	r, err := verify.Open(ctx, h.dsn())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the registry of %s is gone: %w", h.dir, err)
	}
	return r, err
}

// Keys reads the mark keys, of which the first one marks, and the sealing key.
func (h *Home) Keys() ([]*watermark.Key, *verify.SealKey, error) {
	var keys []*watermark.Key
	for _, name := range h.config.Keys.Mark {
		key, err := keyfile.ReadMark(h.path(name))
		if err != nil {
			return nil, nil, err
		}
		keys = append(keys, key)
	}
	seal, err := keyfile.ReadSeal(h.path(h.config.Keys.Seal))
	return keys, seal, err
}

// KeyFiles lists the paths of all keys.
func (h *Home) KeyFiles() []string {
	var paths []string
	for _, name := range h.config.Keys.Mark {
		paths = append(paths, h.path(name))
	}
	return append(paths, h.path(h.config.Keys.Seal))
}

func (h *Home) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(h.dir, filepath.FromSlash(name))
}

func (h *Home) dsn() string {
	return "file:" + h.path(strings.TrimPrefix(h.config.Registry, "file:"))
}
