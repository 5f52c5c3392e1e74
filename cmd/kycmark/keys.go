package main

import (
	"slices"

	"github.com/kycmark/kycmark/internal/keyfile"
	"github.com/kycmark/kycmark/watermark"
)

// readKeys reads mark key files and warns of those that others can read, too. A key that
// is given twice, by whatever file, comes once: else all that it finds would come twice.
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

func (u *ui) warnExposed(path string) {
	if keyfile.Exposed(path) {
		u.warnf("key file %s can be read by others; chmod 600 it", path)
	}
}
