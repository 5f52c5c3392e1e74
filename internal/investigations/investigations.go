// Package investigations does investigations that outlive the process that was asked for them. The request, the files of
// the dump, what was examined so far, and the results are kept sealed beside the registry (package kept). Any process with
// the keys goes on with an investigation whose process died.
//
//	Create ─► Add file, … ─► Begin ─► the queue ─► Do ─► findings, report ─► Read
package investigations

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/kycmark/kycmark/internal/jobs"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/kept"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// ErrStage is wrapped when an investigation is not at the stage that a call needs.
var ErrStage = errors.New("investigation: not at that stage")

// ErrNoReportKey is wrapped when a bundle is to be made without a key for reports.
var ErrNoReportKey = errors.New("investigation: no key for reports")

// Limits of one investigation. All chosen; an archive holds more files.
const (
	maxFiles = 10_000
	maxName  = 1000                // bytes of a file's name
	spooled  = 30 * 24 * time.Hour // files are kept until the investigation is over, at most so long
)

// The parts of an investigation that callers read.
const (
	Findings = kept.Findings // JSON, as [verify.Investigation.WriteFindings] writes it
	Report   = "report"      // HTML
	Bundle   = "bundle"      // zip
)

// Parts that this package alone reads.
const (
	partAsked  = "asked"
	partClosed = "closed" // no file comes any more; empty
	partState  = "state"  // replaced again and again
	partEnded  = "ended"  // the last state; workers write nothing after it
	partResume = "resume" // the state of [verify.Options]
	partTold   = "told"   // Over has returned nil; empty
	partBegins = "begins" // see begins
)

// Config is what an [Office] has as long as it lives. Registry, SealKey and Found are required.
type Config struct {
	Registry *registry.Registry
	SealKey  *registry.SealKey
	Found    *verify.Investigator
	Queue    *jobs.Queue // for [Office.Run]

	References        int // of [verify.Options]
	UploadsPerSubject int // of [findings.Circumstances]

	Sealing                             // for bundles
	Warn    func(id kept.ID, why error) // what kept an investigation from going on; nil: not said
	// Over, where set, is called by [Office.Run] for each investigation that is over, until it returns nil: also
	// after a crash, and for investigations of other processes.
	Over func(ctx context.Context, s *State) error
}

// An Office takes investigations, does them, and has their results. It is safe for concurrent use.
type Office struct {
	Config
	kept  *kept.Store
	now   func() time.Time
	save  time.Duration // see saveEvery
	begun chan struct{} // an investigation has begun here
}

// New returns the office of a configuration.
func New(cfg Config) *Office {
	if cfg.Warn == nil {
		cfg.Warn = func(kept.ID, error) {}
	}
	return &Office{cfg, kept.New(cfg.Registry, cfg.SealKey), time.Now, saveEvery, make(chan struct{}, 1)}
}

// A Request says what is to be found out. Requests with one ID are one investigation.
type Request struct {
	ID      kept.ID  `json:"-"` // zero: a random one
	Actor   string   // who asks, as the ledger names it
	Command []string // how it was asked for, as ledger and report repeat it
	findings.Circumstances
	Against []watermark.Submission // as in [verify.Options]
	Reveal  bool                   // results name subjects and all recipients
}

// asked is a request as it is kept.
type asked struct {
	Request
	Spool kept.ID  // of the files
	Once  [32]byte // random: however often it is begun anew, it is one investigation in the ledger
}

// A Stage is how far an investigation is.
type Stage string

// The stages. Files can be added to an open investigation alone.
const (
	Open      Stage = "open"
	Waiting   Stage = "waiting" // for a worker
	Examining Stage = "examining"
	Done      Stage = "done"
	Failed    Stage = "failed"
)

// Over reports whether nothing will change any more.
func (s Stage) Over() bool { return s == Done || s == Failed }

// A File is a file of a dump.
type File struct {
	Name   string       `json:"name"`
	Size   int64        `json:"size" doc:"Bytes"`
	SHA256 books.Digest `json:"sha256" doc:"Hex"`
}

