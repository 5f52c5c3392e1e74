package recheck

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/recall"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/tuning"
)

// Parameters that conclusions depend on.
const (
	FoundOn       = findings.FoundOn                                // RFC 3339, or notStated
	PerSubject    = "uploads without a subject that one person has" // the most, or notStated
	OriginalsOpen = "originals could be opened"                     // true or false
	ComparedWith  = "compared with"                                 // allUploads, or how many that were named
	AllUploads    = "all uploads that are searched"
)

// Versions that name no state of the code.
const (
	unknownVersion = "unknown"
	develVersion   = "(devel)"
)

// inWords calls check with words true, and, if that fails for findings of another version, with false. If the second
// call succeeds, only words differ and the error wraps [findings.ErrVersion], else [findings.ErrUnsound].
func inWords(f *findings.File, check func(wordsToo bool) error) error {
	err := check(true)
	if err == nil {
		return nil
	}
	other := OtherVersion(&f.Verdict.Record)
	if other == "" {
		return fmt.Errorf("%w: %w", findings.ErrUnsound, err)
	}
	if err = check(false); err != nil {
		return fmt.Errorf("%w: %w (%s)", findings.ErrUnsound, err, other)
	}
	return fmt.Errorf("%w: %s: words not compared, numbers are", findings.ErrVersion, other)
}

// OtherVersion returns, in words, which version wrote record r and which this is; "" if both are the same. A version
// that is not known, or was built from altered sources, never equals another executable.
func OtherVersion(r *findings.Record) string {
	version, build := BuildInfo()
	executable := ExecutableDigest()
	if r.Executable != "" && r.Executable == executable {
		return ""
	}
	known := func(version string, build map[string]string) bool {
		return version != "" && version != unknownVersion && version != develVersion && build["vcs.modified"] != "true"
	}
	if r.Version == version && r.Build["vcs.revision"] == build["vcs.revision"] && known(r.Version, r.Build) && known(version, build) {
		return ""
	}
	return fmt.Sprintf("written by kycmark %s, this is %s", called(r.Version, r.Build["vcs.revision"], r.Executable),
		called(version, build["vcs.revision"], executable))
}

// called returns the name of a version of the program for a sentence. revision and executable are in hex, "" if not known.
func called(version, revision, executable string) string {
	short := func(s string) string { return s[:min(len(s), 12)] }
	switch {
	case version != "" && version != develVersion && version != unknownVersion:
		return fmt.Sprintf("%.100s", version)
	case revision != "":
		return "of revision " + short(revision)
	case executable != "":
		return fmt.Sprintf("%.100s with the SHA-256 %s…", version, short(executable))
	}
	return "of no known version"
}

// wordless deletes from x, decoded JSON, the fields that hold sentences. It changes x.
func wordless(x any) {
	switch x := x.(type) {
	case map[string]any:
		for key, y := range x {
			_, list := y.([]any)
			if slices.Contains(sentenceFields, key) || list && slices.Contains(sentenceLists, key) {
				delete(x, key)
				continue
			}
			wordless(y)
		}
	case []any:
		for _, y := range x {
			wordless(y)
		}
	}
}

// sentenceFields are the fields that hold sentences. The fields of sentenceLists do so if they are lists.
var (
	sentenceFields = []string{"headline", "shows_not", "said", "notes", "note", "words", "reason"}
	sentenceLists  = []string{"strength", "weakens", "helps", "details", "public"}
)

// Method returns the parameters that are the same in every investigation with this program. Names and values are text for a reader;
// [checkMethod] compares them.
func Method() map[string]string {
	recalled := "not known"
	if t, err := recall.Recorded(); err == nil { // the trials that [conclude.RecallOf] uses
		recalled = fmt.Sprintf("record %d: %s; %d uploads, %d attacks, lower 95 %% bounds by kind of leak",
			t.Version, t.Command, t.Uploads, t.Attacks)
	}
	return map[string]string{
		"hash":                   tuning.Searched.Version(),
		"hash radius":            fmt.Sprintf("%d of 256 bits", phash.MatchRadius),
		"least hash quality":     strconv.Itoa(phash.MinQuality),
		"radius of near ones":    fmt.Sprintf("%d of 256 bits, the nearest %d by their pixels", tuning.NearRadius, tuning.MaxNear),
		"compared by pixels":     fmt.Sprintf("the nearest %d", tuning.MaxCompared),
		"traced against":         fmt.Sprintf("%d submissions at most", tuning.MaxTraced),
		"found by a trace":       fmt.Sprintf("p of %g at most, over all copies traced; %g more for further uploads of the same picture", tuning.TraceLevel, tuning.SiblingLevel),
		"least power of absence": fmt.Sprint(tuning.MinPower),
		"recall of the search":   recalled,
	}
}

// BuildInfo returns the version of this module in the running program, and the settings of its build.
func BuildInfo() (version string, settings map[string]string) {
	settings = make(map[string]string)
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return unknownVersion, settings
	}
	version = info.Main.Version
	if info.Main.Path != modulePath {
		for _, d := range info.Deps {
			if d.Path == modulePath {
				version = d.Version
			}
		}
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision", "vcs.time", "vcs.modified", "CGO_ENABLED", "-tags", "GOAMD64", "GOARM64":
			settings[s.Key] = s.Value
		}
	}
	return version, settings
}

// modulePath is how a build names this module.
const modulePath = "github.com/kycmark/kycmark"

// ExecutableDigest is SHA-256 of the program's file, hex; "" where it cannot be read.
var ExecutableDigest = sync.OnceValue(func() string {
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	f, err := intake.OpenRegular(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil))
})
