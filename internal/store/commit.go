package store

import (
	"crypto/sha256"
	"fmt"
	"math"
	"strconv"
	"time"
)

// A Row is anything that the ledger commits to.
type Row interface {
	Entry() Entry // without Seq
}

// commit binds the fields of a row, in their fixed order, under its salt. Fields
// are length-prefixed, so that no two rows have one encoding.
func commit(kind string, salt Salt, fields ...any) [32]byte {
	h := sha256.New()
	put := func(s string) {
		h.Write([]byte(strconv.Itoa(len(s)) + ":" + s))
	}
	put(fmt.Sprintf("kycmark commitment v%d %s", entryVersion, kind))
	put(string(salt[:]))
	for _, f := range fields {
		put(fieldText(f))
	}
	return [32]byte(h.Sum(nil))
}

func fieldText(f any) string {
	switch f := f.(type) {
	case string:
		return f
	case []byte:
		return string(f)
	case int:
		return strconv.Itoa(f)
	case int64:
		return strconv.FormatInt(f, 10)
	case uint64:
		return strconv.FormatUint(f, 16)
	case bool:
		return strconv.FormatBool(f)
	case float64:
		if f == 0 {
			f = 0 // SQLite keeps no sign of zero
		}
		return strconv.FormatUint(math.Float64bits(f), 16)
	case time.Time:
		return strconv.FormatInt(f.UnixMicro(), 10)
	}
	panic(fmt.Sprintf("store: a commitment over %T", f)) // a row type of this package is wrong
}

// Entry commits to the registry's own identity.
func (i Info) Entry() Entry {
	return Entry{Kind: KindRegistry, Time: i.Created,
		Commitment: commit(KindRegistry, i.Salt, i.ID[:], i.Created, i.SealHashes)}
}

// Entry commits to the recipient.
func (r Recipient) Entry() Entry {
	return Entry{Kind: KindRecipient, Time: r.Added,
		Commitment: commit(KindRecipient, r.Salt, r.Name, r.Kind, r.Actor, r.Added)}
}

// Entry commits to the key's public name.
func (k MarkKey) Entry() Entry {
	return Entry{Kind: KindKey, Time: k.Since,
		Commitment: commit(KindKey, k.Salt, k.ID, k.Commitment[:], k.Since)}
}

// Entry commits to the upload, its digest and its hash.
func (s Submission) Entry() Entry {
	return Entry{Kind: KindSubmission, Time: s.Received,
		Commitment: commit(KindSubmission, s.Salt, s.ID[:], s.SHA256[:], s.Size, s.Format, s.Decoder,
			s.Width, s.Height, s.Submitted, s.Received, s.Subject, s.Hash, s.Area, s.Chain, s.Quality,
			s.AreaQuality, s.Kept)}
}

// Entry commits to the copy and the digest of the bytes released.
func (c Copy) Entry() Entry {
	return Entry{Kind: KindIssue, Time: c.Issued,
		Commitment: commit(KindIssue, c.Salt, c.ID, c.Submission[:], c.Recipient, c.Purpose, c.KeyID,
			c.Strength, c.Margin, c.Weak, c.PSNR, c.SSIM, c.Format, c.Width, c.Height,
			c.SHA256[:], c.Size, c.Issued, c.Actor)}
}

// Entry commits to the fact of custody and its list of submissions.
func (c Custody) Entry() Entry {
	fields := []any{c.Recipient, c.From, c.To, c.Note, c.Entered, c.Actor}
	return Entry{Kind: KindCustody, Time: c.Entered,
		Commitment: commit(KindCustody, c.Salt, append(fields, list(c.Submissions)...)...)}
}

// Entry commits to the state of a mark key.
func (s KeyState) Entry() Entry {
	return Entry{Kind: KindKeyState, Time: s.Entered,
		Commitment: commit(KindKeyState, s.Salt, s.KeyID, s.State, s.Since, s.Note, s.Entered, s.Actor)}
}

// Entry commits to the receipt.
func (r Receipt) Entry() Entry {
	return Entry{Kind: KindReceipt, Time: r.Entered,
		Commitment: commit(KindReceipt, r.Salt, r.Copy, r.PublicKey[:], r.Signature[:], r.Entered, r.Actor)}
}

// Entry commits to the erasure and its list of submissions.
func (e Erasure) Entry() Entry {
	fields := []any{e.Left[:], e.Note, e.Entered, e.Actor}
	return Entry{Kind: KindErasure, Time: e.Entered,
		Commitment: commit(KindErasure, e.Salt, append(fields, list(e.Submissions)...)...)}
}

// Left is the digest of what is left of erased submissions, in the order given. The
// erasure commits to it, for their own commitments cannot be checked any more.
func Left(erased []Submission) [32]byte {
	fields := []any{len(erased)}
	for _, s := range erased {
		fields = append(fields, s.ID[:], s.Submitted, s.Received, s.Seq)
	}
	return commit("left of submissions", Salt{}, fields...)
}

// Entry commits to the investigation.
func (i Investigation) Entry() Entry {
	return Entry{Kind: KindInvestigation, Time: i.Started,
		Commitment: commit(KindInvestigation, i.Salt, i.Started, i.Actor, i.Command, i.Input[:], i.Files)}
}

// list are the fields of a list of submissions: how many, then each.
func list(ids [][16]byte) []any {
	out := []any{len(ids)}
	for _, id := range ids {
		out = append(out, id[:])
	}
	return out
}
