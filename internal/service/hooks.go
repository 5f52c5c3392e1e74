package service

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/kycmark/kycmark/internal/hooks"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/picture/codec"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// A Hook takes the signed events of one account at a vendor that captures pictures.
type Hook struct {
	Vendor    hooks.Vendor
	Recipient string        // who is entered as holding the pictures
	Secret    []byte        // with which the vendor signs events
	Account   hooks.Account // with which the vendor is asked for pictures
}

// fetchTime is how long the list of pictures of an event, and each of them, may take. Chosen.
const fetchTime = 2 * time.Minute

// vendorEvents serves the events. An event is worked on to its end although its sender has gone: vendors wait for some
// seconds, and send again what was not answered. All pictures and facts of an event are entered once, however often it comes.
type vendorEvents struct {
	*Service
	client *http.Client
	busy   sync.Map // [32]byte of events that are being worked on
}

// taken is the answer to an event.
type taken struct {
	Event       string                 `json:"event" doc:"What the vendor says has happened"`
	Submissions []watermark.Submission `json:"submissions" doc:"The pictures that the vendor has, entered now or before"`
	Refused     int                    `json:"refused" doc:"Files of the vendor that are no readable pictures"`
}

func (s *Service) hookRoutes() {
	if !s.has(Intake) {
		return
	}
	x := &vendorEvents{Service: s, client: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // to no other address than the settings'
	}}
	r := s.serves("vendor-event")
	s.mux.HandleFunc(r.pattern(), func(w http.ResponseWriter, r *http.Request) {
		out, err := x.take(r)
		if err != nil {
			visitOf(r.Context()).refuse("event", err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out) // the sender has gone, and sends the event again
	})
	op := s.operation(r)
	op.Description = "The vendor signs the event, so that no token is needed."
	op.Parameters = []*huma.Param{{Name: "name", In: "path", Required: true, Description: "Name of the hook in kycmark.toml",
		Schema: textSchema}}
	op.RequestBody = &huma.RequestBody{Required: true, Description: "The event as the vendor sends it",
		Content: contentOf(objectSchema, "application/json")}
	op.Responses["200"] = answerOf("Its pictures and their custody are entered", schemaOf[taken](s), "application/json")
	s.api.OpenAPI().AddOperation(op)
}

// take checks an event, and enters its pictures and that the vendor holds them.
func (x *vendorEvents) take(r *http.Request) (*taken, error) {
	name := r.PathValue("name")
	h := x.Hooks[name]
	body, err := io.ReadAll(r.Body) // the door has limited it
	if err != nil {
		return nil, err
	}
	e, err := h.Vendor.Read(r.Header, body, h.Secret, time.Now())
	if err != nil {
		return nil, eventProblem(err)
	}
	if !e.Pictures {
		return &taken{Event: e.Kind, Submissions: []watermark.Submission{}}, nil
	}
	if _, busy := x.busy.LoadOrStore(e.SHA256, true); busy {
		return nil, &Problem{Status: http.StatusConflict, Object: "event", Problem: "it is being worked on",
			Todo: "send it again after Retry-After", again: retryAfter}
	}
	defer x.busy.Delete(e.SHA256)
	return x.enter(context.WithoutCancel(r.Context()), name, h, e, body)
}

func eventProblem(err error) error {
	p := &Problem{Status: http.StatusUnprocessableEntity, Object: "event", Problem: lastLine(err),
		Todo: "send the event as the vendor's documentation states it"}
	switch {
	case errors.Is(err, hooks.ErrSignature):
		p.Status, p.Problem = http.StatusUnauthorized, "its signature is wrong"
		p.Todo = "have the operator compare the secret in kycmark.toml with the vendor's"
	case errors.Is(err, hooks.ErrTime):
		p.Todo = "nothing: what comes too late is entered by hand, with its evidence; else set the clocks"
	}
	return p
}

