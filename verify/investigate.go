package verify

import (
	"context"
	"errors"
	"io/fs"
	"iter"
)

// An Investigator examines leaks against a registry. It is safe for concurrent use.
type Investigator struct{}

// NewInvestigator needs a Registry; it reads marks under all Keys and compares
// pixels where there is a SealKey.
func NewInvestigator(cfg Config) (*Investigator, error) { return nil, errors.ErrUnsupported }

// Investigate examines one leak, given as the bytes of its file; path is only
// how the verdict names it. A file that cannot be decoded is the finding
// [FoundDamaged], not an error; errors are failures of the registry and the end
// of ctx.
func (v *Investigator) Investigate(ctx context.Context, path string, leak []byte) (*Verdict, error) {
	return nil, errors.ErrUnsupported
}

// InvestigateFiles examines the files, folders (all files below) and zip archives
// (all files within) that paths name, several at a time, and gives the verdicts
// in lexical order of each path's files. One bad file never stops it: it is
// [FoundDamaged]. An error ends it.
func (v *Investigator) InvestigateFiles(ctx context.Context, paths ...string) iter.Seq2[*Verdict, error] {
	return func(yield func(*Verdict, error) bool) { yield(nil, errors.ErrUnsupported) }
}

// InvestigateFS is [Investigator.InvestigateFiles] over every file of fsys.
func (v *Investigator) InvestigateFS(ctx context.Context, fsys fs.FS) iter.Seq2[*Verdict, error] {
	return func(yield func(*Verdict, error) bool) { yield(nil, errors.ErrUnsupported) }
}

// Weigh draws the leaks of one dump together.
func (v *Investigator) Weigh(ctx context.Context, leaks []*Verdict) (*DumpVerdict, error) {
	return nil, errors.ErrUnsupported
}
