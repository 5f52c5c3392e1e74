package verify

import (
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/weigh"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// past returns the earlier investigations, in the order of entry. Some examined any of these files. Others
// examined published files with copies that are confirmed now.
func (v *Investigation) past(ctx context.Context, leaks []*findings.Finding) (b weigh.Past, err error) {
	sums, confirmed := make(map[string][32]byte), make(map[[32]byte][]watermark.CopyID)
	for _, l := range leaks {
		raw, err := hex.DecodeString(l.SHA256)
		if err != nil || len(raw) != 32 {
			continue
		}
		sums[l.SHA256] = [32]byte(raw)
		for _, c := range findings.ConfirmedCopies([]*findings.Finding{l}) {
			confirmed[[32]byte(raw)] = append(confirmed[[32]byte(raw)], c.ID)
		}
	}
	b.Public = make(map[weigh.Exposure]time.Time)
	first := int64(0)
	if own := v.entries(); len(own) > 0 {
		first = own[0]
	}
	all, exposed, err := v.x.Engine().Earlier(ctx, first, slices.Collect(maps.Values(sums)), confirmed, v.cfg.basis().Exposes)
	if err != nil {
		return b, err
	}
	for _, x := range all {
		e := findings.Earlier{Entry: x.Began.Entry, Started: x.Began.Started, Actor: x.Began.Actor, Command: x.Began.Command,
			Shared: x.Shared, Found: x.Began.Found, Evidence: x.Began.Evidence, Concluded: x.Ended.Entered, Named: x.Ended.Named}
		if x.Began.EvidenceSHA256 != (books.Digest{}) {
			e.EvidenceSHA256 = x.Began.EvidenceSHA256.String()
		}
		if x.Shared > 0 {
			b.Earlier = append(b.Earlier, e)
		}
		if x.Exposes {
			b.Published = append(b.Published, e)
		}
	}
	for file, copies := range exposed {
		for id, since := range copies {
			b.Public[weigh.Exposure{File: hex.EncodeToString(file[:]), Copy: id}] = since
		}
	}
	return b, nil
}

// conclude enters what is concluded of a dump into the ledger, under the number of this investigator's last entry, if
// it has one. A later examination then knows that these copies were found in these files, and not in others.
func (v *Investigation) conclude(ctx context.Context, d *findings.Verdict) error {
	own := v.entries()
	if len(own) == 0 {
		return nil
	}
	var copies []watermark.CopyID
	for _, c := range findings.ConfirmedCopies(d.Findings) {
		copies = append(copies, c.ID)
	}
	slices.Sort(copies)
	if err := v.x.Engine().LogConclusion(ctx, own[len(own)-1], v.cfg.Actor, slices.Sorted(slices.Values(d.Named)), copies); err != nil {
		return fmt.Errorf("the conclusion could not be entered: %w", err)
	}
	return nil
}

// travel returns how the confirmed copies in leaks travelled, each copy once, in the order of the leaks.
func (v *Investigation) travel(ctx context.Context, leaks []*findings.Finding) (out []findings.Travel, err error) {
	copies := findings.ConfirmedCopies(leaks)
	if len(copies) == 0 {
		return nil, nil
	}
	facts, err := v.cfg.Registry.Custody(ctx, registry.CustodyFilter{})
	if err != nil {
		return nil, err
	}
	for _, c := range copies {
		t := findings.Travel{Copy: c.ID}
		receipts, err := v.cfg.Registry.Ledger().Receipts(ctx, c.ID)
		if err != nil {
			return nil, err
		}
		if len(receipts) > 0 {
			t.Receipt = receipts[0].Entered
		}
		for _, h := range facts {
			if h.Of(&c) {
				t.Others = append(t.Others, findings.HandOn{Party: h.Recipient, Entered: h.Entered, Note: h.Note})
			}
		}
		if t.Returned, err = v.x.HoldersOfReturned(ctx, c.ID, leaks); err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}
