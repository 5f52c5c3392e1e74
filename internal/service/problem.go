package service

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/kycmark/kycmark/internal/investigations"
	"github.com/kycmark/kycmark/internal/objects"
	"github.com/kycmark/kycmark/internal/passing"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// A Problem is an answer that is an error, as RFC 9457 has it. Its texts have no subject and no name.
type Problem struct {
	Title    string `json:"title" doc:"What the status says" example:"Not Found"`
	Status   int    `json:"status" doc:"HTTP status" example:"404"`
	Detail   string `json:"detail" doc:"One sentence: object, problem, got and wanted"`
	Instance string `json:"instance,omitempty" doc:"Names the request, as logs do" example:"urn:kycmark:request:5d4ee1c2a7b04f31"`
	Object   string `json:"object" doc:"What is wrong" example:"submission"`
	Problem  string `json:"problem" doc:"What is wrong with it" example:"it is not in the registry"`
	Got      string `json:"got,omitempty" doc:"What came"`
	Wanted   string `json:"wanted,omitempty" doc:"What is wanted"`
	Todo     string `json:"todo" doc:"What to do" example:"send the upload first"`

	again time.Duration // Retry-After; 0: none
}

func (p *Problem) Error() string { return p.ready("").Detail }

// GetStatus returns the status, for package huma.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType returns that of a problem, for package huma.
func (p *Problem) ContentType(string) string { return problemType }

// GetHeaders returns the headers of the answer, for package huma.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.again > 0 {
		h.Set("Retry-After", strconv.Itoa(int(p.again.Seconds())))
	}
	return h
}

const problemType = "application/problem+json"

// ready returns a copy of p with title and detail.
func (p *Problem) ready(request string) *Problem {
	q := *p
	q.Title, q.Detail = http.StatusText(p.Status), p.Object+": "+p.Problem
	if p.Got != "" {
		q.Detail += ", got " + p.Got
	}
	if p.Wanted != "" {
		q.Detail += ", want " + p.Wanted
	}
	q.Detail += "; " + p.Todo
	if request != "" {
		q.Instance = "urn:kycmark:request:" + request
	}
	return &q
}

func (p *Problem) write(w http.ResponseWriter, request string) {
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(p.ready(request)) // the client is gone
}

// A request that found the memory taken, or the registry away, may be sent again later. The time is chosen.
const (
	retryAfter = 5 * time.Second
	later      = "send the same request again after Retry-After"
)

// A kind of failure is what an error of the library means for an answer. text says that the words of the error are
// shown, without what they quote. again is when the same request may succeed; 0: never.
type failure struct {
	is      error
	status  int
	problem string
	todo    string
	text    bool
	again   time.Duration
}

// failures lists them, the first that fits counts.
var failures = []failure{
	{context.Canceled, statusGone, "the client went away", "send the request again", false, 0},
	{context.DeadlineExceeded, http.StatusServiceUnavailable, "it took too long", "send the same request again", false, retryAfter},
	{registry.ErrBusy, http.StatusTooManyRequests, "other pictures have the memory", later, false, retryAfter},
	{registry.ErrFormat, http.StatusUnprocessableEntity, "it is no readable picture",
		"send the file as the customer sent it: JPEG, PNG, WebP, TIFF, BMP, GIF, HEIC, AVIF or PDF", true, 0},
	{registry.ErrLimit, http.StatusRequestEntityTooLarge, "it is too large", "send a smaller file", true, 0},
	{registry.ErrWeak, http.StatusUnprocessableEntity, "its mark would not survive a messenger",
		"ask for a larger copy, or send allow_weak", false, 0},
	{watermark.ErrTooSmall, http.StatusUnprocessableEntity, "the copy would be too small for a mark", "ask for a larger copy", false, 0},
	{registry.ErrErased, http.StatusGone, "it was erased", "nothing: erased uploads do not come back", false, 0},
	{registry.ErrNotFound, http.StatusNotFound, "it is not in the registry", "check the ID or the name", false, 0},
	{registry.ErrLedgerKey, http.StatusUnprocessableEntity, "it is no key of a ledger or witness", "send the key as it was printed", false, 0},
	{registry.ErrMarkKey, http.StatusConflict, "the mark key is not in use",
		"have the operator name an active mark key in kycmark.toml", false, 0},
	{investigations.ErrStage, http.StatusConflict, "the investigation is not at that stage",
		"see its stage: GET /v1/investigations/{id}", true, 0},
	{investigations.ErrNoReportKey, http.StatusConflict, "this service has no key for reports, which signs bundles",
		"have the operator make one: \"kycmark key report --create\"", false, 0},
	{registry.ErrConflict, http.StatusConflict, "the registry has it in another state, or something else under this name or ID",
		"read what is there, and use another name or request", false, 0},
	{registry.ErrReadOnly, http.StatusConflict, "the registry can only be read", "send the request to a process that may write", false, 0},
	{registry.ErrProof, http.StatusConflict, "it cannot be proved",
		"check the signatures; if a checkpoint is missing, sign one first: POST /v1/ledger/checkpoints", true, 0},
	{registry.ErrInput, http.StatusUnprocessableEntity, "it is not usable", "correct the request by the OpenAPI document", true, 0},
	{registry.ErrRefused, http.StatusUnprocessableEntity, "it was refused", "correct the request by the OpenAPI document", false, 0},
	{objects.ErrAway, http.StatusServiceUnavailable, "the server of the bucket does not answer", later, false, retryAfter},
	{objects.ErrRefused, http.StatusBadGateway, "the server of the bucket refuses",
		"have the operator check [buckets] in kycmark.toml and the keys of the bucket", false, 0},
	{registry.ErrUnavailable, http.StatusServiceUnavailable, "the registry takes no entries now", later, false, retryAfter},
	{registry.ErrTampered, http.StatusInternalServerError, "ledger and rows do not agree", "have the operator run \"kycmark audit\"", false, 0},
	{registry.ErrSealed, http.StatusInternalServerError, "its original cannot be opened",
		"have the operator run \"kycmark audit --originals\"", false, 0},
}

