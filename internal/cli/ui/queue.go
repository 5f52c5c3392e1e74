package ui

import (
	"context"

	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/internal/jobs"
)

// Queue opens the queue beside the registry, under the sealing key of the home, which must be the registry's.
func (b *Desk) Queue(ctx context.Context) (*jobs.Queue, error) {
	seal, err := b.Home.SealKey()
	if err == nil {
		err = b.Registry.Engine().CheckSealKey(ctx, seal)
	}
	if err != nil {
		return nil, err
	}
	return home.OpenQueue(ctx, b.Home, b.Registry.ID(), seal)
}

// AsWorker returns the books as a worker has them, with the keys of the home.
func (b *Desk) AsWorker() (*Desk, error) {
	w := *b
	w.Worker = new(keyring)
	var err error
	if w.Worker.Mark, w.Worker.Seal, err = b.Home.Keys(); err == nil {
		w.Worker.Found, err = b.NewInvestigator(w.Worker.Mark, w.Worker.Seal, b.MaxMemory())
	}
	return &w, err
}
