package keyfile

import (
	"bytes"
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

// Encrypted key files have the format of age (https://age-encryption.org/v1) with one scrypt recipient, as "age -p" writes it.
const (
	version   = "age-encryption.org/v1"
	armor     = "AGE ENCRYPTED FILE"
	workNew   = 16 // log2 of scrypt's cost of new files: 64 MiB and 0.2 s a key. Chosen: a verb opens up to four
	maxWork   = 20 // log2 of the cost of a file that is opened: 1 GiB. Chosen; age writes 18
	scryptR   = 8
	keyBytes  = 16 // of a file key, a salt, and the nonce of a body
	lastChunk = 1  // the last byte of the nonce of the only chunk of a body
)

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
		return nil, fmt.Errorf("%w: %s: %w", ErrPassphrase, passphraseVariable, err)
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

// isEncrypted reports whether a text is that of an encrypted key file.
func isEncrypted(text string) bool {
	return strings.HasPrefix(strings.TrimSpace(text), "-----BEGIN "+armor+"-----") || strings.HasPrefix(text, version+"\n")
}

// Plain reports whether a key file is there and not encrypted.
func Plain(path string) bool {
	text, err := intake.ReadFile(path, maxSize)
	return err == nil && !isEncrypted(string(text))
}

// encrypt returns a text encrypted under a passphrase, at a cost of 2 to the power of work.
func encrypt(text string, pass []byte, work int) (string, error) {
	random := make([]byte, 3*keyBytes)
	_, _ = rand.Read(random) // never fails
	fileKey, salt, nonce := random[:keyBytes], random[keyBytes:2*keyBytes], random[2*keyBytes:]
	wrapping, err := wrapKey(pass, salt, work)
	if err != nil {
		return "", err
	}
	head := fmt.Sprintf("%s\n-> scrypt %s %d\n%s\n---", version, base64.RawStdEncoding.EncodeToString(salt), work, base64.RawStdEncoding.EncodeToString(seal(wrapping, 0, fileKey)))
	sum, body, err := keysOf(fileKey, nonce, head)
	if err != nil {
		return "", err
	}
	file := slices.Concat([]byte(head+" "+base64.RawStdEncoding.EncodeToString(sum)+"\n"), nonce, seal(body, lastChunk, []byte(text)))
	return string(pem.EncodeToMemory(&pem.Block{Type: armor, Bytes: file})), nil
}

// decrypt opens an encrypted key file. The error wraps [ErrPassphrase] if the passphrase is wrong.
func decrypt(file string, pass []byte) (string, error) {
	if block, _ := pem.Decode([]byte(strings.TrimSpace(file))); block != nil && block.Type == armor {
		file = string(block.Bytes)
	}
	broken := errors.New("not encrypted under a passphrase as \"age -p\" does, or damaged")
	lines := strings.SplitN(file, "\n", 5)
	if len(lines) < 5 || lines[0] != version || !strings.HasPrefix(lines[3], "--- ") {
		return "", broken
	}
	stanza := strings.Split(lines[1], " ")
	if len(stanza) != 4 || stanza[0] != "->" || stanza[1] != "scrypt" || len(lines[4]) < keyBytes {
		return "", broken
	}
	decode := base64.RawStdEncoding.Strict().DecodeString
	salt, err1 := decode(stanza[2])
	work, err2 := strconv.Atoi(stanza[3])
	wrapped, err3 := decode(lines[2])
	mac, err4 := decode(lines[3][len("--- "):])
	if errors.Join(err1, err2, err3, err4) != nil || len(salt) != keyBytes || work < 1 {
		return "", broken
	}
	if work > maxWork {
		return "", fmt.Errorf("its passphrase costs 2^%d, limit is 2^%d", work, maxWork)
	}
	wrapping, err := wrapKey(pass, salt, work)
	if err != nil {
		return "", err
	}
	fileKey, err := open(wrapping, 0, wrapped)
	if err != nil || len(fileKey) != keyBytes {
		return "", fmt.Errorf("wrong %w", ErrPassphrase)
	}
	sum, body, err := keysOf(fileKey, []byte(lines[4][:keyBytes]), strings.Join(lines[:3], "\n")+"\n---")
	if err != nil || !hmac.Equal(mac, sum) {
		return "", broken
	}
	text, err := open(body, lastChunk, []byte(lines[4][keyBytes:]))
	if err != nil {
		return "", broken
	}
	return string(text), nil
}

// wrapKey returns the key under which a file key is wrapped.
func wrapKey(pass, salt []byte, work int) ([]byte, error) {
	return scrypt.Key(pass, append([]byte(version+"/scrypt"), salt...), 1<<work, scryptR, 1, chacha20poly1305.KeySize)
}

// keysOf returns the MAC of a head, and the key of the body.
func keysOf(fileKey, nonce []byte, head string) (mac, body []byte, err error) {
	macKey, err := hkdf.Key(sha256.New, fileKey, nil, "header", sha256.Size)
	if err == nil {
		body, err = hkdf.Key(sha256.New, fileKey, nonce, "payload", chacha20poly1305.KeySize)
	}
	h := hmac.New(sha256.New, macKey)
	h.Write([]byte(head))
	return h.Sum(nil), body, err
}

// seal encrypts with a key that encrypts nothing else. last is the last byte of the nonce, whose others are 0.
func seal(key []byte, last byte, text []byte) []byte {
	a, err := chacha20poly1305.New(key)
	if err != nil {
		panic(err) // the key has its size
	}
	return a.Seal(nil, nonceOf(last), text, nil)
}

// open is the inverse of seal.
func open(key []byte, last byte, sealed []byte) ([]byte, error) {
	a, err := chacha20poly1305.New(key)
	if err != nil {
		return nil, err
	}
	return a.Open(nil, nonceOf(last), sealed, nil)
}

func nonceOf(last byte) []byte {
	return append(bytes.Repeat([]byte{0}, chacha20poly1305.NonceSize-1), last)
}
