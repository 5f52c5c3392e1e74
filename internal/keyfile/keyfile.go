// Package keyfile keeps secrets in files: one secret a file, as text with
// comments, readable by its owner alone, never overwritten.
package keyfile

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"github.com/kycmark/kycmark/internal/durable"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// maxSize is the most that a key file may hold, bytes. Real ones hold about 200.
const maxSize = 64 << 10

// perm keeps a key file from everybody but its owner.
const perm fs.FileMode = 0o600

// CreateMark writes key to a new file, readable by its owner alone. The error
// wraps [fs.ErrExist] when path exists: no key is ever overwritten, for all that
// was marked with it could not be read any more.
func CreateMark(path string, key *watermark.Key) error {
	return create(path, fmt.Sprintf("# kycmark mark key %s\n%s\n", key.ID(), key.Secret()))
}

// CreateSeal is [CreateMark] for a sealing key.
func CreateSeal(path string, key *registry.SealKey) error {
	return create(path, fmt.Sprintf("# kycmark sealing key %s\n%s\n", key.ID(), key.Secret()))
}

// CreateLedger writes the two texts of a ledger's key (see
// [registry.Ledger.GenerateKey]) to new files as [CreateMark] does; the public
// one holds no secret.
func CreateLedger(path, publicPath, private, public string) error {
	return createPair(path, "# kycmark ledger key: signs checkpoints\n"+private+"\n",
		publicPath, "# kycmark ledger, public key: checks checkpoints and proofs\n"+public+"\n")
}

// CreateReport writes the two halves of a key that signs reports to new files as
// [CreateMark] does, in the PEM forms that openssl reads; the public one holds no secret.
func CreateReport(path, publicPath string, key ed25519.PrivateKey) error {
	public := key.Public().(ed25519.PublicKey)
	id := ReportID(public)
	return createPair(path, "# kycmark report key "+id+": signs reports\n"+string(encodeReport(key)),
		publicPath, "# kycmark report key "+id+", public key: checks reports\n"+string(EncodeReportPublic(public)))
}

// createPair writes both halves of a key or neither: signatures of a private half beside
// the public half of another key could not be checked.
func createPair(path, private, publicPath, public string) error {
	if err := create(path, private); err != nil {
		return err
	}
	if err := create(publicPath, public); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

func create(path, text string) error {
	err := durable.WriteFile(path, []byte(text), perm, false)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("key file %s: %w: a key is never overwritten", path, fs.ErrExist)
	}
	if err != nil {
		return fmt.Errorf("key file %s: %w", path, err)
	}
	return nil
}

// ReadMark reads a mark key. Every error names the file and says what is wrong
// with it, and none repeats its contents; those about the contents wrap
// [watermark.ErrKey].
func ReadMark(path string) (*watermark.Key, error) {
	text, err := read(path)
	if err != nil {
		return nil, err
	}
	key, err := watermark.ParseKey(text)
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	return key, nil
}

// ReadSeal reads a sealing key as [ReadMark] reads a mark key; errors about the
// contents wrap [registry.ErrSealKey].
func ReadSeal(path string) (*registry.SealKey, error) {
	text, err := read(path)
	if err != nil {
		return nil, err
	}
	key, err := registry.ParseSealKey(text)
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	return key, nil
}

// ReadLedger reads the private text of a ledger's key. Errors about the contents wrap
// [registry.ErrLedgerKey].
func ReadLedger(path string) (string, error) {
	return readNoteKey(path, true)
}

// ReadPublic reads the public key of a ledger or of a witness, as [ReadLedger].
func ReadPublic(path string) (string, error) {
	return readNoteKey(path, false)
}

// ReadReport reads a key that signs reports; errors about the contents wrap
// [ErrKey].
func ReadReport(path string) (ed25519.PrivateKey, error) {
	text, err := read(path)
	if err != nil {
		return nil, err
	}
	key, err := parseReport([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	return key, nil
}

// ReadReportPublic reads the public half as [ReadReport] reads the private one.
func ReadReportPublic(path string) (ed25519.PublicKey, error) {
	text, err := read(path)
	if err != nil {
		return nil, err
	}
	key, err := ParseReportPublic([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	return key, nil
}

// readNoteKey reads the only line that is neither blank nor a comment.
func readNoteKey(path string, private bool) (string, error) {
	text, err := read(path)
	if err != nil {
		return "", err
	}
	var keys []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			keys = append(keys, line)
		}
	}
	if len(keys) != 1 || strings.HasPrefix(keys[0], "PRIVATE+KEY+") != private || strings.Count(keys[0], "+") < 2 {
		kind := "public"
		if private {
			kind = "private"
		}
		return "", fmt.Errorf("key file %s: %w: not one %s key of a ledger or a witness", path, registry.ErrLedgerKey, kind)
	}
	return keys[0], nil
}

func read(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("key file %s: %w", path, bare(err))
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return "", fmt.Errorf("key file %s: is a folder", path)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return "", fmt.Errorf("key file %s: %w", path, bare(err))
	}
	if len(b) > maxSize {
		return "", fmt.Errorf("key file %s: larger than any key file", path)
	}
	return string(b), nil
}

// bare drops the path that package os puts into its errors.
func bare(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// Exposed reports whether others than the owner may read the file. Windows has
// no such permission bits; there it is always false.
func Exposed(path string) bool {
	if runtime.GOOS == "windows" {
		return false
	}
	info, err := os.Stat(path)
	return err == nil && info.Mode().Perm()&0o077 != 0
}
