// Package engine is what package verify needs of a registry, and nothing else does: the hashes and features that leaks
// are searched by, the counts that a verdict weighs, and the entry of an investigation.
package engine

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/internal/sealing"
	"github.com/kycmark/kycmark/watermark"
)

// An Engine searches and counts in one registry. It is safe for concurrent use.
type Engine struct {
	store      records.Store
	id         string // of the registry
	sealHashes bool
	now        func() time.Time
}

// New returns the engine of the registry with that ID. sealHashes says that hashes are kept sealed. now is
// the registry's clock, whose times are as rows keep them.
func New(store records.Store, id string, sealHashes bool, now func() time.Time) *Engine {
	return &Engine{store, id, sealHashes, now}
}

// LogInvestigation enters that an investigation begins and returns the number of its entry in the ledger. Started,
// Pictures and Salt are set, and Digests from sums, the SHA-256 of each file that could be read. An entry without such
// files and without a time of the find has no Pictures. Control characters in Command are replaced by U+FFFD, and
// Command is cut off after [intake.MaxNote] bytes. If x has a Salt, and an entry has the same, with the same files, actor,
// command and find, that entry is returned: its investigation was cut short and begins again. It has no conclusion, unless
// concluded. The error wraps [records.ErrInput] if Input is zero, or Actor is unusable.
func (e *Engine) LogInvestigation(ctx context.Context, x books.Investigation, concluded bool, sums ...[32]byte) (entry int64, err error) {
	if err := errors.Join(records.CheckText("actor", x.Actor, intake.MaxName), records.CheckText("evidence of the find", x.Evidence, intake.MaxNote)); err != nil {
		return 0, err
	}
	if x.Input == (books.Digest{}) {
		return 0, fmt.Errorf("%w: an investigation without the digest of its files", records.ErrInput)
	}
	files := each.Of(sums, func(sum [sha256.Size]byte) [16]byte { return records.FileDigest(e.id, sum) })
	slices.SortFunc(files, func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) })
	for _, f := range slices.Compact(files) {
		x.Digests = append(x.Digests, f[:]...)
	}
	x.Command = oneLine(x.Command)
	if x.Found = records.Timestamp(x.Found); len(sums) > 0 || !x.Found.IsZero() {
		x.Pictures = sha256.Sum256(x.Digests)
	}
	if x.Salt == (books.Salt{}) {
		x.Salt = records.NewSalt()
	} else if old, err := e.begun(ctx, x, concluded); err != nil || old > 0 {
		return old, err
	}
	before, _, _, err := e.Earlier(ctx, 0, sums, nil, func(*books.Investigation) bool { return false })
	if err != nil {
		return 0, err
	}
	for _, b := range before {
		x.Earlier = append(x.Earlier, b.Began.Entry)
	}
	x.Started = e.now()
	return e.store.AddInvestigation(ctx, x)
}

// begun returns the entry that an investigation takes over; 0: none.
func (e *Engine) begun(ctx context.Context, x books.Investigation, concluded bool) (int64, error) {
	all, err1 := e.store.Investigations(ctx)
	ended, err2 := e.store.Conclusions(ctx)
	if err := cmp.Or(err1, err2); err != nil {
		return 0, err
	}
	for _, old := range all {
		same := old.Salt == x.Salt && old.Pictures == x.Pictures && old.Files == x.Files && old.Actor == x.Actor && old.Command == x.Command
		same = same && old.Found.Equal(x.Found) && old.Evidence == x.Evidence && old.EvidenceSHA256 == x.EvidenceSHA256 && old.Published == x.Published
		if same && (concluded || !slices.ContainsFunc(ended, func(c books.Conclusion) bool { return c.Investigation == old.Entry })) {
			return old.Entry, nil
		}
	}
	return 0, nil
}

// Examined reports whether an investigation began with the file of this SHA-256.
func (e *Engine) Examined(x books.Investigation, sum [32]byte) bool {
	return records.Has(&x, records.FileDigest(e.id, sum))
}

func Kept(e *Engine) records.Kept { return e.store.Kept() }

// CopyOfFile is that of [records.Store].
func CopyOfFile(ctx context.Context, e *Engine, sum [32]byte) (*books.Copy, error) {
	return e.store.CopyOfFile(ctx, sum)
}

// LogConclusion enters what came of an investigation. It sets Entered and Salt. If the same was entered before, nothing changes.
func (e *Engine) LogConclusion(ctx context.Context, x books.Conclusion) error {
	all, err := e.store.Conclusions(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(c books.Conclusion) bool { return c.Says(&x) }) {
		return nil
	}
	x.Entered, x.Salt = e.now(), records.NewSalt()
	return e.store.AddConclusion(ctx, x)
}

