package registry

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"slices"
	"strconv"
	"time"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/watermark"
)

// Copy returns the copy that an earlier [Issuer.Issue] entered for the same submission, recipient and options; opts may
// be nil. A void copy does not count. The error wraps [ErrNotFound] if no copy was entered.
func (s *Issuer) Copy(ctx context.Context, of watermark.Submission, to string, opts *IssueOptions) (*books.Copy, error) {
	o, err := s.issuing(opts)
	if err != nil {
		return nil, err
	}
	r, err := s.cfg.Registry.Recipient(ctx, to)
	if err != nil {
		return nil, err
	}
	id, c, err := s.requested(ctx, of, r, &o, false)
	if err == nil && c == nil {
		err = fmt.Errorf("copy %s: %w", id, ErrNotFound)
	}
	return c, err
}

// requested returns the ID of the copy that answers a request, and the copy if it was entered, under any key, else nil. With
// active, copies of inactive further keys do not count. The same request always has the same ID. If its copy is void, the next ID is returned.
func (s *Issuer) requested(ctx context.Context, of watermark.Submission, to *books.Recipient, o *IssueOptions, active bool) (free watermark.CopyID, c *books.Copy, err error) {
	recipient, reviewer := to.Party()
	for i, key := range s.keys() {
		if i > 0 && active && errors.Is(mayIssue(ctx, s.cfg.Registry.Ledger(), key.ID()), records.ErrMarkKey) {
			continue
		}
		for n := 0; ; n++ {
			id := s.idOf(key, n, of, to, o)
			c, err := s.cfg.Registry.Copy(ctx, id)
			if errors.Is(err, ErrNotFound) {
				free = cmp.Or(free, id)
				break
			}
			if err != nil || c.State != books.CopyVoid && c.Submission == of && c.Recipient == recipient && c.Reviewer == reviewer && c.Purpose == o.Purpose {
				return id, c, err
			}
		}
	}
	return free, nil, nil
}

// under returns s with the mark key of the entered copy c, if c is not nil and s has that key.
func (s *Issuer) under(c *books.Copy) *Issuer {
	for _, key := range s.keys()[1:] {
		if c != nil && key.ID() == c.KeyID {
			again := *s
			again.cfg.Key = key
			return &again
		}
	}
	return s
}

// idOf returns the n-th ID of a request under a mark key, without which it is as good as random. The salt of the recipient's entry is in it:
// after a restore from a backup, another recipient may be entered under a name that the backup lacks.
func (s *Issuer) idOf(key *watermark.Key, n int, of watermark.Submission, to *books.Recipient, o *IssueOptions) watermark.CopyID {
	about := []byte("kycmark copy of a request v1\n")
	for _, field := range []string{s.cfg.Registry.ID(), of.String(), string(to.Salt[:]), o.Purpose, o.Request, o.Format, strconv.Itoa(o.MaxSide),
		strconv.FormatInt(o.MaxBytes, 10), strconv.FormatBool(o.KeepEXIF), strconv.Itoa(n)} {
		about = append(append(strconv.AppendInt(about, int64(len(field)), 10), ':'), field...)
	}
	id, err := hkdf.Key(sha256.New, []byte(key.Secret()), nil, string(about), 8)
	if err != nil {
		panic("registry: hkdf: " + err.Error()) // only for more than 8160 bytes
	}
	return watermark.CopyID(binary.BigEndian.Uint64(id))
}

// AddRelease enters what became of the copy x.Copy: that it was released, or that it is void, which needs a Note.
// Submission, Entered and Salt are set. If the copy is in that state, nothing changes, and added is false. The error
// wraps [ErrNotFound] if the copy is not there. It wraps [ErrConflict] if the copy was released and x makes it void.
func (l *Ledger) AddRelease(ctx context.Context, x books.Release) (added bool, err error) {
	if err := checkNote(x.Actor, x.Note); err != nil {
		return false, err
	}
	if x.State != books.CopyReleased && (x.State != books.CopyVoid || x.Note == "") {
		return false, fmt.Errorf("%w: the state is %.40q, want %q, or %q with a note", ErrInput, x.State, books.CopyReleased, books.CopyVoid)
	}
	c, err := l.r.Copy(ctx, x.Copy)
	if err != nil {
		return false, err
	}
	return l.release(ctx, c, x, false)
}

// release enters x for the copy c, and sets c.State. only: as in [records.Store].
func (l *Ledger) release(ctx context.Context, c *books.Copy, x books.Release, only bool) (added bool, err error) {
	x.Copy, x.Submission, x.Entered, x.Salt = c.ID, c.Submission, l.r.clock(), records.NewSalt()
	if added, err = l.r.store.AddRelease(ctx, x, only); err == nil && (added || x.State != books.CopyReserved) {
		c.State = x.State
	}
	return added, err
}

