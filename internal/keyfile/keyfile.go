// Package keyfile keeps secrets in files: one secret a file, as text with comments, readable by its owner alone, never
// overwritten. A file may be encrypted under a passphrase, as "age -p" does, or under a key of a KMS.
package keyfile

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/kycmark/kycmark/internal/durable"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/mark/code"
	"github.com/kycmark/kycmark/internal/tlog"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// ErrUnprotected is wrapped if nothing says how a key file is to be encrypted.
var ErrUnprotected = errors.New("neither " + kmsVariable + " nor " + passphraseVariable + " is set")

// maxSize is the max size of a key file in bytes. Real key files hold about 200.
const maxSize = 64 << 10

// perm keeps a key file from everybody but its owner.
const perm fs.FileMode = 0o600

// CreateMark writes key to a new file, readable by its owner alone. The error wraps [fs.ErrExist] if path exists: a key
// is never overwritten, because marks that were made with that key could not be read any more.
func CreateMark(path string, key *watermark.Key) error {
	return createSecret(path, fmt.Sprintf("# kycmark mark key %s\n%s\n", key.ID(), key.Secret()))
}

// CreateSeal is [CreateMark] for a sealing key.
func CreateSeal(path string, key *registry.SealKey) error {
	return createSecret(path, fmt.Sprintf("# kycmark sealing key %s\n%s\n", key.ID(), key.Secret()))
}

// CreateLedger writes the two texts of a ledger's key (see [registry.Ledger.GenerateKey]) to new
// files, private to path and public to publicPath, as [CreateMark] does. After an error neither
// file is there, unless it was there before; the error then wraps [fs.ErrExist].
func CreateLedger(path, publicPath, private, public string) error {
	return createPair(path, "# kycmark ledger key: signs checkpoints\n"+private+"\n",
		publicPath, "# kycmark ledger, public key: checks checkpoints and proofs\n"+public+"\n")
}

// CreateReport writes the private half of a report key to path, and the public half to publicPath, in the PEM forms
// that openssl reads. It writes new files as [CreateMark] does. After an error neither file is there, unless it was
// there before; the error then wraps [fs.ErrExist].
func CreateReport(path, publicPath string, key ed25519.PrivateKey) error {
	id := ReportID(key.Public().(ed25519.PublicKey))
	return createPair(path, "# kycmark report key "+id+": signs reports\n"+string(encodeReport(key)), publicPath, reportPublic(key))
}

func CreateReportPublic(path string, key ed25519.PrivateKey) error {
	return create(path, reportPublic(key))
}

func reportPublic(key ed25519.PrivateKey) string {
	public := key.Public().(ed25519.PublicKey)
	return "# kycmark report key " + ReportID(public) + ", public key: checks reports\n" + string(EncodeReportPublic(public))
}

// createPair writes the text private to path and the text public to publicPath, both or neither. Signatures of a private
// half beside the public half of another key could not be checked. The error wraps [fs.ErrExist] if a file exists.
func createPair(path, private, publicPath, public string) error {
	if err := createSecret(path, private); err != nil {
		return err
	}
	if err := create(publicPath, public); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// createSecret is create for a secret, which it encrypts as [encrypted] does.
func createSecret(path, text string) error {
	text, _, err := encrypted(text)
	if err != nil {
		return fmt.Errorf("key file %s: %w", path, err)
	}
	return create(path, text)
}

// Protect encrypts a private key's file, whether it is plain or not, as new key files are encrypted. With plain it decrypts the
// file. It returns how the file is kept then, such as "plain" or "under the passphrase". The error wraps [ErrUnprotected] if the environment names nothing.
// The new file takes the place of the old one in one step. A link stays, and its target is replaced.
func Protect(path string, plain bool) (how string, err error) {
	text, err := Read(path)
	if err != nil {
		return "", err
	}
	if info, gone := os.Stat(path); gone != nil || !info.Mode().IsRegular() { // a pipe's key would come onto the disk
		return "", fmt.Errorf("key file %s: %w", path, intake.ErrNotRegular)
	}
	if how = "plain"; !plain {
		if text, how, err = encrypted(text); err == nil && how == "" {
			err = ErrUnprotected
		}
	}
	target, missing := filepath.EvalSymlinks(path)
	if err = errors.Join(err, missing); err == nil {
		_, _ = durable.Clean(filepath.Dir(target), "", time.Now(), true) // a killed Protect may have left a plain key
		err = durable.WriteFile(target, []byte(text), perm, true)
	}
	if err != nil {
		return "", fmt.Errorf("key file %s: %w", path, err)
	}
	return how, nil
}

// create writes text to a new key file that only its owner may read. An existing file is left as
// it is, and the error wraps [fs.ErrExist]. Errors name the file.
func create(path, text string) error {
	_, _ = durable.Clean(filepath.Dir(path), "", time.Now().Add(-durable.Settled), true) // a killed command may have left a key
	err := durable.WriteFile(path, []byte(text), perm, false)
	if errors.Is(err, fs.ErrExist) {
		err = fmt.Errorf("%w: a key is never overwritten", fs.ErrExist)
	}
	if err != nil {
		err = fmt.Errorf("key file %s: %w", path, intake.WithoutPath(err))
	}
	return err
}

// ReadMark reads a mark key. Each error names the file and says what is wrong with the file
// without repeating its contents. Errors about the contents wrap [watermark.ErrKey].
func ReadMark(path string) (*watermark.Key, error) { return parsed(path, watermark.ParseKey) }

// ReadSeal reads a sealing key as [ReadMark] reads a mark key.
func ReadSeal(path string) (*registry.SealKey, error) { return parsed(path, registry.ParseSealKey) }

// ReadLedger reads the private text of a ledger's key. Errors about the contents wrap [registry.ErrLedgerKey].
func ReadLedger(path string) (string, error) { return readNoteKey(path, "private") }

// ReadPublic reads the public key of a ledger or of a witness, as [ReadLedger].
func ReadPublic(path string) (string, error) { return readNoteKey(path, "public") }

// ReadReport reads a key that signs reports; errors about the contents wrap [ErrKey].
func ReadReport(path string) (ed25519.PrivateKey, error) { return parsed(path, parseReport) }

// ReadReportPublic reads the public half as [ReadReport] reads the private half.
func ReadReportPublic(path string) (ed25519.PublicKey, error) { return parsed(path, ParseReportPublic) }

// parsed reads the key file at path, up to maxSize bytes, and parses its text. Errors name the
// file; errors about the contents are errors of parse.
func parsed[K any](path string, parse func(text string) (K, error)) (key K, err error) {
	text, err := Read(path)
	if err != nil {
		return key, err
	}
	if key, err = parse(text); err != nil {
		err = fmt.Errorf("key file %s: %w", path, err)
	}
	return key, err
}

// readNoteKey reads a key of a signed note: the only line of the file that is neither blank nor a comment. half,
// "private" or "public", is which the line must be. Errors about the contents wrap [registry.ErrLedgerKey] and repeat nothing of them.
func readNoteKey(path, half string) (string, error) {
	return parsed(path, func(text string) (string, error) {
		line, err := code.KeyLine(text)
		if err != nil || !tlog.IsKey(line, half == "private") {
			return "", fmt.Errorf("%w: not one %s key of a ledger or a witness", registry.ErrLedgerKey, half)
		}
		return line, nil
	})
}

// Read returns the text of a key file, decrypted, up to maxSize bytes; a larger file is an error. A pipe is also read, such as a
// shell makes of a program that prints the key. A folder is an error. Errors name the file.
func Read(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("key file %s: %w", path, intake.WithoutPath(err))
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return "", fmt.Errorf("key file %s: is a folder", path)
	}
	text, err := intake.ReadAll(f, 0, maxSize)
	if err != nil {
		return "", fmt.Errorf("key file %s: %w", path, intake.WithoutPath(err))
	}
	if !isEncrypted(string(text)) {
		return string(text), nil
	}
	plain, err := decrypt(string(text))
	if err != nil {
		return "", fmt.Errorf("key file %s: %w", path, err)
	}
	return plain, nil
}

