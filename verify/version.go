package verify

import (
	"errors"
	"fmt"
	"slices"

	"github.com/kycmark/kycmark/verify/findings"
)

// ErrVersion is wrapped if another version of the program wrote the findings, and this program
// would write other words. Only the version that wrote the findings can say whether they are its own.
var ErrVersion = errors.New("written by another version")

// inWords calls check with words true, and, if that fails for findings of another version, with false. If the second
// call succeeds, only words differ and the error wraps [ErrVersion], else [ErrFindings].
func (f *Findings) inWords(check func(words bool) error) error {
	err := check(true)
	if err == nil {
		return nil
	}
	other := otherVersion(&f.Verdict.Record)
	if other == "" {
		return fmt.Errorf("%w: %w", ErrFindings, err)
	}
	if err = check(false); err != nil {
		return fmt.Errorf("%w: %w (%s)", ErrFindings, err, other)
	}
	return fmt.Errorf("%w: %s: words not compared, numbers are", ErrVersion, other)
}

// otherVersion returns, in words, which version wrote record r and which this is; "" if both are the same. A version
// that is not known, or was built from altered sources, never equals another executable.
func otherVersion(r *findings.Record) string {
	version, build := buildInfo()
	executable := executableDigest()
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

// called returns the name of a version of the program for a sentence. revision and executable are in hex, and "" if
// not known.
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

// wordless deletes from x, decoded JSON, the fields that hold sentences (see words). It changes x.
func wordless(x any) {
	switch x := x.(type) {
	case map[string]any:
		for key, y := range x {
			if slices.Contains(words, key) {
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

// words are the fields that hold some.
var words = []string{"headline", "shows", "shows_not", "said", "notes", "note", "words", "reason"}