// noEntry wraps [ErrUnavailable] around the error of an entry that is not about its row.
func noEntry(err error) error {
	if err == nil || errors.Is(err, ErrRefused) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// secondEntryTime is how long the entry of a release may take after the caller gave up. Chosen.
const secondEntryTime = 30 * time.Second

// handOut has hand release the bytes of c, an entered copy, and enters the outcome. fresh: no earlier call entered c.
func (p *prepared) handOut(ctx context.Context, c *books.Copy, file []byte, fresh bool, hand Hand, actor string) error {
	ledger := p.cfg.Registry.Ledger()
	if c.State == books.CopyVoid {
		return fmt.Errorf("copy %s: %w: it is void", c.ID, ErrConflict)
	}
	if !fresh { // the attempt that entered it may still fail, and would make it void
		if _, err := ledger.release(ctx, c, books.Release{State: books.CopyReserved, Actor: actor}, false); err != nil {
			return fmt.Errorf("copy %s: %w", c.ID, err)
		}
	}
	err := hand(c, file)
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), secondEntryTime)
	defer cancel()
	switch {
	case err == nil:
		if _, err := ledger.release(late, c, books.Release{State: books.CopyReleased, Actor: actor}, false); err != nil {
			return fmt.Errorf("release of copy %s, which was handed out: %w", c.ID, noEntry(err))
		}
		return nil
	case !fresh || !errors.Is(err, ErrNothingLeft):
		return fmt.Errorf("copy %s is logged, and may have been handed out: %w", c.ID, err)
	default:
		if _, void := ledger.release(late, c, books.Release{State: books.CopyVoid, Actor: actor, Note: "the attempt that entered it failed before a byte left"}, true); errors.Is(void, ErrConflict) {
			return fmt.Errorf("copy %s is logged, and another attempt may have handed it out: %w", c.ID, err)
		} else if void != nil {
			return fmt.Errorf("copy %s is logged and was not handed out: %w; it could not be made void: %w", c.ID, err, void)
		}
		return fmt.Errorf("copy %s was not handed out, and is void: %w", c.ID, err)
	}
}

// AddReceipt checks a recipient's signature over a copy and enters it; Entered is set. If a receipt with the same key
// and signature is there, nothing changes, and added is false. The error wraps [ErrNotFound] if the copy x.Copy is not
// there, and [ErrProof] if the signature is not of [books.Copy.ReceiptMessage] by x.PublicKey. AddReceipt does not check
// whose key this is: the key should have come with the recipient's contract. A reserved copy is then released.
func (l *Ledger) AddReceipt(ctx context.Context, x books.Receipt) (added bool, err error) {
	if err := records.CheckText("actor", x.Actor, intake.MaxName); err != nil {
		return false, err
	}
	c, err := l.r.Copy(ctx, x.Copy)
	if err != nil {
		return false, err
	}
	if !signs(&x, c) {
		return false, fmt.Errorf("%w: it is no signature of copy %s by this key", errReceipt, c.ID)
	}
	old, err := l.Receipts(ctx, x.Copy)
	if err != nil {
		return false, err
	}
	if there := slices.ContainsFunc(old, func(o books.Receipt) bool { return o.PublicKey == x.PublicKey && o.Signature == x.Signature }); !there {
		x.Entered, x.Salt = l.r.clock(), records.NewSalt()
		err, added = l.r.store.AddReceipt(ctx, x), true
	}
	if err == nil && c.State != books.CopyReleased {
		_, err = l.release(ctx, c, books.Release{State: books.CopyReleased, Note: "its recipient signed a receipt", Actor: x.Actor}, false)
	}
	return added && err == nil, err
}

// Receipts lists the receipts of a copy in the order of entry.
func (l *Ledger) Receipts(ctx context.Context, of watermark.CopyID) ([]books.Receipt, error) {
	return l.r.store.Receipts(ctx, of)
}

// smallOrder are the public keys of small order, without the sign in the last bit. Their signatures need no private key, and
// hold for many texts. Source: the points of order 1, 2, 4 and 8 of edwards25519 (RFC 7748), and other writings of them.
var smallOrder = each.Of([]string{
	"0000000000000000000000000000000000000000000000000000000000000000", "0100000000000000000000000000000000000000000000000000000000000000",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
}, func(text string) (key books.Digest) { hex.Decode(key[:], []byte(text)); return key })

// signs reports whether x.Signature is over the copy c, by the key x.PublicKey, which only one holder can have.
func signs(x *books.Receipt, c *books.Copy) bool {
	key := x.PublicKey
	key[31] &= 0x7f
	return !slices.Contains(smallOrder, key) && ed25519.Verify(x.PublicKey[:], c.ReceiptMessage(), x.Signature[:])
}

// A customer who gets a checked picture back may send this marked copy again. Each holder of that upload has what the
// recipient of the copy has. So uploads are read, and what they carry is entered.

// What [Config].Marked says of uploads that carry the mark of an issued copy.
const (
	MarkedAtIssue  = "issue"  // an upload is read before its first copy is issued
	MarkedAtSubmit = "submit" // when it is entered, too
	MarkedRefused  = "refuse" // as MarkedAtSubmit; such an upload is not entered, and no copies of it are issued
)

