package sqldb

import (
	"bytes"
	"context"

	"github.com/kycmark/kycmark/internal/store/schema"
	"github.com/kycmark/kycmark/watermark"
)

func (d uploads) WithPrefix(ctx context.Context, low, high watermark.Submission, max int) (subs []watermark.Submission, copies []watermark.CopyID, err error) {
	const from, within = "SELECT id FROM ", " WHERE id >= $1 AND id <= $2 ORDER BY id LIMIT $3"
	err = d.snapshot(ctx, func(q schema.Querier) (err error) {
		subs, err = schema.Collect(ctx, q, func(id *watermark.Submission) []any { return []any{schema.Fixed(id[:])} }, from+"submission"+within, low[:], high[:], max)
		if err == nil {
			copies, err = schema.Collect(ctx, q, func(id *watermark.CopyID) []any { return []any{schema.CopyID(id)} }, from+"copy"+within, bytes.Clone(low[:8]), bytes.Clone(high[:8]), max)
		}
		return err
	})
	return subs, copies, err
}
