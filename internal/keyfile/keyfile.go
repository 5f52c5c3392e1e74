// Package keyfile keeps secrets in files: one secret a file, as text with
// comments, readable by its owner alone, never overwritten.
package keyfile

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"github.com/kycmark/kycmark/internal/durable"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// maxSize is the max size of a key file in bytes. Real key files hold about 200.
const maxSize = 64 << 10

// perm keeps a key file from everybody but its owner.
const perm fs.FileMode = 0o600

// CreateMark writes key to a new file, readable by its owner alone. The error wraps
// [fs.ErrExist] if path exists: a key is never overwritten, because marks that were made with
// that key could not be read any more.
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

// create writes a new key file. An existing file is left as it is.
func create(path, text string) error {
	err := durable.WriteFile(path, []byte(text), perm, false)
	if errors.Is(err, fs.ErrExist) {
		err = fmt.Errorf("%w: a key is never overwritten", fs.ErrExist)
	}
	if err != nil {
		err = fmt.Errorf("key file %s: %w", path, err)
	}
	return err
}

// ReadMark reads a mark key. Each error names the file and says what is wrong with the file
// without repeating its contents. Errors about the contents wrap [watermark.ErrKey].
func ReadMark(path string) (*watermark.Key, error) { return parsed(path, watermark.ParseKey) }

// ReadSeal reads a sealing key as [ReadMark] reads a mark key; errors about the
// contents wrap [registry.ErrSealKey].
func ReadSeal(path string) (*registry.SealKey, error) { return parsed(path, registry.ParseSealKey) }

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
	return parsed(path, parseReport)
}

// ReadReportPublic reads the public half as [ReadReport] reads the private half.
func ReadReportPublic(path string) (ed25519.PublicKey, error) {
	return parsed(path, ParseReportPublic)
}

// parsed reads a key file and parses its text. Errors name the file.
func parsed[K any](path string, parse func(text string) (K, error)) (key K, err error) {
	text, err := read(path)
	if err != nil {
		return key, err
	}
	if key, err = parse(text); err != nil {
		err = fmt.Errorf("key file %s: %w", path, err)
	}
	return key, err
}

// readNoteKey reads a key of a signed note: the only line of the file that is neither blank
// nor a comment. private says which half the line must be.
func readNoteKey(path string, private bool) (string, error) {
	return parsed(path, func(text string) (string, error) {
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
			return "", fmt.Errorf("%w: not one %s key of a ledger or a witness", registry.ErrLedgerKey, kind)
		}
		return keys[0], nil
	})
}

// read returns the text of a key file. A pipe is read too, such as a shell makes of a program
// that prints the key.
func read(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("key file %s: %w", path, intake.WithoutPath(err))
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return "", fmt.Errorf("key file %s: is a folder", path)
	}
	text, err := intake.ReadAll(f, maxSize)
	if err != nil {
		return "", fmt.Errorf("key file %s: %w", path, intake.WithoutPath(err))
	}
	return string(text), nil
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
