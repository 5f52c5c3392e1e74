// Package sqlite keeps a registry in one SQLite file:
//
//	r, err := registry.Open(ctx, sqlite.At("kyc.db"))
//
// One process writes while others read. A commit is on the disk before it returns, and a
// process that dies at any moment leaves the state after some commit.
package sqlite

import (
	"github.com/kycmark/kycmark/internal/store/sqlite"
	"github.com/kycmark/kycmark/verify/registry"
)

// At names the registry in the file at path. The path ":memory:" is a registry in memory,
// which can only be created and is gone when it is closed. Paths with "?", "#" or NUL are
// refused when the registry is opened: the error wraps [registry.ErrRefused].
//
// Originals may be kept in a folder: see [registry.CreateOptions]. places open other addresses, as package s3 does.
func At(path string, places ...registry.OpenPlace) registry.Driver { return sqlite.At(path, places...) }
