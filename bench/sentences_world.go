package main

import (
	"context"
	"time"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/verify/books"
)

const (
	pixelUploads = 30
	pixelMonths  = 10 // of the registry: three uploads each
)

// A pixelRun is a registry in memory, of drawn uploads, with the copies and custody of a simulated world.
type pixelRun struct {
	memoryRegistry
	world *simWorld
	side  int // long side of uploads, pixels
}

// fill makes the world's registry: what is held, what is recorded of it, and what was recorded
// after the leaks were found.
func (p *pixelRun) fill(ctx context.Context) {
	for i := range p.world.month {
		p.uploads = append(p.uploads, drawnUpload(p.env, i, 0x8000, "%s %d, %s"))
	}
	parallel(ctx, p.env, len(p.uploads), func(ctx context.Context, i int) {
		var to []string
		for r, h := range p.world.holders {
			if h.copies[i] {
				to = append(to, p.recipients[r])
			}
		}
		u := p.uploads[i]
		u.draw(p.env, p.side)
		p.submit(ctx, u, asPNG(u.image), p.world.subject[i], p.world.at[i], to...)
	})
	for r, h := range p.world.holders {
		p.addCustody(ctx, r, indices(h.unmarked))
	}
	found := time.Now().Add(time.Second)
	time.Sleep(1100 * time.Millisecond)
	for r, h := range p.world.holders {
		p.addCustody(ctx, r, indices(h.missing))
	}
	p.investigateFrom(found)
}

// addCustody records that recipient r has custody of the months in which uploads are held.
func (p *pixelRun) addCustody(ctx context.Context, r int, held []int) {
	if len(held) == 0 {
		return
	}
	months := p.world.months
	to := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	if last := p.world.month[held[len(held)-1]]; last+1 < len(months) {
		to = months[last+1].From.Add(-time.Second)
	}
	ruler.Check(p.AddCustody(ctx, books.Custody{Recipient: p.recipients[r], From: months[p.world.month[held[0]]].From, To: to, Note: "simulated"}))
}