// statusGone is what logs say of a client that went away. It is never sent.
const statusGone = 499

// problemOf returns the problem that an error of the library is, of an object such as "submission". It keeps a *[Problem].
func problemOf(object string, err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	if p = bodyProblem(err); p != nil {
		return p
	}
	switch { // before [registry.ErrUnavailable], which wraps them
	case passing.Full(err):
		return &Problem{Status: http.StatusInsufficientStorage, Object: object, Problem: "a disk of the service is full",
			Todo: "have the operator make room, and send the same request again", again: retryAfter}
	case passing.Frozen(err):
		err = registry.ErrReadOnly
	}
	for _, f := range failures {
		if !errors.Is(err, f.is) {
			continue
		}
		p := &Problem{Status: f.status, Object: object, Problem: f.problem, Todo: f.todo, again: f.again}
		if f.text {
			text := quoted.ReplaceAllString(strings.TrimPrefix(err.Error(), f.is.Error()+": "), "“…”")
			p.Got, p.Wanted, _ = strings.Cut(strings.TrimPrefix(lastLine(errors.New(text)), "got "), ", want ")
		}
		return p
	}
	if passing.Is(err) {
		return &Problem{Status: http.StatusServiceUnavailable, Object: object, Problem: "the database does not answer", Todo: later, again: retryAfter}
	}
	return &Problem{Status: http.StatusInternalServerError, Object: object, Problem: "it failed inside",
		Todo: "send the same request again; give the operator the instance of this answer"}
}

// A bodyError is why a body could not be read to its end.
type bodyError struct{ error }

func (e bodyError) Unwrap() error { return e.error }

// bodyProblem returns the problem of a body that could not be read, or nil.
func bodyProblem(err error) *Problem {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return &Problem{Status: http.StatusRequestEntityTooLarge, Object: "body", Problem: "it is too large",
			Wanted: "at most " + strconv.FormatInt(large.Limit, 10) + " bytes", Todo: "send a smaller body"}
	case !errors.As(err, new(bodyError)):
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &Problem{Status: http.StatusRequestTimeout, Object: "body", Problem: "it did not come in time",
			Todo: "send the same request again over a faster connection"}
	}
	return &Problem{Status: http.StatusBadRequest, Object: "body", Problem: "it was cut off, or its chunks are malformed",
		Wanted: "as many bytes as its header says", Todo: "send the same request again"}
}

// quoted is what the library's errors quote, which may be a name.
var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|“[^”]*”`)

// lastLine is the text of an error of a picture, one line of at most 200 bytes.
func lastLine(err error) string {
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	if len(text) > 200 {
		text = strings.ToValidUTF8(text[:200], "") + "…"
	}
	return text
}

// fromHuma returns the problem that package huma found in a request. Values are left out: they may be personal data.
func fromHuma(m *huma.ErrorModel) *Problem {
	p := &Problem{Status: m.Status, Object: "request", Problem: m.Detail, Todo: "correct the request by the OpenAPI document, GET /v1/openapi.json"}
	var all []string
	for _, d := range m.Errors {
		what := d.Message
		if !strings.HasPrefix(what, "expected value to be one of ") { // which quotes the document
			what = quoted.ReplaceAllString(what, "“…”")
		}
		if d.Location != "" {
			what = d.Location + ": " + what
		}
		all = append(all, what)
	}
	if len(all) > 0 {
		p.Problem = lastLine(errors.New(strings.Join(all, "; ")))
	}
	return p
}
