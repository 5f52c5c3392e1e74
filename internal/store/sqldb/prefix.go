package sqldb

import (
	"bytes"
	"context"

	"github.com/kycmark/kycmark/watermark"
)

func (d *DB) WithPrefix(ctx context.Context, low, high watermark.Submission, max int) (subs []watermark.Submission, copies []watermark.CopyID, err error) {
	const from, within = "SELECT id FROM ", " WHERE id >= $1 AND id <= $2 ORDER BY id LIMIT $3"
	err = d.snapshot(ctx, func(q querier) (err error) {
		subs, err = collect(ctx, q, func(id *watermark.Submission) []any { return []any{fixed(id[:])} }, from+"submission"+within, low[:], high[:], max)
		if err == nil {
			copies, err = collect(ctx, q, func(id *watermark.CopyID) []any { return []any{copyID{id}} }, from+"copy"+within, bytes.Clone(low[:8]), bytes.Clone(high[:8]), max)
		}
		return err
	})
	return subs, copies, err
}