// CheckRecords reads the records by which every leak is weighed: recipients, mark keys, custody,
// investigations, conclusions and erasures. problems says which of them were altered or cannot be read.
func (e *Engine) CheckRecords(ctx context.Context) (problems []string, err error) {
	read := func(_ any, problem error) {
		switch {
		case errors.Is(problem, records.ErrTampered):
			problems = append(problems, problem.Error())
		case err == nil:
			err = problem
		}
	}
	read(e.store.Recipients(ctx))
	read(e.store.MarkKeys(ctx))
	read(e.store.KeyStates(ctx))
	read(e.store.Custody(ctx))
	read(e.store.Investigations(ctx))
	read(e.store.Conclusions(ctx))
	read(e.store.ErasedAfter(ctx, 0))
	return problems, err
}

// An Earlier is an investigation of files that are examined again, or of published files, with its last conclusion.
type Earlier struct {
	Began   books.Investigation
	Ended   books.Conclusion // zero: nothing was concluded
	Shared  int              // of the files that are examined now
	Exposes bool             // published files had copies that are confirmed in other files now
}

// Earlier lists investigations with an entry below before (0: all), in the order of entry. Some examined any of the files
// with these SHA-256. Others examined published files with the same copies: exposes says which publications count. Those do not
// concern files that were examined before them. confirmed are, by file, the copies that it contains. public says since when such a copy was public, in other files.
// known says when a file was first examined, or was stated to be found, if that is earlier.
func (e *Engine) Earlier(ctx context.Context, before int64, sums [][32]byte, confirmed map[[32]byte][]watermark.CopyID, exposes func(*books.Investigation) bool) (shared []Earlier, public map[[32]byte]map[watermark.CopyID]time.Time, known map[[32]byte]time.Time, err error) {
	all, err1 := e.store.Investigations(ctx)
	concluded, err2 := e.store.Conclusions(ctx)
	if err := cmp.Or(err1, err2); err != nil {
		return nil, nil, nil, err
	}
	public, known = make(map[[32]byte]map[watermark.CopyID]time.Time), make(map[[32]byte]time.Time)
	seen := make(map[[32]byte]time.Time) // when a file was first examined
	for _, i := range all {
		if before > 0 && i.Entry >= before {
			continue
		}
		x := Earlier{Began: i}
		for _, sum := range sums {
			if records.Has(&i, records.FileDigest(e.id, sum)) {
				x.Shared++
				known[sum] = books.Earliest(known[sum], books.Earliest(i.Found, i.Started))
				seen[sum] = books.Earliest(seen[sum], i.Started)
			}
		}
		for _, c := range concluded {
			if c.Investigation == i.Entry {
				x.Ended = c
				x.Exposes = i.Published && exposes(&i) && e.expose(public, &x, confirmed, seen)
			}
		}
		if x.Shared > 0 || x.Exposes {
			shared = append(shared, x)
		}
	}
	return shared, public, known, nil
}

// expose adds to public the copies of a published investigation that are confirmed in other files, and reports
// whether there are any. The earliest time stays. seen says when files were first examined.
func (e *Engine) expose(public map[[32]byte]map[watermark.CopyID]time.Time, x *Earlier, confirmed map[[32]byte][]watermark.CopyID, seen map[[32]byte]time.Time) (some bool) {
	for file, copies := range confirmed {
		if first := seen[file]; !first.IsZero() && first.Before(x.Began.Found) || records.Has(&x.Began, records.FileDigest(e.id, file)) {
			continue
		}
		for _, id := range copies {
			if _, found := slices.BinarySearch(x.Ended.Copies, id); !found {
				continue
			}
			if public[file] == nil {
				public[file] = make(map[watermark.CopyID]time.Time)
			}
			if was, known := public[file][id]; !known || x.Began.Found.Before(was) {
				public[file][id] = x.Began.Found
			}
			some = true
		}
	}
	return some
}

// oneLine returns s with control characters and invalid UTF-8 replaced by U+FFFD, cut off after [intake.MaxNote] bytes.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if intake.Breaks(r) {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
	for len(s) > intake.MaxNote {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return s
}

// Changed reports whether a finding of the time when the ledger had begun entries may not hold now: the ledger has fewer
// entries, or others than of investigations, conclusions and receipts. In the same run only changes of keys and erasures
// count: a run sees no other entry that is made while it lasts.
func (e *Engine) Changed(ctx context.Context, begun int64, same bool) (bool, error) {
	size, _, err := e.store.Head(ctx)
	if err != nil || size < begun {
		return true, err
	}
	for begun < size {
		batch, err := e.store.Entries(ctx, begun, 1000)
		if err != nil || len(batch) == 0 {
			return true, err
		}
		for _, b := range batch {
			e, err := records.ParseEntry(b)
			if err != nil {
				return true, fmt.Errorf("%w: %w", records.ErrTampered, err)
			}
			idle := e.Kind == records.EntryInvestigation || e.Kind == records.EntryConclusion || e.Kind == records.EntryReceipt
			if now := e.Kind == records.EntryKeyState || e.Kind == records.EntryErasure; now || !same && !idle {
				return true, nil
			}
		}
		begun += int64(len(batch))
	}
	return false, nil
}