// enter fetches the pictures of an event, and enters each with the custody of the vendor. What the vendor has and is no
// picture, such as a video, is counted and left out. If nothing can be read, the event is refused. It also is for a picture
// that could not be fetched or entered, or takes more memory than there may be: when all others are entered.
func (x *vendorEvents) enter(ctx context.Context, name string, h Hook, e hooks.Event, body []byte) (*taken, error) {
	asking, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	pictures, err := h.Vendor.Pictures(asking, x.client, h.Account, e.Session)
	if err != nil {
		return nil, vendorProblem(err)
	}
	out, by := &taken{Event: e.Kind, Submissions: []watermark.Submission{}}, "hook "+name
	if records.CheckName("subject reference", e.Subject, intake.MaxName) != nil {
		x.Log.Warn("the reference of an event cannot be used: its uploads have none", "hook", name)
		e.Subject = "" // the custody must not be lost
	}
	erased, failed := 0, error(nil)
	for _, p := range pictures {
		row, err := x.fetch(ctx, h, p, e, by)
		switch {
		case errors.Is(err, registry.ErrErased):
			erased++
			fallthrough
		case errors.Is(err, registry.ErrFormat), errors.Is(err, registry.ErrLimit):
			out.Refused++
			continue
		case err != nil:
			failed = cmp.Or(failed, err)
			continue
		}
		fact := books.Custody{Recipient: h.Recipient, From: row.Submitted, To: row.Submitted,
			Submissions: []watermark.Submission{row.ID}, Scheme: h.Vendor.Name + ", HMAC with a shared secret",
			Note: e.Kind + ", " + e.At.Format(time.RFC3339), Actor: by}
		if _, err = x.Issuer.AddSignedCustody(ctx, fact, body); errors.Is(err, registry.ErrNotFound) { // known by its hash alone: nothing can seal the event
			fact.Scheme = ""
			err = x.Registry.AddCustody(ctx, fact)
		}
		failed = cmp.Or(failed, err)
		out.Submissions = append(out.Submissions, row.ID)
	}
	if failed != nil {
		return nil, failed
	}
	if len(out.Submissions)+erased == 0 { // an answer 200 would lose the custody: the vendor sends again what is not answered so
		return nil, vendorProblem(errors.New("it gives no readable picture of this event"))
	}
	return out, nil
}

// vendorProblem says that a vendor does not give what it announced.
func vendorProblem(err error) error {
	return &Problem{Status: http.StatusServiceUnavailable, Object: "vendor", Problem: "it does not give the pictures of the event",
		Got: Cause(err), Todo: "send the event again after Retry-After; have the operator check the account in kycmark.toml", again: retryAfter}
}

// A foreign file is read from another server. problem returns what its errors become.
type foreign struct {
	io.ReadCloser
	problem func(error) error
}

func (f foreign) Read(p []byte) (int, error) {
	n, err := f.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = f.problem(err)
	}
	return n, err
}

// fetch enters one picture of an event.
func (x *vendorEvents) fetch(ctx context.Context, h Hook, p hooks.Picture, e hooks.Event, by string) (*books.Submission, error) {
	lease := x.bodies.Lease()
	if !lease.Try(x.MaxBytes) { // the picture is read whole
		return nil, vendorProblem(errors.New("other requests have the memory"))
	}
	defer lease.Give()
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	file, err := h.Vendor.Fetch(ctx, x.client, h.Account, p)
	if err != nil {
		return nil, vendorProblem(err)
	}
	defer file.Close()
	row, _, err := x.Issuer.Submit(ctx, foreign{file, vendorProblem}, e.Subject, e.At, &registry.SubmitOptions{Actor: by})
	if large := (*codec.LimitError)(nil); errors.As(err, &large) && large.What == codec.MemoryBytes {
		p := problemOf("picture", err)
		p.Status, p.Todo, p.again = http.StatusServiceUnavailable, "send the event again after Retry-After; have the operator raise --max-memory", retryAfter
		return nil, p
	}
	return row, err
}
