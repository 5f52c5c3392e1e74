// Package leaktest is for the unit tests of pipelines that hand out pictures: fixed test keys, a registry in memory,
// simulated leaks, and assertions that what leaves the pipeline is marked and would survive a messenger. A test asks
// the question of an investigation itself:
//
//	func TestLeaksNameTheVendor(t *testing.T) {
//		cfg := leaktest.Config(t)
//		out := pipeline.Publish(cfg, upload, "vendor-a")
//		leaktest.RequireLeakOf(t, cfg, leaktest.Leak(t, out, "telegram"), "vendor-a")
//		leaktest.RequireFinding(t, cfg, upload, findings.FoundUnmarked)
//	}
//
// Such a question takes about one second of processor time for a picture of 600 pixels, and two
// seconds for a picture of 1,600. [RequireMarked] takes a fifth of that, and asks less.
//
// The keys are known to everybody: never mark real pictures with them.
package leaktest

import (
	"bytes"
	"context"

	"github.com/kycmark/kycmark/internal/attack/edits"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
	"github.com/kycmark/kycmark/watermark"
)

// T is what the functions need of *testing.T.
type T interface {
	Helper()
	Errorf(format string, args ...any)
	FailNow()
	Cleanup(func())
}

const (
	markKey = "KYCMARK-SECRET-KEY-1-KB3BWN5W7RFAEYQDIJXDI6PYGGU5TAXTWWESWJYAYPTEJ7JFXYKF5LNNUY"
	sealKey = "KYCMARK-SEAL-KEY-1-ILMCQYR2CUPELH6MPE3KQQLLMTNEQMAR7H6HENL2QBDUMNJHH5NXTPM5BE"
)

// Key returns the mark key of all tests: always the same, known to everybody.
func Key() *watermark.Key {
	k, err := watermark.ParseKey(markKey)
	if err != nil {
		panic("leaktest: " + err.Error()) // a constant of this package is wrong
	}
	return k
}

// SealKey returns the sealing key of all tests: always the same, known to everybody.
func SealKey() *registry.SealKey {
	k, err := registry.ParseSealKey(sealKey)
	if err != nil {
		panic("leaktest: " + err.Error()) // a constant of this package is wrong
	}
	return k
}

// NewRegistry returns an empty registry in memory that is closed after the test. If it cannot be
// made, the test fails at once.
func NewRegistry(t T) *registry.Registry {
	t.Helper()
	r, err := registry.Create(context.Background(), sqlite.At(":memory:"), nil)
	if err != nil {
		fail(t, "leaktest: %v", err)
		return nil
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("leaktest: close the registry: %v", err)
		}
	})
	return r
}

// Config returns a configuration with a new registry in memory, which knows the mark key, and the test keys,
// ready for [registry.NewIssuer].
func Config(t T) registry.Config {
	t.Helper()
	r := NewRegistry(t)
	if _, err := r.Ledger().AddMarkKey(context.Background(), Key()); err != nil {
		fail(t, "leaktest: %v", err)
	}
	return registry.Config{Registry: r, Key: Key(), SealKey: SealKey()}
}

// Leak returns the picture of a file as a PNG file that shows it after one of twelve attacks: "jpeg50", "telegram",
// "telegram_low", "thumb320", "crop50", "rot5", "mirror", "contrast", "redact30", "stamp", "screenshot" or
// "screen_photo". "kycmark-bench robustness" measures these and 51 more. The same picture and attack give the same leak.
// The test fails at once if the file is no picture, or if name is unknown; the failure lists the names.
func Leak(t T, file []byte, name string) []byte {
	t.Helper()
	a, err := edits.Find(name)
	if err != nil {
		var known []string
		for _, a := range edits.All() {
			known = append(known, a.Name)
		}
		fail(t, "leaktest: %v; there are %v", err, known)
		return nil
	}
	pic, err := picture.Decode(file, limits(file))
	var out bytes.Buffer
	if err == nil {
		err = picture.Encode(&out, a.Apply(picture.Flatten(pic.Image), 1), "png", 0)
	}
	if err != nil {
		fail(t, "leaktest: %v", err)
	}
	return out.Bytes()
}