// A State says how far an investigation is.
type State struct {
	ID       kept.ID   `json:"investigation" doc:"32 hex digits"`
	Stage    Stage     `json:"stage" enum:"open,waiting,examining,done,failed" doc:"Files can be added while it is open. Results are there when it is done."`
	Made     time.Time `json:"made"`
	Examined int       `json:"examined" doc:"Files, also in archives"`
	Total    int       `json:"total" doc:"0: not known yet"`
	Problem  string    `json:"problem,omitempty" doc:"Why it failed"`
	Unissued int       `json:"unissued,omitempty" doc:"Pictures with a mark under a key of the registry that it does not list"`
	Unread   []Unread  `json:"unread,omitempty" doc:"If no picture could be examined: the first files and why"`
}

// An Unread file could not be examined.
type Unread struct {
	File    string `json:"file"`
	Problem string `json:"problem"`
}

// maxUnread is the max number of unread files in a state. Chosen.
const maxUnread = 100

// Create makes an open investigation. The error wraps [registry.ErrInput] if the request cannot be, and
// [registry.ErrNotFound] if a submission to compare with is not there.
func (o *Office) Create(ctx context.Context, r Request) (*State, error) {
	r.UploadsPerSubject = cmp.Or(r.UploadsPerSubject, o.UploadsPerSubject)
	switch {
	case r.Found.After(o.now().Add(clockError)):
		return nil, fmt.Errorf("%w: found: got %s, want a time that is not in the future", registry.ErrInput, r.Found.UTC().Format(time.RFC3339))
	case r.Found.IsZero() && r.Evidence != "":
		return nil, fmt.Errorf("%w: evidence of when the leaks were found: it needs the time", registry.ErrInput)
	}
	if _, err := o.Found.Begin(o.options(asked{Request: r})); err != nil {
		return nil, err
	}
	for _, id := range r.Against {
		if _, err := o.Registry.Submission(ctx, id); err != nil && !errors.Is(err, registry.ErrErased) {
			return nil, err
		}
	}
	x := asked{Request: r}
	rand.Read(x.Once[:])
	var err error
	if x.Spool, err = o.kept.Create(ctx, kept.Request{Kind: kept.Spool, For: spooled}); err != nil {
		return nil, err
	}
	id, err := o.kept.Create(ctx, kept.Request{ID: r.ID, Kind: kept.Investigation})
	if err == nil { // it is an investigation from now on
		err = o.write(ctx, id, partAsked, partAsked, x)
	}
	if err != nil && !errors.Is(err, registry.ErrConflict) { // else another request with the ID made it
		return nil, err
	}
	return o.State(ctx, id)
}

// clockError is by how much clocks may differ. Chosen.
const clockError = time.Minute

func (o *Office) options(x asked) *verify.Options {
	return &verify.Options{Actor: x.Actor, Command: x.Command, Circumstances: x.Circumstances, Against: x.Against,
		References: o.References, Once: x.Once}
}

func (o *Office) opened(ctx context.Context, id kept.ID) (x asked, err error) {
	in, err := o.open(ctx, id)
	if err != nil {
		return x, err
	}
	if in.has(partClosed) {
		return x, fmt.Errorf("%w: got begun, want open", ErrStage)
	}
	return x, in.read(ctx, partAsked, &x)
}

// Begin has an investigation done, with the files that it has now. What has begun goes on. The error wraps
// [registry.ErrInput] without files.
func (o *Office) Begin(ctx context.Context, id kept.ID) (*State, error) {
	in, err := o.open(ctx, id)
	if err != nil {
		return nil, err
	}
	var x asked
	if in.has(kept.Begun) {
		return o.State(ctx, id)
	}
	if err := in.read(ctx, partAsked, &x); err != nil {
		return nil, err
	}
	list, err := o.list(ctx, x.Spool)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("%w: the investigation has no files", registry.ErrInput)
	}
	if err == nil { // no call of Add succeeds from now on
		_, err = o.kept.Write(ctx, id, partClosed, bytes.NewReader(nil))
	}
	if err == nil {
		list, err = o.list(ctx, x.Spool)
	}
	if err == nil {
		err = o.write(ctx, id, kept.Begun, kept.Begun, list)
	}
	if err != nil && !errors.Is(err, registry.ErrConflict) { // else another call begins it
		return nil, err
	}
	select {
	case o.begun <- struct{}{}:
	default: // a look is due
	}
	return o.State(ctx, id)
}

// State returns how far an investigation is. The error wraps [registry.ErrNotFound] if it is not there.
func (o *Office) State(ctx context.Context, id kept.ID) (*State, error) {
	_, s, err := o.look(ctx, id)
	return s, err
}

