package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// Headers of an upload. They are no parts of the path, which proxies log.
const (
	headSubject   = "Kycmark-Subject"
	headSubmitted = "Kycmark-Submitted"
	headHeldBy    = "Kycmark-Held-By"
	headFile      = "Kycmark-File" // of a leaked file
)

// submitHeaders belong to what an idempotency key stands for.
var submitHeaders = []string{headSubject, headSubmitted, headHeldBy, headFile}

// A Submission is an upload as answers have it: without its hashes, which show a face.
type Submission struct {
	ID        watermark.Submission `json:"submission" doc:"32 hex digits"`
	Size      int64                `json:"size" doc:"Bytes of the file"`
	Format    string               `json:"format" example:"jpeg"`
	Width     int                  `json:"width" doc:"Pixels, upright, of the first page"`
	Height    int                  `json:"height"`
	Pages     int                  `json:"pages" doc:"Pages that are entered"`
	Submitted time.Time            `json:"submitted" doc:"When the customer sent it"`
	Received  time.Time            `json:"received" doc:"When the registry took it"`
	Subject   string               `json:"subject,omitempty" doc:"Opaque reference of the customer"`
	Kept      bool                 `json:"kept" doc:"The original is kept, sealed"`
}

// entered is the answer to an upload.
type entered struct {
	Submission
	Duplicate bool     `json:"duplicate" doc:"The same file was there already, and was left as it was first entered"`
	Warnings  []string `json:"warnings,omitempty" doc:"What keeps copies or leaks of it from being made or found"`
}

// warningsOf are the warnings of an upload. A mark that it carries is not said, since that would help to remove marks.
func warningsOf(x registry.Imported) (all []string) {
	if x.Lacks != "" {
		all = append(all, "the file is not whole: "+x.Lacks)
	}
	if x.Doubt != nil {
		all = append(all, "copies of it may be refused: "+strings.TrimPrefix(lastLine(x.Doubt), "watermark: "))
	}
	if x.LeftOut > 0 {
		all = append(all, fmt.Sprintf("%d further frames are not entered, and leaks of them cannot be found: send each as a file", x.LeftOut))
	}
	if x.Others {
		all = append(all, "it was there already under another subject, or without one, which stays")
	}
	if !x.First.IsZero() {
		all = append(all, "it was there already, submitted on "+x.First.Format(time.DateOnly)+"; custody by time covers that time alone")
	}
	return all
}

func shownSubmission(s *books.Submission) Submission {
	return Submission{s.ID, s.Size, s.Format, s.Width, s.Height, max(1, s.Pages), s.Submitted, s.Received, s.Subject, s.Kept}
}

// A page is one page of an upload, which has an ID of its own.
type page struct {
	Page   int                  `json:"page" doc:"From 1"`
	ID     watermark.Submission `json:"id" doc:"32 hex digits; of page 1 that of the submission"`
	Width  int                  `json:"width" doc:"Pixels, upright"`
	Height int                  `json:"height"`
}

// submissions serves the routes about uploads.
type submissions struct{ *Service }

func (s submissions) routes() {
	if r := s.serves("submit"); r != nil {
		s.mux.HandleFunc(r.pattern(), func(w http.ResponseWriter, r *http.Request) {
			if err := s.submit(w, r); err != nil {
				visitOf(r.Context()).refuse("upload", err)
			}
		})
		s.describeSubmit(r)
	}
	add(s.Service, "get-submission", "submission", of[PathOfSubmission](func(ctx context.Context, id watermark.Submission) (Submission, error) {
		row, err := s.Registry.Submission(ctx, id)
		if err != nil {
			return Submission{}, err
		}
		return shownSubmission(row), nil
	}))
	add(s.Service, "list-submissions", "subject", func(ctx context.Context, in *struct {
		Subject string `header:"Kycmark-Subject" required:"true" maxLength:"200" doc:"Opaque reference of the customer"`
	}) (*answer[[]Submission], error) {
		rows, err := s.Registry.SubmissionsOf(ctx, in.Subject)
		return reply(each.Of(rows, func(row books.Submission) Submission { return shownSubmission(&row) }), err)
	})
	add(s.Service, "list-pages", "submission", of[PathOfSubmission](func(ctx context.Context, id watermark.Submission) ([]page, error) {
		row, err := s.Registry.Submission(ctx, id)
		if err != nil {
			return nil, err
		}
		out := []page{{1, row.ID, row.Width, row.Height}}
		for k := 2; k <= row.Pages; k++ {
			p, err := s.Registry.Engine().Page(ctx, row.ID.Page(k))
			if err != nil {
				return nil, err
			}
			out = append(out, page{k, p.ID, p.Width, p.Height})
		}
		return out, nil
	}))
}

