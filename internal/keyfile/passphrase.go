package keyfile

import (
	"context"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/crypto/scrypt"

	"github.com/kycmark/kycmark/internal/intake"
)

// ErrPassphrase is wrapped if a key file cannot be opened for want of its passphrase.
var ErrPassphrase = errors.New("passphrase")

// passphraseVariable names the file that holds the passphrase of key files, in its first line. New key files are encrypted under it.
const passphraseVariable = "KYCMARK_PASSPHRASE_FILE"

// Encrypted key files have the format of age (https://age-encryption.org/v1) with one recipient: scrypt, as "age -p" writes it,
// or a key of a KMS, in a stanza of our own: "-> kycmark-transit ENGINE/NAME CIPHERTEXT" with an empty body.
const (
	version       = "age-encryption.org/v1"
	armor         = "AGE ENCRYPTED FILE"
	maxWork       = 20 // log2 of the cost of a file that is opened: 1 GiB. Chosen; age writes 18
	scryptR       = 8
	keyBytes      = 16 // of a file key, a salt, and the nonce of a body
	scryptStanza  = "scrypt"
	transitStanza = "kycmark-transit"
)

// Work is log2 of scrypt's cost of new files: 64 MiB and 0.2 s a key. Chosen: a verb opens up to four. Tests set less.
var Work = 16

// asked asks for the passphrase on the terminal, once for all key files.
var asked = sync.OnceValues(ask)

// passphrase returns the passphrase. The error wraps [ErrPassphrase].
func passphrase() ([]byte, error) {
	file := os.Getenv(passphraseVariable)
	if file == "" {
		return asked()
	}
	text, err := intake.ReadFile(file, maxSize)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %v", ErrPassphrase, passphraseVariable, err) // not [fs.ErrNotExist]: the key is there
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if line = strings.TrimSuffix(line, "\r"); line == "" {
		return nil, fmt.Errorf("%w: %s: the first line of %s is empty", ErrPassphrase, passphraseVariable, file)
	}
	return []byte(line), nil
}

// ask reads a line from the terminal without showing it. A shell does so, which sets the terminal back also if it is interrupted.
func ask() ([]byte, error) {
	missing := fmt.Errorf("%w: the key is encrypted: name a file that holds its passphrase by %s", ErrPassphrase, passphraseVariable)
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, missing
	}
	defer tty.Close()
	fmt.Fprint(tty, "passphrase of the keys: ")
	shell := exec.Command("sh", "-c", `old=$(stty -g) && trap 'stty "$old"' EXIT && trap 'exit 130' INT TERM && stty -echo && IFS= read -r line && printf %s "$line"`)
	shell.Stdin = tty
	line, err := shell.Output()
	fmt.Fprintln(tty)
	if err != nil || len(line) == 0 {
		return nil, missing
	}
	return line, nil
}

func isEncrypted(text string) bool {
	return strings.HasPrefix(strings.TrimSpace(text), "-----BEGIN "+armor+"-----") || strings.HasPrefix(text, version+"\n")
}

// Plain reports whether a key file is there and not encrypted.
func Plain(path string) bool {
	text, err := intake.ReadFile(path, maxSize)
	return err == nil && !isEncrypted(string(text))
}

// A wrapper wraps a new file key. It returns the words of its stanza, and the stanza's body.
type wrapper func(fileKey []byte) (stanza, body string, err error)

// withPassphrase wraps with the passphrase that ask returns, at a cost of 2 to the power of work.
func withPassphrase(ask func() ([]byte, error), work int) wrapper {
	return func(fileKey []byte) (stanza, body string, err error) {
		pass, err := ask()
		if err != nil {
			return "", "", err
		}
		salt := make([]byte, keyBytes)
		_, _ = rand.Read(salt) // never fails
		wrapped := aead(wrapKey(pass, salt, work)).Seal(nil, keyNonce, fileKey, nil)
		return fmt.Sprintf("%s %s %d", scryptStanza, encode(salt), work), encode(wrapped), nil
	}
}

// encrypted encrypts the text of a key file as the environment says, and returns how, such as "under the passphrase": "" if it stays plain.
func encrypted(text string) (out, how string, err error) {
	switch key := os.Getenv(kmsVariable); {
	case key != "":
		out, err = encrypt(text, withKMS(key))
		return out, "under the KMS key " + key, err
	case os.Getenv(passphraseVariable) != "":
		out, err = encrypt(text, withPassphrase(passphrase, Work))
		return out, "under the passphrase", err
	}
	return text, "", nil
}

