package service

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/kycmark/kycmark/internal/tlog"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/registry"
)

// A ledgerState is the ledger as it is stored.
type ledgerState struct {
	Origin    string `json:"origin" doc:"Names the ledger"`
	Size      int64  `json:"size" doc:"Entries"`
	Head      string `json:"head" doc:"Root of the tree over them, hex"`
	PublicKey string `json:"public_key,omitempty" doc:"Checks checkpoints and proofs; should reach auditors by another way as well"`
}

// events are what a monitor reads, again and again.
type events struct {
	Events []books.Entry `json:"events" nullable:"false"`
	Next   int64         `json:"next" doc:"The value of after in the next call"`
}

type inAudit struct {
	Body struct {
		Checkpoints []string `json:"checkpoints,omitempty" maxItems:"1000" doc:"Texts kept elsewhere: the ledger must begin with each of them"`
		Witnesses   []string `json:"witnesses,omitempty" maxItems:"100" doc:"Public keys of witnesses"`
	}
}

// ledger serves the routes about the ledger.
type ledger struct{ *Service }

func (s ledger) routes() {
	l := s.Registry.Ledger()
	add(s.Service, "get-ledger", "ledger", func(ctx context.Context, _ *struct{}) (*answer[ledgerState], error) {
		size, head, err := l.Head(ctx)
		return reply(ledgerState{l.Origin(), size, head, s.LedgerPublic}, err)
	})
	add(s.Service, "list-events", "ledger", func(ctx context.Context, in *struct {
		After int64 `query:"after" minimum:"0" doc:"Number of the last entry that is known; 0: none"`
		Limit int   `query:"limit" minimum:"1" maximum:"1000" default:"1000" doc:"Entries at most"`
	}) (*answer[events], error) {
		size, _, err := l.Head(ctx)
		if err == nil && in.After > size {
			return nil, &Problem{Status: http.StatusUnprocessableEntity, Object: "after", Problem: "the ledger has fewer entries", Got: strconv.FormatInt(in.After, 10),
				Wanted: "at most " + strconv.FormatInt(size, 10), Todo: "if the registry was restored from a backup, read on from the last entry that both have"}
		}
		entries, err := registry.EntriesAfter(ctx, l, in.After, in.Limit)
		next := in.After
		if len(entries) > 0 {
			next = entries[len(entries)-1].Number
		}
		return reply(events{entries, next}, err)
	})
	add(s.Service, "list-checkpoints", "ledger", func(ctx context.Context, _ *struct{}) (*answer[[]books.Checkpoint], error) {
		return reply(l.Checkpoints(ctx))
	})
	add(s.Service, "sign-checkpoint", "ledger", s.sign)
	add(s.Service, "audit", "ledger", func(ctx context.Context, in *inAudit) (*answer[*registry.Audit], error) {
		for i, text := range in.Body.Checkpoints { // a text that is no checkpoint says nothing of the ledger
			if _, _, err := tlog.OpenCheckpoint([]byte(text), s.LedgerPublic); err != nil {
				return nil, &Problem{Status: http.StatusUnprocessableEntity, Object: "checkpoint " + strconv.Itoa(i+1),
					Problem: "the key of this ledger did not sign it", Todo: "send the whole text, as it was handed out"}
			}
		}
		a, err := l.Audit(ctx, registry.AuditOptions{Keys: []string{s.LedgerPublic}, Witnesses: in.Body.Witnesses, Checkpoints: in.Body.Checkpoints})
		if err == nil && !a.Holds {
			if err := s.notify(ctx, auditFailed, noticeData{Entries: a.Size, Problems: len(a.Problems)}); err != nil {
				s.Log.Error("notice is not entered", "type", auditFailed, "error", lastLine(err)) // the answer says more
			}
		}
		return reply(a, err)
	})
	stream(s.Service, "prove-copy", "copy",
		answerOf("A proof for \"kycmark prove --check\"", objectSchema, "application/json"), s.prove)
}

// sign signs the present state. The same request has the checkpoint that it had.
func (s ledger) sign(ctx context.Context, _ *struct{}) (*answer[*books.Checkpoint], error) {
	l, o := s.Registry.Ledger(), visitOf(ctx).once
	if size, err := strconv.ParseInt(o.earlier(), 10, 64); err == nil {
		kept, err := l.Checkpoints(ctx)
		at := slices.IndexFunc(kept, func(c books.Checkpoint) bool { return c.Size == size })
		if err == nil && at < 0 {
			err = registry.ErrNotFound
		}
		if err != nil {
			return nil, err
		}
		return &answer[*books.Checkpoint]{&kept[at]}, nil
	}
	c, err := registry.SignLast(ctx, l, s.LedgerKey)
	if err != nil {
		return nil, err
	}
	return reply(c, o.keep(ctx, strconv.FormatInt(c.Size, 10)))
}

// prove writes the proof of a copy, whose every byte counts.
func (s ledger) prove(ctx context.Context, in *PathOfCopy) error {
	proof, err := s.Registry.Ledger().Prove(ctx, in.id(), s.LedgerPublic)
	if err != nil {
		return err
	}
	v := visitOf(ctx)
	v.Header().Set("Content-Type", "application/json")
	return v.send(proof)
}
