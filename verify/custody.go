package verify

import (
	"context"
	"errors"
	"time"

	"github.com/kycmark/kycmark/watermark"
)

// Custody says that a recipient could hold uploads unmarked: those submitted
// from From up to and including To, or, where Submissions are listed, those of
// the list that were submitted in that time.
type Custody struct {
	Recipient   string                 `json:"recipient"`
	From        time.Time              `json:"from"`
	To          time.Time              `json:"to"`
	Submissions []watermark.Submission `json:"submissions,omitempty"`
	Note        string                 `json:"note,omitempty"` // where this is known from
	Entered     time.Time              `json:"entered"`        // set by the registry
	Actor       string                 `json:"actor,omitempty"`
}

// AddCustody enters a custody fact. Its time of entry is recorded: what is
// entered after a leak was found is not admissible against it.
func (r *Registry) AddCustody(ctx context.Context, c Custody) error { return errors.ErrUnsupported }

// Custody lists the facts that cover a submission, in the order of entry.
func (r *Registry) Custody(ctx context.Context, of watermark.Submission) ([]Custody, error) {
	return nil, errors.ErrUnsupported
}

// AllCustody lists all custody facts in the order of entry.
func (r *Registry) AllCustody(ctx context.Context) ([]Custody, error) {
	return nil, errors.ErrUnsupported
}