// Exposed reports whether others than the owner (group or all) may read, write or execute the file. It is false if the
// file is missing, and always on Windows, which has no such permission bits.
func Exposed(path string) bool {
	if runtime.GOOS == "windows" {
		return false
	}
	info, err := os.Stat(path)
	return err == nil && info.Mode().Perm()&0o077 != 0
}

// ErrKey is wrapped by errors about report keys that are not Ed25519 keys in PEM.
var ErrKey = errors.New("not an Ed25519 key in PEM")

// Types of PEM blocks.
const (
	pemPrivate = "PRIVATE KEY" // PKCS #8, RFC 5958
	pemPublic  = "PUBLIC KEY"  // SubjectPublicKeyInfo, RFC 5280 section 4.1
)

// encodeReport returns the private half in the form of "openssl genpkey -algorithm ed25519". The text is secret.
func encodeReport(key ed25519.PrivateKey) []byte {
	der, _ := x509.MarshalPKCS8PrivateKey(key) // fails for other kinds of keys only
	return pem.EncodeToMemory(&pem.Block{Type: pemPrivate, Bytes: der})
}

// parseReport reads what encodeReport or openssl wrote. The error wraps [ErrKey] and repeats nothing of the text.
func parseReport(text string) (ed25519.PrivateKey, error) {
	return parsePEM[ed25519.PrivateKey](text, pemPrivate, "private", x509.ParsePKCS8PrivateKey)
}

// EncodeReportPublic returns the public half of a report key in the form of "openssl pkey -pubout".
func EncodeReportPublic(key ed25519.PublicKey) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: pemPublic, Bytes: publicDER(key)})
}

// ParseReportPublic reads what [EncodeReportPublic] or openssl wrote. The error wraps [ErrKey].
func ParseReportPublic(text string) (ed25519.PublicKey, error) {
	return parsePEM[ed25519.PublicKey](text, pemPublic, "public", x509.ParsePKIXPublicKey)
}

// parsePEM reads the first PEM block of text, which must have the type blockType. parse reads
// its DER and must find a key of type K. Text after the block is ignored. half is "private" or
// "public", for errors, which wrap [ErrKey] and repeat nothing of the text.
func parsePEM[K any](text string, blockType, half string, parse func(der []byte) (any, error)) (key K, err error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != blockType {
		return key, fmt.Errorf("%w: no %s key in it", ErrKey, half)
	}
	parsed, err := parse(block.Bytes)
	key, ok := parsed.(K)
	if err != nil || !ok {
		return key, fmt.Errorf("%w: another kind of %s key", ErrKey, half)
	}
	return key, nil
}

// ReportID names a report key: SHA-256 of the public half's SubjectPublicKeyInfo in DER, in
// hex. So does "openssl pkey -pubin -in public.pem -outform DER | openssl dgst -sha256".
func ReportID(key ed25519.PublicKey) string {
	sum := sha256.Sum256(publicDER(key))
	return hex.EncodeToString(sum[:])
}

func publicDER(key ed25519.PublicKey) []byte {
	der, _ := x509.MarshalPKIXPublicKey(key) // fails for other kinds of keys only
	return der
}