// RequireMarked fails the test at once unless a mark of key, of any copy, can be read in every
// picture. It fails also without pictures.
func RequireMarked(t T, key *watermark.Key, files ...[]byte) {
	t.Helper()
	each(t, key, files, func(i int, d *watermark.Detection) {
		if !d.Found {
			fail(t, "picture %d carries no readable mark of key %s", i, key.ID())
		}
	})
}

// RequireCopy fails the test at once unless every picture is read, with key, as copy id. So it does without pictures.
func RequireCopy(t T, key *watermark.Key, id watermark.CopyID, files ...[]byte) {
	t.Helper()
	each(t, key, files, func(i int, d *watermark.Detection) {
		switch {
		case !d.Found:
			fail(t, "picture %d carries no readable mark of key %s, want copy %s", i, key.ID(), id)
		case d.Copy != id:
			fail(t, "picture %d is read as copy %s, want %s", i, d.Copy, id)
		}
	})
}

// RequireNotOurs fails the test at once if a mark of key is read in any picture. It fails also without pictures.
func RequireNotOurs(t T, key *watermark.Key, files ...[]byte) {
	t.Helper()
	each(t, key, files, func(i int, d *watermark.Detection) {
		if d.Found {
			fail(t, "picture %d is read as copy %s of key %s (log10 p = %.1f), want no mark", i, d.Copy, key.ID(), d.LogPFA)
		}
	})
}

// RequireLeakOf fails the test at once unless an investigation finds that leak is a copy issued to
// the recipient of that name, which is not "". leak is the bytes of a file. cfg is what the pipeline under test issued with.
func RequireLeakOf(t T, cfg registry.Config, leak []byte, recipient string) {
	t.Helper()
	if v := investigate(t, cfg, leak); v != nil && (recipient == "" || v.MayName() != recipient) {
		fail(t, "the leak is %s, of %q, want a copy of %q: %s", v.Label(), v.MayName(), recipient, v.Note)
	}
}

// RequireFinding fails the test at once unless an investigation of leak ends in that finding, such
// as [findings.FoundUnmarked], [findings.FoundLookalike] or [findings.FoundUnknown]. leak and cfg are as
// in [RequireLeakOf].
func RequireFinding(t T, cfg registry.Config, leak []byte, want findings.Kind) {
	t.Helper()
	if v := investigate(t, cfg, leak); v != nil && v.Kind != want {
		fail(t, "the leak is %s, want %s: %s", v.Label(), want, v.Note)
	}
}

// investigate returns the finding on a leak, the bytes of a file. If the investigation fails, the test fails at once,
// and the result is nil.
func investigate(t T, cfg registry.Config, leak []byte) *findings.Finding {
	t.Helper()
	inv, err := verify.NewInvestigator(verify.Config{Registry: cfg.Registry, Keys: []*watermark.Key{cfg.Key}, SealKey: cfg.SealKey, MaxBytes: limits(leak).MaxBytes})
	var run *verify.Investigation
	if err == nil {
		run, err = inv.Begin(&verify.Options{Actor: "leaktest", References: -1})
	}
	var v *findings.Finding
	if err == nil {
		v, err = run.File(context.Background(), "leak", leak)
	}
	if err != nil {
		fail(t, "leaktest: %v", err)
		return nil
	}
	return v
}

// limits returns limits for a file of any size, and for its original, which may be larger.
func limits(file []byte) picture.Limits {
	return picture.Limits{MaxBytes: max(int64(len(file)), picture.DefaultMaxBytes)}
}

// each searches every picture for a mark of key and calls check with the picture's place, from 0,
// and what was read. The test fails at once if there are no pictures, or a search returns an error.
// A picture without a mark is no error: check decides.
func each(t T, key *watermark.Key, files [][]byte, check func(int, *watermark.Detection)) {
	t.Helper()
	if len(files) == 0 {
		fail(t, "leaktest: no picture was given")
		return
	}
	for i, file := range files {
		pic, err := picture.Decode(file, limits(file))
		var d *watermark.Detection
		if err == nil {
			d, err = watermark.Detect(context.Background(), key, picture.Flatten(pic.Image))
		}
		if err != nil {
			fail(t, "picture %d: %v", i, err)
			return
		}
		check(i, d)
	}
}

// fail reports an error, formatted as by fmt.Sprintf, and ends the test. With a T that does not end
// the goroutine it returns.
func fail(t T, format string, args ...any) {
	t.Helper()
	t.Errorf(format, args...)
	t.FailNow()
}