// submit enters an upload, and the custody of those who held it before.
func (s submissions) submit(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), visitOf(r.Context())
	if r.URL.RawQuery != "" || len(r.Header.Values(headSubmitted)) > 1 {
		return &Problem{Status: http.StatusUnprocessableEntity, Object: "request", Problem: "it has a query, or a header several times",
			Todo: "send subject and time as the headers " + headSubject + " and " + headSubmitted}
	}
	at, err := sentAt(r.Header.Get(headSubmitted))
	if err != nil {
		return err
	}
	holders, err := s.holders(ctx, strings.Join(r.Header.Values(headHeldBy), ","))
	if err != nil {
		return err
	}
	if all := r.Header.Values(headSubject); len(all) > 1 || len(all) == 1 && all[0] == "" {
		return &Problem{Status: http.StatusUnprocessableEntity, Object: headSubject, Problem: "it is empty, or there several times",
			Wanted: "one reference", Todo: "send one reference, or leave the header out"}
	}
	row, became, err := s.Issuer.Submit(ctx, &claiming{r.Body, ctx, v.once, r.ContentLength},
		r.Header.Get(headSubject), at, &registry.SubmitOptions{Actor: actor(ctx)})
	if err != nil {
		return err
	}
	var facts []books.Custody
	for _, name := range holders {
		facts = append(facts, books.Custody{Recipient: name, From: row.Submitted, To: row.Submitted, Submissions: []watermark.Submission{row.ID},
			Note: "the sender of the upload said so", Actor: actor(ctx)})
	}
	if err := parties(s).enterCustody(ctx, facts); err != nil {
		return err
	}
	out := entered{shownSubmission(row), became.Duplicate, warningsOf(became)}
	if said, again := strings.CutPrefix(v.once.earlier(), answerNew); again { // the same answer to the same request
		out.Duplicate, out.Warnings = false, strings.FieldsFunc(said, func(c rune) bool { return c == '\n' })
	} else if !became.Duplicate {
		if err := v.once.keep(ctx, answerNew+strings.Join(out.Warnings, "\n")); err != nil {
			return err
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Location", "/v1/submissions/"+row.ID.String())
	// the client is gone, and may send the same again
	_ = json.NewEncoder(w).Encode(out)
	return nil
}

// answerNew begins the answer that a request has entered whose upload was new. Its warnings follow, a line each.
const answerNew = "new\n"

// sentAt reads a time; "" is the zero time.
func sentAt(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || at.IsZero() {
		return at, &Problem{Status: http.StatusUnprocessableEntity, Object: headSubmitted, Problem: "it is no time", Wanted: "such as 2018-02-28T09:30:00Z",
			Todo: "send the time in the form of RFC 3339"}
	}
	return at, nil
}

// holders returns the recipients in a list with commas between the names. An unknown one is a *[Problem].
func (s submissions) holders(ctx context.Context, list string) (names []string, err error) {
	if list == "" {
		return nil, nil
	}
	all, err := s.Registry.Recipients(ctx)
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		if err == nil && !slices.ContainsFunc(all, func(r books.Recipient) bool { return r.Name == name }) {
			err = &Problem{Status: http.StatusNotFound, Object: headHeldBy, Problem: "it names a recipient that is not in the registry",
				Todo: "enter the recipient first: POST /v1/recipients"}
		}
		names = append(names, name)
	}
	return names, err
}

// claiming is an upload's body. At its end the request of the idempotency key is claimed, before anything is entered.
type claiming struct {
	io.Reader
	ctx  context.Context
	once *once
	size int64 // bytes that were announced; -1: none were
}

// Len returns how many bytes were announced, for [registry.Issuer.Submit].
func (c *claiming) Len() int { return int(max(0, c.size)) }

func (c *claiming) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if c.once != nil {
		_, _ = c.once.Write(p[:n]) // never fails
	}
	if errors.Is(err, io.EOF) {
		if refused := c.once.claim(c.ctx); refused != nil {
			return n, refused
		}
	}
	return n, err
}

func (s submissions) describeSubmit(r *route) {
	op, date := s.operation(r), &huma.Schema{Type: huma.TypeString, Format: "date-time"}
	op.Parameters = append(op.Parameters,
		&huma.Param{Name: headSubject, In: "header", Schema: lengths(1, 200), Description: "Opaque reference of the customer, never a name"},
		&huma.Param{Name: headSubmitted, In: "header", Schema: date, Description: "When the customer sent it; now if it is missing"},
		&huma.Param{Name: headHeldBy, In: "header", Schema: lengths(1, 4000),
			Description: "Recipients that held the upload before, unmarked, such as the vendor that captured it; commas between the names. Names that have commas go to POST /v1/custody"})
	op.RequestBody = &huma.RequestBody{Required: true, Description: "The file as the customer sent it",
		Content: contentOf(binarySchema, "image/*", "application/pdf", "application/octet-stream")}
	op.Responses["200"] = answerOf("The upload is entered", schemaOf[entered](s.Service), "application/json")
	s.api.OpenAPI().AddOperation(op)
}
