// Package leaktest is for the unit tests of pipelines that hand out pictures:
// fixed test keys, a registry in memory, simulated leaks, and assertions that what
// leaves the pipeline is marked and would survive a messenger.
package leaktest

import (
	"image"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/watermark"
)

// T is what the functions need of *testing.T.
type T interface {
	Helper()
	Errorf(format string, args ...any)
	FailNow()
	Cleanup(func())
}

// Key returns the mark key of all tests: always the same, known to everybody.
func Key() *watermark.Key { return nil }

// SealKey returns the sealing key of all tests: always the same, known to everybody.
func SealKey() *verify.SealKey { return nil }

// NewRegistry returns an empty registry in memory that is closed after the test.
func NewRegistry(t T) *verify.Registry { return nil }

// Config returns a configuration with a new registry and the test keys.
func Config(t T) verify.Config { return verify.Config{} }

// Leak returns img as it looks after an attack of `kycmark bench`, such as
// "telegram", "screenshot" or "crop50"; the test fails for a name that is unknown.
func Leak(t T, img image.Image, attack string) *image.NRGBA { return nil }

// RequireMarked fails the test unless a mark of key can be read in every picture.
func RequireMarked(t T, key *watermark.Key, pictures ...image.Image) { t.Helper() }

// RequireCopy fails the test unless every picture is read as copy id.
func RequireCopy(t T, key *watermark.Key, id watermark.CopyID, pictures ...image.Image) { t.Helper() }

// RequireNotOurs fails the test if a mark of key is read in any picture.
func RequireNotOurs(t T, key *watermark.Key, pictures ...image.Image) { t.Helper() }
