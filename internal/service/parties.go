package service

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/kept"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

type inRecipient struct {
	Body struct {
		Name string `json:"name" minLength:"1" maxLength:"200" doc:"Unique; the same name and kind may be entered again"`
		Kind string `json:"kind" enum:"store,vendor,authority,reviewer,partner"`
		Of   string `json:"of,omitempty" maxLength:"200" doc:"Employer of a reviewer, for which the copies count. Without it the name cannot be erased."`
	}
}

// A fact is a fact of custody as requests have it.
type fact struct {
	Recipient   string                 `json:"recipient" minLength:"1" maxLength:"200" doc:"Who held uploads unmarked, or had copies"`
	Through     string                 `json:"through,omitempty" maxLength:"200" doc:"The recipient that handed its copies on; with it a hand-on is entered, and what follows from it"`
	From        time.Time              `json:"from,omitzero" doc:"When the first of the uploads was submitted, or of the copies issued"`
	To          time.Time              `json:"to,omitzero" doc:"When the last was; without from and to, submissions or through are needed"`
	Submissions []watermark.Submission `json:"submissions,omitempty" minItems:"1" doc:"These uploads alone"`
	Note        string                 `json:"note" minLength:"1" maxLength:"4000" doc:"How it is known; no names of persons"`
}

type inCustody struct {
	Body struct {
		Facts []fact `json:"facts" minItems:"1" maxItems:"1000" nullable:"false" doc:"All are entered, or none"`
	}
}

// parties serves the routes about recipients, custody and erasures.
type parties struct{ *Service }

func (s parties) routes() {
	add(s.Service, "add-recipient", "recipient", func(ctx context.Context, in *inRecipient) (*answer[*books.Recipient], error) {
		if o := visitOf(ctx).once; o.earlier() == "" { // else the name may have been erased
			if err := s.Registry.AddRecipient(ctx, books.Recipient{Name: in.Body.Name, Kind: in.Body.Kind, Of: in.Body.Of, Actor: actor(ctx)}); err != nil {
				return nil, err
			}
			if err := o.keep(ctx, "{}"); err != nil {
				return nil, err
			}
		}
		return reply(s.Registry.Recipient(ctx, in.Body.Name))
	})
	add(s.Service, "list-recipients", "recipient", func(ctx context.Context, _ *struct{}) (*answer[[]books.Recipient], error) {
		return reply(s.Registry.Recipients(ctx))
	})
	add(s.Service, "add-custody", "custody", s.addCustody)
	stream(s.Service, "get-custody-event", "event",
		answerOf("The event as it was received", objectSchema, "application/json"), s.event)
	add(s.Service, "list-custody", "custody", func(ctx context.Context, in *struct {
		Submission string `query:"submission" pattern:"^[0-9a-f]{32}$" doc:"Facts that cover this upload"`
		Recipient  string `header:"Kycmark-Recipient" maxLength:"200" doc:"Facts about this recipient; not beside submission"`
	}) (*answer[[]books.Custody], error) {
		which := registry.CustodyFilter{Recipient: in.Recipient}
		if in.Submission != "" {
			var err error
			if which.Submission, err = watermark.ParseSubmission(in.Submission); err != nil {
				return nil, err
			}
			if which.Submission == (watermark.Submission{}) { // which as a filter takes all
				return nil, registry.ErrNotFound
			}
		}
		return reply(s.Registry.Custody(ctx, which))
	})
	add(s.Service, "erase", "erasure", s.erase)
}

type inEvent struct {
	PathOfSubmission
	Entry int64 `query:"entry" minimum:"1" doc:"Number of the fact's entry in the ledger; without it the first signed event"`
}

func (s parties) event(ctx context.Context, in *inEvent) error {
	facts, err := s.Registry.Custody(ctx, registry.CustodyFilter{Submission: in.id()})
	if err != nil {
		return err
	}
	at := slices.IndexFunc(facts, func(c books.Custody) bool { return c.Seq == in.Entry || in.Entry == 0 && c.Event != books.Digest{} })
	if at < 0 {
		return registry.ErrNotFound
	}
	event, err := registry.CustodyEvent(ctx, s.Registry, s.Office.SealKey, facts[at])
	if err != nil {
		return err
	}
	v := visitOf(ctx)
	v.Header().Set("Content-Type", "application/json")
	return v.send(event)
}

