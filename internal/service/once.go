package service

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"time"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/registry"
)

// keptRequests is how long an idempotency key is remembered. Chosen: a client may be down over a week-end.
const keptRequests = 7 * 24 * time.Hour

// The length of an idempotency key, bytes. A UUID has 36.
const (
	minKey = 16
	maxKey = 200
)

// A once is a request with an idempotency key. Without a key it is nil, whose methods do nothing.
type once struct {
	store  records.Access
	id     [32]byte
	mac    hash.Hash // under the key, so that the row tells nothing of the request to who lacks the key
	answer string    // that an earlier request with the key has entered; "": none
}

// part adds a text to what the request is.
func (o *once) part(text string) {
	if o != nil {
		fmt.Fprintf(o.mac, "%d:%s", len(text), text)
	}
}

// Write adds bytes of the body. It never fails.
func (o *once) Write(body []byte) (int, error) { return o.mac.Write(body) }

// claim enters the request when all of it is known. The error is a *[Problem] if another request had the same key.
func (o *once) claim(ctx context.Context) error {
	if o == nil {
		return nil
	}
	now := records.Timestamp(time.Now())
	row := records.Request{ID: o.id, Made: now}
	copy(row.Digest[:], o.mac.Sum(nil))
	there, err := o.store.Claim(ctx, row)
	if err != nil {
		return fmt.Errorf("%w: %w", registry.ErrUnavailable, err)
	}
	if !hmac.Equal(there.Digest[:], row.Digest[:]) {
		return &Problem{Status: 422, Object: "Idempotency-Key", Problem: "it came with another request", Got: "another path, header or body",
			Wanted: "the same request again", Todo: "send a new random key with a new request"}
	}
	if o.answer = there.Answer; there.Made.Equal(now) {
		return o.store.ForgetRequests(ctx, now.Add(-keptRequests))
	}
	return nil
}

// earlier returns the answer that was entered, "" without one.
func (o *once) earlier() string {
	if o == nil {
		return ""
	}
	return o.answer
}

// keep enters what the answer is made from. The error is a *[Problem] if the same request, sent twice, did so meanwhile.
func (o *once) keep(ctx context.Context, answer string) error {
	if o == nil || answer == o.answer {
		return nil
	}
	err := o.store.SetAnswer(context.WithoutCancel(ctx), o.id, o.answer, answer)
	if errors.Is(err, records.ErrConflict) {
		return &Problem{Status: 409, Object: "Idempotency-Key", Problem: "the same request is being worked on",
			Todo: "send it again after Retry-After", again: retryAfter}
	}
	o.answer = answer
	return err
}

// name returns an ID for what the request makes, the same each time; zero without a key.
func (o *once) name() (id [16]byte) {
	if o != nil {
		sum := sha256.Sum256(o.mac.Sum(o.id[:]))
		copy(id[:], sum[:])
	}
	return id
}

// destroy does what the library does once, if look finds the thing. The same request, sent again, is answered as before.
func (o *once) destroy(ctx context.Context, look, do func() error) error {
	again := o.earlier() != ""
	if !again {
		if err := look(); err != nil {
			return err
		}
	}
	if err := o.keep(ctx, "{}"); err != nil {
		return err
	}
	err := do()
	if again && errors.Is(err, registry.ErrNotFound) {
		return nil
	}
	return err
}