// looks is how often a state is read that is replaced while it is read. Chosen: it is replaced every few seconds.
const looks = 10

func (o *Office) look(ctx context.Context, id kept.ID) (in inside, s *State, err error) {
	for range looks {
		if in, err = o.open(ctx, id); err != nil {
			return in, nil, err
		}
		if s, err = in.state(ctx); !errors.Is(err, registry.ErrNotFound) {
			return in, s, err
		}
	}
	return in, nil, err
}

// List returns the states of the newest investigations, at most limit, the newest first.
func (o *Office) List(ctx context.Context, limit int) ([]State, error) {
	all, err := o.kept.List(ctx, kept.Investigation)
	out := []State{}
	for _, x := range slices.Backward(all) {
		if len(out) == limit {
			break
		}
		s, err := o.State(ctx, x.ID)
		switch {
		case err == nil:
			out = append(out, *s)
		case !errors.Is(err, registry.ErrNotFound): // else removed meanwhile
			return nil, err
		}
	}
	return out, err
}

// Read returns a part of an investigation: [Findings], [Report] or [Bundle]. The error wraps [ErrStage] if it is not
// done, [registry.ErrNotFound] if it does not exist, and [ErrNoReportKey] if a bundle cannot be made here.
func (o *Office) Read(ctx context.Context, id kept.ID, part string) (io.Reader, kept.Part, error) {
	in, s, err := o.look(ctx, id)
	if err == nil && s.Stage != Done {
		err = fmt.Errorf("%w: got %s, want done", ErrStage, s.Stage)
	}
	if err == nil && part == Bundle && !in.has(Bundle) {
		if err = o.bundle(ctx, in); err == nil || errors.Is(err, registry.ErrConflict) {
			in, err = o.open(ctx, id)
		}
	}
	if err != nil {
		return nil, kept.Part{}, err
	}
	return in.Read(ctx, kept.Part{Name: part})
}

// Remove destroys an investigation with its files. A worker that examines it stops. What the ledger has of it stays.
func (o *Office) Remove(ctx context.Context, id kept.ID) error {
	in, err := o.open(ctx, id)
	if err != nil {
		return err
	}
	var x asked
	if err = in.read(ctx, partAsked, &x); err == nil {
		err = o.kept.Remove(ctx, x.Spool)
	}
	if err != nil && !errors.Is(err, registry.ErrNotFound) && !errors.Is(err, registry.ErrSealed) { // else the files expire
		return err
	}
	return o.kept.Remove(ctx, id)
}

// An inside is an investigation as it was when it was opened.
type inside struct{ *kept.Opened }

// errHalf is the error of an investigation whose [Office.Create] was killed.
var errHalf = fmt.Errorf("%w: it was never made to its end", registry.ErrNotFound)

// open opens an investigation. The error wraps [registry.ErrNotFound] if it is not there.
func (o *Office) open(ctx context.Context, id kept.ID) (inside, error) {
	x, err := o.kept.Open(ctx, id)
	if err == nil && (x.Kind != kept.Investigation || !inside{x}.has(partAsked)) {
		err = errHalf
	}
	return inside{x}, err
}

func (x inside) has(part string) bool {
	return slices.ContainsFunc(x.Parts, func(p kept.Part) bool { return p.Name == part })
}

func (x inside) read(ctx context.Context, part string, to any) error {
	r, _, err := x.Read(ctx, kept.Part{Name: part})
	if err != nil {
		return err
	}
	return json.NewDecoder(r).Decode(to)
}

func (x inside) state(ctx context.Context) (*State, error) {
	s, err := State{Stage: Open}, error(nil)
	switch {
	case x.has(partEnded):
		err = x.read(ctx, partEnded, &s)
	case x.has(partState):
		err = x.read(ctx, partState, &s)
	case x.has(kept.Begun):
		s.Stage = Waiting
	}
	s.ID, s.Made = x.ID, x.Made
	return &s, err
}

// write writes a part as JSON, unless the investigation has the part of that name.
func (o *Office) write(ctx context.Context, id kept.ID, part, unless string, x any) error {
	text, err := json.Marshal(x)
	if err == nil {
		_, err = o.kept.WriteUnless(ctx, id, part, unless, bytes.NewReader(text))
	}
	return err
}