// addCustody enters facts of custody. Of a hand-on it enters what follows from it as well. It answers with all of them. The
// same request, sent again, follows from the ledger as it was, and sent twice at once it enters them once.
func (s parties) addCustody(ctx context.Context, in *inCustody) (*answer[[]books.Custody], error) {
	o := visitOf(ctx).once
	size, _, err := s.Registry.Ledger().Head(ctx)
	if was := o.earlier(); was != "" && err == nil {
		size, err = strconv.ParseInt(was, 10, 64)
	}
	if err != nil {
		return nil, err
	}
	var facts []books.Custody
	for i, f := range in.Body.Facts {
		if f.From.IsZero() && f.To.Equal(books.Always) { // as answers have it
			f.To = time.Time{}
		}
		if f.From.IsZero() != f.To.IsZero() || f.From.IsZero() && f.Through == "" && len(f.Submissions) == 0 {
			return nil, &Problem{Status: http.StatusUnprocessableEntity, Object: "fact " + strconv.Itoa(i+1), Problem: "it does not say which uploads",
				Wanted: "from and to, or submissions, or through", Todo: "send both times; a fact about all uploads has both, too"}
		}
		c := books.Custody{Recipient: f.Recipient, Through: f.Through, From: f.From, To: f.To, Submissions: f.Submissions, Note: f.Note, Actor: actor(ctx)}
		if c.To.IsZero() {
			c.To = books.Always
		}
		facts = append(facts, c)
		if c.Through != "" {
			held, err := registry.HeldThrough(ctx, s.Registry, c, size)
			if err != nil {
				return nil, problemOf("fact "+strconv.Itoa(i+1)+", through", err)
			}
			facts = append(facts, held...)
		}
	}
	if err := o.keep(ctx, strconv.FormatInt(size, 10)); err != nil {
		return nil, err
	}
	return reply(facts, s.enterCustody(ctx, facts))
}

// enterCustody enters facts that are not entered yet. The error is a *[Problem] that says which of them are wrong.
func (s parties) enterCustody(ctx context.Context, facts []books.Custody) error {
	if len(facts) == 0 {
		return nil
	}
	_, wrong, err := s.Registry.ImportCustody(ctx, facts)
	if err != nil {
		return err
	}
	var all []string
	var p *Problem
	for i, w := range wrong {
		if w != nil {
			p = problemOf("fact "+strconv.Itoa(i+1), w)
			all = append(all, p.Object+": "+strings.TrimSuffix(p.Problem+": "+p.Got, ": "))
		}
	}
	if p != nil {
		p.Object, p.Problem, p.Got = "custody", lastLine(errors.New(strings.Join(all, "; "))), ""
		return p
	}
	return nil
}

type inErasure struct {
	Body struct {
		Subject     string                 `json:"subject,omitempty" maxLength:"200" doc:"All uploads of this subject"`
		Submissions []watermark.Submission `json:"submissions,omitempty" maxItems:"10000" doc:"These uploads; not beside subject"`
		Recipient   string                 `json:"recipient,omitempty" maxLength:"200" doc:"The name of this reviewer; alone"`
		Note        string                 `json:"note" minLength:"1" maxLength:"4000" doc:"Why; without the subject, since the ledger keeps it"`
	}
}

// An erased answer says what is gone.
type erasedAnswer struct {
	Erased         []watermark.Submission `json:"erased" nullable:"false"`
	Investigations []kept.ID              `json:"investigations" nullable:"false" doc:"They show what was erased, or have begun and may show it; of a reviewer's name, all that are kept. They stay until they are removed."`
}

