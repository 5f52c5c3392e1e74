package archive

import (
	"bufio"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"os"
	"path/filepath"
)

const uniqueLen = 8 // bytes of the end of a file's name

// A partWriter writes a file and computes its SHA-256.
type partWriter struct {
	*bufio.Writer
	sum hash.Hash
}

func (w *partWriter) Write(b []byte) (int, error) {
	w.sum.Write(b)
	return w.Writer.Write(b)
}

func (w *partWriter) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

// writePart writes and syncs a file of the given part under a new name, and returns that name
// and the file's SHA-256. After an error it leaves no file. The folder is synced with the
// manifest.
func writePart(dir, what string, write func(*partWriter) error) (name string, sum [sha256.Size]byte, err error) {
	var unique [uniqueLen]byte
	rand.Read(unique[:]) // never fails: crypto/rand
	name = what + "-" + hex.EncodeToString(unique[:])
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return "", sum, err
	}
	w := &partWriter{bufio.NewWriterSize(f, 1<<20), sha256.New()}
	err = write(w)
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		os.Remove(filepath.Join(dir, name))
		return "", sum, err
	}
	return name, [sha256.Size]byte(w.sum.Sum(nil)), nil
}
