package investigations

import (
	"context"
	"time"

	"github.com/kycmark/kycmark/verify/kept"
)

// SetNow sets the clock.
func (o *Office) SetNow(now func() time.Time) { o.now = now }

// Dies begins an investigation and leaves it, as a process does that is killed.
func (o *Office) Dies(ctx context.Context, id kept.ID) error {
	in, err := o.open(ctx, id)
	if err != nil {
		return err
	}
	return noteBegin(ctx, o, in)
}

// SetSave sets how often an investigation is saved.
func (o *Office) SetSave(every time.Duration) { o.save = every }