// RenditionOf returns SHA-256 of the pixels of an upright picture: a line "kycmark rendition v1", a line with width and
// height, then R, G, B and A of each pixel, not premultiplied, row by row. Each line ends with a line feed.
func RenditionOf(img *image.NRGBA) (sum [32]byte) {
	h := sha256.New()
	width, height := img.Rect.Dx(), img.Rect.Dy()
	fmt.Fprintf(h, "kycmark rendition v1\n%d %d\n", width, height)
	for y := range height {
		h.Write(img.Pix[y*img.Stride:][:4*width])
	}
	h.Sum(sum[:0])
	return sum
}

// SameRendition checks that the upright picture img, which decoder decoded from a kept original, has
// the pixels of row, its submission or page. A doctored original can then neither be marked nor support
// an accusation. The error wraps [records.ErrSealed] if the same decoder gives other pixels. If row has no
// rendition, or names another decoder or version of it, nothing is compared.
func SameRendition(row *books.Submission, decoder string, img *image.NRGBA) error {
	if row.Rendition != (books.Digest{}) && row.Decoder == decoder && row.Rendition != RenditionOf(img) {
		return fmt.Errorf("submission %s: %w: %s gives other pixels than were entered", row.ID, records.ErrSealed, decoder)
	}
	return nil
}

// Original decrypts the kept file of a submission and checks that its digest is that of the file received. It does not
// decode the file. The error wraps [records.ErrSealed] if the file cannot be opened, differs, or was never kept. It
// wraps [records.ErrNotFound] if there is no such submission, and [records.ErrInput] if key is nil or zero.
func (e *Engine) Original(ctx context.Context, key *sealing.Key, of watermark.Submission) ([]byte, error) {
	if sealing.Zero(key) {
		return nil, fmt.Errorf("%w: no sealing key", records.ErrInput)
	}
	row, err := e.store.Submission(ctx, of)
	if err != nil {
		return nil, fmt.Errorf("submission %s: %w", of, err)
	}
	if !row.Erased && !row.Kept {
		return nil, fmt.Errorf("submission %s: %w: only its hash was entered", of, records.ErrSealed)
	}
	sealed, err := e.store.Sealed(ctx, of, true)
	if errors.Is(err, records.ErrNotFound) && !row.Erased {
		if row, again := e.store.Submission(ctx, of); again == nil && !row.Erased { // not erased meanwhile
			err = fmt.Errorf("%w: it was removed, or its record was altered", records.ErrSealed)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("submission %s: %w", of, err)
	}
	file, err := sealing.Open(key, of, sealed, sealing.Original)
	if err != nil {
		return nil, fmt.Errorf("submission %s: %w", of, err)
	}
	if sum := sha256.Sum256(file); watermark.SubmissionOf(sum) != of || sum != row.SHA256 {
		return nil, fmt.Errorf("submission %s: %w: its digest is another", of, records.ErrSealed)
	}
	return file, nil
}

// Page returns the row of a submission or, by [watermark.Submission.Page], of one of its pages. An erased row comes with
// [records.ErrErased].
func (e *Engine) Page(ctx context.Context, id watermark.Submission) (*books.Submission, error) {
	row, err := e.store.Submission(ctx, id)
	if err == nil && row.Erased {
		err = records.ErrErased
	}
	if err != nil {
		err = fmt.Errorf("submission %s: %w", id, err)
	}
	return row, err
}

// DecodePage decodes the page of row from file, the original of its submission, and compares the pixels
// with what was entered: see [SameRendition]. The error wraps [records.ErrSealed] if the pixels or the
// number of pages differ, else it is of package picture.
func DecodePage(row *books.Submission, file []byte, lim picture.Limits) (d *picture.Document, pic *picture.Picture, err error) {
	lim.Page = max(row.Page, 1)
	if d, err = OpenOriginal(row, file, lim); err != nil {
		return nil, nil, err
	}
	pic, err = PageOf(row, d, lim)
	return d, pic, err
}

// OpenOriginal opens the original of the submission of row, as [picture.OpenDocument] does.
func OpenOriginal(row *books.Submission, file []byte, lim picture.Limits) (*picture.Document, error) {
	lim.MaxPixels = math.MaxInt64 // pixels were checked when it was entered
	if row.Pages == 0 && !picture.IsPDF(file) {
		return picture.OnePage(file), nil // what else is in the file was not entered
	}
	return picture.OpenDocument(file, lim)
}

// PageOf decodes the page of row from d, the original of its submission: see [DecodePage].
func PageOf(row *books.Submission, d *picture.Document, lim picture.Limits) (*picture.Picture, error) {
	if d.Pages() != max(row.Pages, 1) {
		return nil, fmt.Errorf("submission %s: %w: it has %d pages, and %d were entered", row.Whole(), records.ErrSealed, d.Pages(), max(row.Pages, 1))
	}
	pic, err := d.Picture(max(row.Page, 1), lim)
	if err != nil {
		return nil, err
	}
	return pic, SameRendition(row, pic.Decoder, pic.Image)
}