// Returns lists the uploads that came in with the mark of a copy, in the order of entry.
func (r *Registry) Returns(ctx context.Context, of watermark.CopyID) ([]books.Return, error) {
	return r.store.Returns(ctx, of)
}

// Carried returns the copies whose marks an upload came in with, as far as they were entered.
func (r *Registry) Carried(ctx context.Context, upload watermark.Submission) (copies []books.Copy, err error) {
	rows, err := r.store.ReturnedIn(ctx, upload)
	if err != nil {
		return nil, err
	}
	for _, x := range rows {
		c, err := r.Copy(ctx, x.Copy)
		if err != nil {
			return nil, err
		}
		copies = append(copies, *c)
	}
	return copies, nil
}

// keys returns the mark keys, the key for new copies first.
func (s *Issuer) keys() []*watermark.Key {
	k := s.cfg.Key
	if k == nil {
		return s.cfg.Keys
	}
	return append([]*watermark.Key{k}, slices.DeleteFunc(slices.Clone(s.cfg.Keys), func(o *watermark.Key) bool { return o.ID() == k.ID() })...)
}

func (s *submitting) readsAtSubmit() bool { return s.cfg.Marked != MarkedAtIssue && len(s.keys()) > 0 }

// carried reads the marks of issued copies in the picture of an upload, by their own checks and among all copies
// issued. It enters nothing.
func (s *Issuer) carried(ctx context.Context, upload watermark.Submission, img *image.NRGBA, actor string) (rows []books.Return, err error) {
	keys := s.keys()
	reading, err := watermark.Skim(ctx, picture.Flatten(img), keys...)
	if errors.Is(err, watermark.ErrTooSmall) || len(keys) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read marks of earlier copies: %w", err)
	}
	marks := reading.Marks
	for _, key := range keys {
		if !reading.Unread(key) {
			continue
		}
		list, err := s.lists.Of(ctx, s.cfg.Registry.Engine(), key)
		if err != nil {
			return nil, err
		}
		marks = append(marks, reading.Among(list)...)
	}
	for _, d := range marks {
		c, err := s.cfg.Registry.Copy(ctx, d.Copy)
		switch {
		case errors.Is(err, ErrNotFound) || err == nil && c.KeyID != d.KeyID:
		case err != nil:
			return nil, err
		case !slices.ContainsFunc(rows, func(r books.Return) bool { return r.Copy == d.Copy }):
			rows = append(rows, books.Return{Submission: upload, Copy: d.Copy, LogP: d.LogPFA, Entered: s.cfg.Registry.clock(), Actor: actor,
				Logged: books.Logged{Salt: records.NewSalt()}})
		}
	}
	return rows, nil
}

// refused returns an error that wraps [ErrRefused] if an upload carries marks of copies and [Config] refuses it.
func (s *Issuer) refused(ctx context.Context, rows []books.Return) error {
	if s.cfg.Marked != MarkedRefused || len(rows) == 0 {
		return nil
	}
	c, err := s.cfg.Registry.Copy(ctx, rows[0].Copy)
	if err != nil {
		return err
	}
	return fmt.Errorf("%w: copy %s, issued to %q on %s", errMarked, c.ID, c.Recipient, day(c.Issued))
}

// look reads the upload of row before its first copy is issued, page by page, and enters what it carries. It sets
// p.carries. The error wraps [ErrRefused] if [Config] refuses the upload.
func (p *prepared) look(ctx context.Context, actor string, row *books.Submission, doc *picture.Document, lim picture.Limits) error {
	issued, err := p.cfg.Registry.Copies(ctx, row.ID)
	if err != nil {
		return err
	}
	var rows []books.Return
	for k := 1; len(issued) == 0 && k <= max(row.Pages, 1); k++ {
		img := p.image
		if k > 1 || img == nil {
			page, err := p.cfg.Registry.Engine().Page(ctx, row.ID.Page(k))
			if err != nil {
				return err
			}
			pic, err := engine.PageOf(page, doc, lim)
			if err != nil {
				return fmt.Errorf("original of %s: %w", row.ID, err)
			}
			img = pic.Image
		}
		found, err := p.carried(ctx, row.ID, img, actor)
		if err != nil {
			return err
		}
		rows = append(rows, found...)
	}
	for _, x := range rows {
		if _, err := p.cfg.Registry.store.AddReturn(ctx, x); err != nil {
			return fmt.Errorf("submission %s carries the mark of copy %s, and that could not be entered: %w", row.ID, x.Copy, err)
		}
	}
	if p.carries, err = p.cfg.Registry.Carried(ctx, row.ID); err != nil || p.cfg.Marked != MarkedRefused || len(p.carries) == 0 {
		return err
	}
	return p.refused(ctx, []books.Return{{Copy: p.carries[0].ID}})
}
