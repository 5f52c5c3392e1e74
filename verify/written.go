package verify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kycmark/kycmark/internal/dump"
	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/recheck"
	"github.com/kycmark/kycmark/verify/internal/report"
	"github.com/kycmark/kycmark/verify/internal/search"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/internal/weigh"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// WriteFindings writes the verdict and its leaks as JSON, in the one form that [recheck.Read]
// takes. Without a picture that was examined it writes nothing: the error is a *[NothingError]. It
// writes subject references, and the names of recipients that no finding concerns, only
// with reveal. Nothing is written if the findings cannot be made; d is not changed.
func (v *Investigation) WriteFindings(ctx context.Context, w io.Writer, d *findings.Verdict, reveal bool) error {
	f, _, err := v.findings(ctx, d, reveal)
	if err != nil {
		return err
	}
	text, err := recheck.Encode(f)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

// findings returns the findings that d is written as, and the pictures of the leaks by their SHA-256 in hex. Without
// reveal, pictures are mosaics, and recipients that no finding concerns are numbered.
func (v *Investigation) findings(ctx context.Context, d *findings.Verdict, reveal bool) (*findings.File, map[string][]byte, error) {
	if d.Readable() == 0 {
		return nil, nil, &NothingError{d.Findings}
	}
	f := &findings.File{Format: findings.Format, Verdict: d, Leaks: d.Findings, Revealed: reveal, Thumbnails: []string{}, Uploads: []string{}}
	if f.Leaks == nil {
		f.Leaks = []*findings.Finding{}
	}
	shown := make(map[string][]byte)
	show := func(k findings.Look) string {
		picture := k.Of(reveal)
		if len(picture) == 0 {
			return ""
		}
		digest := recheck.HexDigest(picture)
		shown[digest] = picture
		return digest
	}
	for _, l := range f.Leaks {
		f.Thumbnails, f.Uploads = append(f.Thumbnails, show(l.Private.Leak)), append(f.Uploads, show(l.Private.Upload))
	}
	if !reveal {
		return f, shown, recheck.Redact(f)
	}
	f.Subjects = make(map[string]string)
	for _, l := range findings.Views(d.Findings) {
		if !l.Matched() {
			continue
		}
		s, err := v.cfg.Registry.Submission(ctx, l.Submission)
		if err != nil && !errors.Is(err, registry.ErrErased) {
			return nil, nil, fmt.Errorf("findings: %w", err)
		}
		f.Subjects[l.Submission.String()] = s.Subject
	}
	return f, shown, nil
}

// WriteReport writes the verdict as one HTML file that needs nothing else and prints on A4. Unless reveal is set, it
// leaves out subject references and names of recipients that no finding concerns, and shows leaks as coarse mosaics. It
// contains the findings as JSON, in the element with the ID "findings", and follows from them: see [report.Check]. If
// it cannot be made, nothing is written. d is not changed.
func (v *Investigation) WriteReport(ctx context.Context, w io.Writer, d *findings.Verdict, reveal bool) error {
	f, pictures, err := v.findings(ctx, d, reveal)
	if err != nil {
		return err
	}
	text, err := recheck.Encode(f)
	if err != nil {
		return err
	}
	if f, err = recheck.Read(bytes.NewReader(text)); err != nil { // this is what a reader of the report has
		return err
	}
	var buf bytes.Buffer // all or nothing
	if err := report.Render(f, &buf, pictures); err != nil {
		return err
	}
	_, err = w.Write(buf.Bytes())
	return err
}

// ReadFindings reads what [Investigation.WriteFindings] wrote. Any other way of writing the same values is refused, so
// that two readers cannot see different things in a file with a repeated field. Whether the findings follow from each
// other is not checked: see [CheckLeaks] and [CheckVerdict]. The error wraps [findings.ErrUnsound], [registry.ErrLimit]
// above [findings.MaxFile] bytes, or is the reader's.
func ReadFindings(r io.Reader) (*findings.File, error) { return recheck.Read(r) }

// FindingsInReport returns the findings in a report that [Investigation.WriteReport] wrote, as bytes
// for [ReadFindings]. It checks neither the findings nor the rest of the report. The error wraps
// [findings.ErrUnsound] if the report does not have exactly one block of findings.
func FindingsInReport(page []byte) ([]byte, error) { return recheck.InReport(page) }

// CheckLeaks concludes every leak again from the evidence beside it, and compares all that follows. The error wraps
// [findings.ErrUnsound] and names the first leak that differs. It wraps [findings.ErrVersion] if only words of another
// version differ. Neither pictures nor the registry are asked, so that what these said is taken as given.
func CheckLeaks(f *findings.File) error { return recheck.CheckLeaks(f) }

// CheckVerdict weighs the leaks again, with the books that the verdict's case was made from, and compares everything:
// case, odds, counts and words. Its error wraps [findings.ErrUnsound] and names the first value that differs. It wraps
// [findings.ErrVersion] if only words of another version differ.
func CheckVerdict(f *findings.File) error { return recheck.CheckVerdict(f) }

// ConclusionOf returns the conclusion of findings as the ledger has it, without its time; nil: their investigation is not in a ledger.
func ConclusionOf(f *findings.File) (*books.Conclusion, error) { return recheck.ConclusionOf(f) }

// CheckReport renders the report of findings again, with the pictures of the given report, and compares every byte. The
// error wraps [findings.ErrVersion] if only the rendering differs and another version of the program wrote the
// findings, else [findings.ErrUnsound]. Whether the findings hold is not checked: see [CheckLeaks] and [CheckVerdict].
func CheckReport(f *findings.File, page []byte) error { return report.Check(f, page) }

// NotSearched returns the sentences of a verdict on uploads that were not searched, or only in part.
func NotSearched(d *findings.Verdict) []string { return weigh.NotSearched(d) }

// SearchDamaged reports whether uploads were not searched since what they are found by is damaged.
func SearchDamaged(d *findings.Verdict) bool { return weigh.SearchDamaged(d) }

// record returns the record of this investigation, dated now.
func (v *Investigation) record(ctx context.Context) (*findings.Record, error) {
	size, head, err := v.cfg.Registry.Ledger().Head(ctx)
	if err != nil {
		return nil, err
	}
	if err := v.x.Found.Follow(ctx); err != nil {
		return nil, err
	}
	absent, err := AbsentKeys(ctx, v.cfg.Registry, v.cfg.Keys)
	if search.UnlessAltered(err) != nil { // the verdict says what was altered
		return nil, err
	}
	index := indexDigest(v.x.Found.Hashes)
	r := &findings.Record{
		Run:        findings.Run{Clock: "clock of the machine", Time: v.now().UTC().Truncate(time.Microsecond), Actor: v.cfg.Actor, Command: v.cfg.Command, Case: v.cfg.Case, Examiner: v.cfg.Examiner, FoundEvidence: v.cfg.Evidence},
		Program:    findings.Program{Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH},
		Searchable: findings.Searchable{Registry: v.cfg.Registry.ID(), Indexed: v.x.Found.Hashes.Len(), Index: hex.EncodeToString(index[:]), Segments: v.x.Found.Used(), LedgerSize: size, LedgerHead: head},
		Containers: []findings.Container{}, Logged: v.entries(), Keys: v.cfg.keyIDs(), KeysAbsent: absent, SealKey: v.cfg.sealKeyID(), Parameters: v.cfg.parameters(),
	}
	if sum := v.cfg.EvidenceSHA256; sum != [32]byte{} {
		r.FoundSHA256 = sum.String()
	}
	r.Version, r.Build = recheck.BuildInfo()
	r.Executable = recheck.ExecutableDigest()
	v.mu.Lock()
	r.Began, r.Containers = v.begun, append(r.Containers, v.containers...)
	v.mu.Unlock()
	return r, nil
}

// indexDigest returns the SHA-256 of what a list of hashes of the kind searched holds: the version of the kind as text,
// a zero byte, and each entry in the order of the refs: the ref in 8 bytes and the words of the hash, little-endian.
func indexDigest(x *phash.List) (digest [sha256.Size]byte) {
	sum := sha256.New()
	sum.Write(append([]byte(tuning.Searched.Version()), 0))
	for ref, h := range x.All() {
		entry := binary.LittleEndian.AppendUint64(nil, uint64(ref))
		for _, word := range h.Bits {
			entry = binary.LittleEndian.AppendUint64(entry, word)
		}
		sum.Write(entry)
	}
	return [sha256.Size]byte(sum.Sum(digest[:0]))
}

// log enters into the ledger that an investigation of all these files begins; nothing may be examined before. It refuses
// a sealing key that does not open the registry's uploads. One [inputDigest] covers the names and sizes of the files. once is
// the salt of the entry: [Config].Once, or of a state file; zero: a new one. sums has the SHA-256 of each file that could be read.
func (v *Investigation) log(ctx context.Context, once [32]byte, all []dump.File, sums [][32]byte) error {
	if err := v.checkSealKey(ctx); err != nil {
		return err
	}
	now := v.now().UTC().Truncate(time.Microsecond)
	entry, err := v.x.Engine().LogInvestigation(ctx, books.Investigation{
		Salt: once, Actor: v.cfg.Actor, Command: intake.ShellLine(v.cfg.Command...), Input: inputDigest(all), Files: int64(len(all)),
		Found: v.cfg.Found, Evidence: v.cfg.Evidence, EvidenceSHA256: v.cfg.EvidenceSHA256, Published: v.cfg.Published,
	}, v.cfg.Once != [32]byte{}, sums...)
	if err != nil {
		return fmt.Errorf("the investigation could not be logged, so it was not begun: %w", err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.logged = append(v.logged, entry)
	if v.begun.IsZero() {
		v.begun = now
	}
	_, _, known, err := v.x.Engine().Earlier(ctx, v.logged[0], sums, nil, func(*books.Investigation) bool { return false })
	maps.Copy(v.known, known)
	return err
}

// checkSealKey returns an error that wraps [registry.ErrSealed] if the sealing key does not open the registry's
// uploads. It checks only before the first investigation. It also notes which records cannot be read: see
// [examine.Examiner.CheckRecords].
func (v *Investigation) checkSealKey(ctx context.Context) error {
	v.mu.Lock()
	first := v.begun.IsZero()
	v.mu.Unlock()
	if !first {
		return nil
	}
	err := v.x.CheckRecords(ctx)
	if err == nil {
		_, err = AbsentKeys(ctx, v.cfg.Registry, v.cfg.Keys)
		err = search.UnlessAltered(err)
	}
	if err == nil && v.cfg.SealKey != nil {
		err = v.x.Engine().CheckSealKey(ctx, v.cfg.SealKey)
	}
	if err != nil {
		err = fmt.Errorf("the investigation was not begun: %w", err)
	}
	return err
}

// AbsentKeys returns the IDs of a registry's mark keys that are not among keys. The error wraps [registry.ErrMarkKey] for a
// key of another deployment: its marks would be taken for marks that this registry does not list.
func AbsentKeys(ctx context.Context, r *registry.Registry, keys []*watermark.Key) (absent []string, err error) {
	all, err := r.Ledger().MarkKeys(ctx)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	given := each.Of(keys, (*watermark.Key).ID)
	for _, k := range all {
		if i := slices.Index(given, k.KeyID); i >= 0 {
			given = slices.Delete(given, i, i+1)
		} else {
			absent = append(absent, k.KeyID)
		}
	}
	if len(given) > 0 {
		known := each.Of(all, func(k books.MarkKey) string { return k.KeyID })
		err = fmt.Errorf("%w: the registry does not know %s, want %s", registry.ErrMarkKey, given[0], strings.Join(known, " or "))
	}
	return absent, err
}

// entries returns the ledger's entries of all investigations that this investigator has begun, ascending.
func (v *Investigation) entries() []int64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	out := append([]int64{}, v.logged...)
	slices.Sort(out)
	return out
}

// inputDigest returns a SHA-256 over names and announced sizes of the files in their order, each text after its length.
func inputDigest(all []dump.File) books.Digest {
	h := sha256.New()
	for _, s := range all {
		size := strconv.FormatInt(s.Size, 10)
		fmt.Fprintf(h, "%d:%s%d:%s", len(s.Name), s.Name, len(size), size)
	}
	return books.Digest(h.Sum(nil))
}