func encrypt(text string, w wrapper) (string, error) {
	random := make([]byte, 2*keyBytes)
	_, _ = rand.Read(random) // never fails
	fileKey, nonce := random[:keyBytes], random[keyBytes:]
	stanza, wrapped, err := w(fileKey)
	if err != nil {
		return "", err
	}
	head := fmt.Sprintf("%s\n-> %s\n%s\n---", version, stanza, wrapped)
	sum, bodyKey := keysOf(fileKey, nonce, head)
	file := slices.Concat([]byte(head+" "+encode(sum)+"\n"), nonce, aead(bodyKey).Seal(nil, chunkNonce, []byte(text), nil))
	out := pem.EncodeToMemory(&pem.Block{Type: armor, Bytes: file})
	if len(out) > maxSize {
		return "", fmt.Errorf("encrypted it would have %d bytes, limit is %d", len(out), maxSize)
	}
	return string(out), nil
}

var errBroken = errors.New("encrypted in another way than \"age -p\" or kycmark does, or damaged")

// decrypt opens an encrypted key file. The error wraps [ErrPassphrase] or [ErrKMS] if its file key is not unwrapped.
func decrypt(file string) (string, error) {
	if block, _ := pem.Decode([]byte(strings.TrimSpace(file))); block != nil && block.Type == armor {
		file = string(block.Bytes)
	}
	lines := strings.SplitN(file, "\n", 5)
	if len(lines) < 5 || lines[0] != version || !strings.HasPrefix(lines[3], "--- ") || len(lines[4]) < keyBytes {
		return "", errBroken
	}
	fileKey, err := unwrap(strings.Split(lines[1], " "), lines[2])
	if err != nil {
		return "", err
	}
	mac, err := decode(lines[3][len("--- "):])
	sum, bodyKey := keysOf(fileKey, []byte(lines[4][:keyBytes]), strings.Join(lines[:3], "\n")+"\n---")
	if err != nil || !hmac.Equal(mac, sum) {
		return "", errBroken
	}
	text, err := aead(bodyKey).Open(nil, chunkNonce, []byte(lines[4][keyBytes:]), nil)
	if err != nil {
		return "", errBroken
	}
	return string(text), nil
}

// unwrap returns the file key of a stanza, as a [wrapper] or "age -p" wrote it.
func unwrap(stanza []string, body string) ([]byte, error) {
	switch {
	case len(stanza) != 4 || stanza[0] != "->":
		return nil, errBroken
	case stanza[1] == transitStanza && ciphertext.MatchString(stanza[3]):
		k, err := newTransit(stanza[2])
		if err != nil {
			return nil, err
		}
		fileKey, err := k.DecryptWithContext(context.Background(), []byte(stanza[3]), kmsContext)
		if err == nil && len(fileKey) != keyBytes {
			err = fmt.Errorf("%w: %s opens %d bytes, want %d", ErrKMS, k.address.Host, len(fileKey), keyBytes)
		}
		return fileKey, err
	case stanza[1] != scryptStanza:
		return nil, errBroken
	}
	salt, err1 := decode(stanza[2])
	work, err2 := strconv.Atoi(stanza[3])
	wrapped, err3 := decode(body)
	if errors.Join(err1, err2, err3) != nil || len(salt) != keyBytes || work < 1 {
		return nil, errBroken
	}
	if work > maxWork {
		return nil, fmt.Errorf("its passphrase costs 2^%d, limit is 2^%d", work, maxWork)
	}
	pass, err := passphrase()
	if err != nil {
		return nil, err
	}
	fileKey, err := aead(wrapKey(pass, salt, work)).Open(nil, keyNonce, wrapped, nil)
	if err != nil || len(fileKey) != keyBytes {
		return nil, fmt.Errorf("wrong %w", ErrPassphrase)
	}
	return fileKey, nil
}

// encode and decode are age's base64.
var encode, decode = base64.RawStdEncoding.EncodeToString, base64.RawStdEncoding.Strict().DecodeString

func wrapKey(pass, salt []byte, work int) []byte {
	return must(scrypt.Key(pass, append([]byte(version+"/"+scryptStanza), salt...), 1<<work, scryptR, 1, chacha20poly1305.KeySize))
}

// keysOf returns the MAC of a head, and the key of the body.
func keysOf(fileKey, nonce []byte, head string) (mac, body []byte) {
	h := hmac.New(sha256.New, must(hkdf.Key(sha256.New, fileKey, nil, "header", sha256.Size)))
	h.Write([]byte(head))
	return h.Sum(nil), must(hkdf.Key(sha256.New, fileKey, nonce, "payload", chacha20poly1305.KeySize))
}

// Each key encrypts one thing, so that its nonce may be known: zeros, and a 1 at the end if it is the last chunk of a body.
var keyNonce, chunkNonce = make([]byte, chacha20poly1305.NonceSize), append(make([]byte, chacha20poly1305.NonceSize-1), 1)

func aead(key []byte) cipher.AEAD { return must(chacha20poly1305.New(key)) }

// must returns a value of a function that fails for sizes alone, which are constants here.
func must[T any](x T, err error) T {
	if err != nil {
		panic(err)
	}
	return x
}