// erase erases uploads. What it is about to erase is entered with the request first: after a crash the same request
// finds nothing left, and answers with that.
func (s parties) erase(ctx context.Context, in *inErasure) (*answer[erasedAnswer], error) {
	b, o := in.Body, visitOf(ctx).once
	said := []bool{b.Subject != "", len(b.Submissions) > 0, b.Recipient != ""}
	if len(slices.DeleteFunc(said, func(is bool) bool { return !is })) != 1 {
		return nil, &Problem{Status: http.StatusUnprocessableEntity, Object: "erasure",
			Problem: "it does not say what", Wanted: "subject, submissions or recipient",
			Todo: "send one of the three"}
	}
	if b.Recipient != "" {
		return s.eraseReviewer(ctx, b.Recipient, b.Note, o)
	}
	again, planned := o.earlier() != "", records.Ascending(b.Submissions)
	if b.Subject != "" {
		rows, err := s.Registry.SubmissionsOf(ctx, b.Subject)
		if err != nil {
			return nil, err
		}
		planned = each.Of(rows, func(row books.Submission) watermark.Submission { return row.ID })
	}
	if again { // uploads that the subject has sent since are not meant, and none that is another subject's since
		var plan erasedAnswer
		if err := json.Unmarshal([]byte(o.earlier()), &plan); err != nil {
			return nil, err
		}
		planned = slices.DeleteFunc(plan.Erased, func(id watermark.Submission) bool {
			_, err := s.Registry.Submission(ctx, id)
			return b.Subject != "" && err == nil && !slices.Contains(planned, id)
		})
	}
	var left []watermark.Submission // the others were erased by an earlier try
	for _, id := range planned {
		if _, err := s.Registry.Submission(ctx, id); err == nil {
			left = append(left, id)
		} else if !again && len(planned) == 1 || !errors.Is(err, registry.ErrErased) { // of several uploads the others are erased
			if errors.Is(err, registry.ErrErased) { // and an earlier try may have left something
				_, err = s.Registry.EraseSubmissions(ctx, planned, actor(ctx), b.Note)
			}
			return nil, err
		}
	}
	if err := s.planErasure(ctx, o, planned); err != nil {
		return nil, err
	}
	var erased []watermark.Submission
	var err error
	switch {
	case b.Subject != "" && !again:
		erased, err = s.Registry.Erase(ctx, b.Subject, actor(ctx), b.Note)
	case len(left) > 0:
		erased, err = s.Registry.EraseSubmissions(ctx, left, actor(ctx), b.Note)
	case len(planned) > 0: // the earlier try may have left something
		if _, err = s.Registry.EraseSubmissions(ctx, planned, actor(ctx), b.Note); errors.Is(err, registry.ErrErased) {
			err = nil
		}
	}
	if errors.Is(err, registry.ErrErased) { // one of them, meanwhile: none was erased here
		return s.erase(ctx, in)
	}
	if err != nil {
		return nil, err
	}
	all := records.Ascending(append(planned, erased...))
	if err := s.planErasure(ctx, o, all); err != nil {
		return nil, err
	}
	showing, err := kept.New(s.Registry, nil).Showing(ctx, all...)
	return reply(erasedAnswer{all, idsOf(showing)}, err)
}

// eraseReviewer erases the name of a reviewer, which any kept investigation may have. The same request, sent again, finds no
// such name, and has the same answer.
func (s parties) eraseReviewer(ctx context.Context, name, note string, o *once) (*answer[erasedAnswer], error) {
	erase := func() error { return s.Registry.EraseRecipient(ctx, name, actor(ctx), note) }
	err := o.destroy(ctx, func() error {
		_, err := s.Registry.Recipient(ctx, name)
		if errors.Is(err, registry.ErrNotFound) {
			err = erase() // frees what an earlier try left
		}
		return err
	}, erase)
	if err != nil {
		return nil, err
	}
	showing, err := kept.New(s.Registry, nil).List(ctx, kept.Investigation)
	return reply(erasedAnswer{[]watermark.Submission{}, idsOf(showing)}, err)
}

func idsOf(all []kept.Item) []kept.ID { return each.Of(all, func(x kept.Item) kept.ID { return x.ID }) }

// planErasure keeps ids with a request: sent again, it erases these and no later ones.
func (s parties) planErasure(ctx context.Context, o *once, ids []watermark.Submission) error {
	if len(ids) == 0 {
		return nil
	}
	plan, err := json.Marshal(erasedAnswer{Erased: records.Ascending(ids)})
	if err != nil {
		return err
	}
	return o.keep(ctx, string(plan))
}
