package investigations

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kycmark/kycmark/internal/jobs"
	"github.com/kycmark/kycmark/internal/passing"
	"github.com/kycmark/kycmark/internal/seal"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/kept"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// Kind is that of the jobs of package jobs.
const Kind = "investigation"

// A task is what a job is to do.
type task struct{ Of kept.ID }

const (
	lookEvery = 30 * time.Second // for investigations that others began. Chosen
	maxJump   = time.Hour        // by how much a clock may be set forward from one look to the next, and files still expire. Chosen
	tryEvery  = 5 * time.Second  // to take jobs. Chosen
	saveEvery = 5 * time.Second  // how far an investigation is. A kill loses so much work. Chosen
	ofSaving  = 10               // saving takes at most one of so many parts of the time. Chosen
	atOnce    = 2                // investigations at a time, so that a small one need not wait for a large one. Chosen
)

// Run does investigations of all processes that have begun, until ctx ends. It then gives up the ones that it is at:
// another process, or the next Run, goes on with them. If it cannot begin, it says so and tries again.
func (o *Office) Run(ctx context.Context) {
	var asking sync.WaitGroup
	asking.Go(func() { o.ask(ctx) })
	do := func(c context.Context, text []byte) (any, error) { // also a job that another process asked for ends with ctx
		c, stop := context.WithCancel(c)
		defer stop()
		defer context.AfterFunc(ctx, stop)()
		return o.Do(c, text)
	}
	for ctx.Err() == nil {
		o.warn(ctx, o.Queue.Work(ctx, atOnce, map[string]jobs.Func{Kind: do}, func(d jobs.Done) { o.warn(ctx, d.Err) }))
		select {
		case <-time.After(tryEvery):
		case <-ctx.Done():
		}
	}
	asking.Wait()
}

// warn says what keeps investigations from going on, unless ctx has ended.
func (o *Office) warn(ctx context.Context, why error) {
	if why != nil && ctx.Err() == nil {
		o.Warn(kept.ID{}, why)
	}
}

// ask queues the investigations that have begun and are not over, and waits for them. Each process asks for each of
// them, so that one goes on as long as any process lives; the queue has it done by one at a time.
func (o *Office) ask(ctx context.Context) {
	var waiting sync.WaitGroup
	defer waiting.Wait()
	var known sync.Map // IDs of investigations that are asked for, or over
	for last := time.Now(); ctx.Err() == nil; {
		now := time.Now() // a clock that is wrong for a moment must not let files of begun investigations expire
		if jump := now.Round(0).Sub(last.Round(0)) - now.Sub(last); jump < maxJump {
			_, err := o.kept.Sweep(ctx)
			o.warn(ctx, err)
		}
		last = now
		all, err := o.kept.List(ctx, kept.Investigation)
		for _, x := range all {
			if _, is := known.Load(x.ID); is {
				continue
			}
			in, s, err := o.look(ctx, x.ID)
			fresh := o.now().Before(x.Made.Add(spooled))
			if errors.Is(err, errHalf) && !fresh {
				_ = o.kept.Remove(ctx, x.ID) // or the next look does
			}
			if err != nil || s.Stage == Open && fresh {
				continue // the next look finds out
			}
			known.Store(x.ID, nil)
			if s.Stage == Open || s.Stage.Over() && (o.Over == nil || in.has(partTold)) { // open: its files have expired
				continue
			}
			waiting.Go(func() {
				if err := errors.Join(o.askFor(ctx, x.ID), o.tell(ctx, x.ID)); err != nil && ctx.Err() == nil {
					o.Warn(x.ID, err)
					known.Delete(x.ID)
				}
			})
		}
		o.warn(ctx, err)
		select {
		case <-time.After(lookEvery):
		case <-o.begun:
		case <-ctx.Done():
		}
	}
}

func (o *Office) askFor(ctx context.Context, id kept.ID) error {
	job := func(yield func(jobs.Job, error) bool) {
		yield(jobs.Job{Kind: Kind, Do: task{id}, Once: id.String()}, nil)
	}
	return o.Queue.Run(ctx, job, func(_ jobs.Job, _ json.RawMessage, err error) error { return err }, nil)
}

// tell calls Over for an investigation that is over. A removed one is passed over.
func (o *Office) tell(ctx context.Context, id kept.ID) error {
	in, s, err := o.look(ctx, id)
	if err == nil && o.Over != nil && s.Stage.Over() && !in.has(partTold) {
		if err = o.Over(ctx, s); err == nil {
			_, err = o.kept.Write(ctx, id, partTold, bytes.NewReader(nil))
		}
	}
	if errors.Is(err, registry.ErrNotFound) {
		return nil
	}
	return err
}

// Do does the job that text asks for, as [jobs.Func] says. An investigation that is over or was removed is done.
func (o *Office) Do(ctx context.Context, text []byte) (any, error) {
	var t task
	if err := json.Unmarshal(text, &t); err != nil {
		return nil, err
	}
	in, s, err := o.look(ctx, t.Of)
	if errors.Is(err, registry.ErrNotFound) {
		return nil, nil
	}
	if err != nil || s.Stage.Over() {
		return nil, err
	}
	if err = noteBegin(ctx, o, in); err == nil {
		err = o.examine(ctx, in, in.has(partResume))
		if errors.Is(err, errStale) {
			err = o.examine(ctx, in, false)
		}
		ended, stop := context.WithTimeout(context.WithoutCancel(ctx), tryEvery)
		_ = o.write(ended, t.Of, partBegins, "", begins{}) // else one death too many is counted
		stop()
	}
	if err == nil || ctx.Err() != nil {
		return nil, err
	}
	in, s, gone := o.look(ctx, t.Of)
	if errors.Is(gone, registry.ErrNotFound) || gone == nil && s.Stage.Over() { // another worker ended it
		return nil, nil
	}
	if gone != nil || passing.Is(err) || errors.Is(err, registry.ErrConflict) || passing.Full(err) {
		return nil, err // it is tried again: a conflict is with a worker that is lost
	}
	if _, _, lost := spoolOf(ctx, o, in); errors.Is(err, registry.ErrNotFound) && !errors.Is(lost, registry.ErrNotFound) {
		return nil, err // the same: another worker replaced what was read
	}
	failed := State{Stage: Failed, Problem: err.Error()}
	if nothing := (*verify.NothingError)(nil); errors.As(err, &nothing) {
		for _, f := range nothing.Files[:min(len(nothing.Files), maxUnread)] {
			failed.Unread = append(failed.Unread, Unread{f.File, f.Error})
		}
	}
	return nil, o.write(ctx, t.Of, partEnded, partEnded, failed)
}

// spoolOf opens the files of an investigation.
func spoolOf(ctx context.Context, o *Office, in inside) (x asked, spool *kept.Opened, err error) {
	if err = in.read(ctx, partAsked, &x); err == nil {
		spool, err = o.kept.Open(ctx, x.Spool)
	}
	return x, spool, err
}

// errStale says that an investigation cannot go on: a program of another version or with other keys had begun it.
var errStale = errors.New("what was examined so far cannot be used")

// examine examines the files of an investigation, weighs the findings, and writes what follows. With resumed it goes on where one stopped.
func (o *Office) examine(ctx context.Context, in inside, resumed bool) error {
	x, spool, err := spoolOf(ctx, o, in)
	if err != nil {
		return err
	}
	var list []File
	if err := in.read(ctx, kept.Begun, &list); err != nil {
		return err
	}
	opts, state := o.options(x), new(state)
	opts.State = state
	if resumed {
		if err := state.resume(ctx, in); err != nil {
			return err
		}
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	saved, stop := o.keepSaving(ctx, fail, in.ID, opts, state)
	defer stop()
	inv, err := o.Found.Begin(opts)
	if err != nil {
		return err
	}
	var leaks []*findings.Finding
	for f, err := range inv.FS(ctx, &files{ctx, fail, spool, list}) {
		if resumed && len(leaks) == 0 && errors.Is(err, registry.ErrInput) {
			return errStale
		}
		if err != nil {
			return cmp.Or(context.Cause(ctx), err)
		}
		leaks = append(leaks, f)
	}
	stop()
	v, err := inv.Weigh(ctx, leaks)
	if err == nil {
		err = o.conclude(ctx, in.ID, inv, v, x.Reveal)
	}
	if err != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	done := State{Stage: Done, Examined: len(leaks), Total: int(saved.total.Load())}
	for _, f := range leaks {
		if f.Kind == findings.FoundUnissued {
			done.Unissued++
		}
	}
	if err := o.write(ctx, in.ID, partEnded, partEnded, done); err != nil {
		return err
	}
	if now, err := o.open(ctx, in.ID); err == nil && o.LedgerKey != "" {
		_ = o.bundle(ctx, now) // before later copies of its uploads leave it without a proof. Read tries again
	}
	_, err = o.kept.Write(ctx, in.ID, partResume, bytes.NewReader(nil)) // it has no use any more
	if gone := o.kept.Remove(ctx, x.Spool); !errors.Is(gone, registry.ErrNotFound) {
		err = errors.Join(err, gone)
	}
	if err != nil {
		o.Warn(in.ID, err) // the files expire
	}
	return nil
}

// conclude writes findings and report, and which uploads they show.
func (o *Office) conclude(ctx context.Context, id kept.ID, inv *verify.Investigation, v *findings.Verdict, reveal bool) error {
	var text, page bytes.Buffer
	if err := errors.Join(inv.WriteFindings(ctx, &text, v, reveal), inv.WriteReport(ctx, &page, v, reveal)); err != nil {
		return err
	}
	var shown []watermark.Submission
	for _, f := range findings.Views(v.Findings) { // a report also shows the upload that a leak resembles
		if f.Submission != (watermark.Submission{}) {
			shown = append(shown, f.Submission)
		}
	}
	if err := o.kept.Show(ctx, id, shown...); err != nil {
		return err
	}
	if _, err := o.kept.WriteUnless(ctx, id, Findings, partEnded, &text); err != nil {
		return err
	}
	_, err := o.kept.WriteUnless(ctx, id, Report, partEnded, &page)
	return err
}

// A state is that of package verify, in memory: a file would stay, in clear, after a crash.
type state struct {
	mu   sync.Mutex
	text []byte
}

var _ verify.State = (*state)(nil)

func (*state) Name() string { return partResume }

func (x *state) Read() ([]byte, error)  { return x.set(func(is []byte) []byte { return is }), nil }
func (x *state) Replace(b []byte) error { x.set(func([]byte) []byte { return b }); return nil }
func (x *state) Append(b []byte) error {
	x.set(func(is []byte) []byte { return append(is, b...) }) // the bytes before stay as they are for who has read them
	return nil
}

func (x *state) set(to func(is []byte) []byte) []byte {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.text = to(x.text)
	return x.text
}

// resume reads what was examined so far.
func (x *state) resume(ctx context.Context, in inside) error {
	r, _, err := in.Read(ctx, kept.Part{Name: partResume})
	if err == nil {
		x.text, err = io.ReadAll(r)
	}
	return err
}

// saved is how far an investigation is.
type saved struct{ done, total atomic.Int64 }

// keepSaving keeps, again and again, how far the investigation is that opts describe: its progress and its state. A
// failure ends the investigation by fail. stop ends the saving, and may be called twice.
func (o *Office) keepSaving(ctx context.Context, fail func(error), id kept.ID, opts *verify.Options, state *state) (s *saved, stop func()) {
	s = new(saved)
	opts.Progress = func(done, total int) { s.done.Store(int64(done)); s.total.Store(int64(total)) }
	ended := make(chan struct{})
	var saving sync.WaitGroup
	saving.Go(func() {
		last, pause := int64(-1), time.Duration(0) // the first save is at once
		for {
			select {
			case <-ended:
				return
			case <-time.After(pause):
			}
			begun := time.Now()
			size, err := o.saveOnce(ctx, s, id, state, last)
			if last = size; err != nil {
				fail(err)
				return
			}
			pause = max(o.save, ofSaving*time.Since(begun))
		}
	})
	return s, sync.OnceFunc(func() { close(ended); saving.Wait() })
}

// saveOnce saves the state, unless it has still so many bytes, and the progress. It returns the bytes of the state.
func (o *Office) saveOnce(ctx context.Context, s *saved, id kept.ID, state *state, last int64) (int64, error) {
	text, _ := state.Read() // never fails
	if len(text) > 0 && int64(len(text)) != last {
		if _, err := o.kept.WriteUnless(ctx, id, partResume, partEnded, bytes.NewReader(text)); err != nil {
			return last, err
		}
	}
	return int64(len(text)), o.write(ctx, id, partState, partEnded, State{Stage: Examining, Examined: int(s.done.Load()), Total: int(s.total.Load())})
}

// Sealing is what bundles are sealed with. Without a ReportKey no bundle is made.
type Sealing struct {
	ReportKey    ed25519.PrivateKey
	LedgerPublic string // "": bundles have no proofs from the ledger
	LedgerKey    string // "": proofs rest on the checkpoints that others signed
}

// bundle makes a done investigation's bundle. The error wraps [registry.ErrProof] if no signed checkpoint covers it.
func (o *Office) bundle(ctx context.Context, in inside) error {
	if o.ReportKey == nil {
		return ErrNoReportKey
	}
	made := seal.Investigation{Registry: o.Registry, LedgerPublic: o.LedgerPublic, Made: o.now()}
	if o.LedgerKey != "" {
		made.Sign = func(ctx context.Context) error {
			_, err := registry.SignLast(ctx, o.Registry.Ledger(), o.LedgerKey)
			return err
		}
		if err := made.Sign(ctx); err != nil {
			return err
		}
	}
	for part, to := range map[string]*[]byte{Findings: &made.Findings, Report: &made.Report} {
		r, _, err := in.Read(ctx, kept.Part{Name: part})
		if err == nil {
			*to, err = io.ReadAll(r)
		}
		if err != nil {
			return err
		}
	}
	b, err := seal.Seal(ctx, made, o.ReportKey, nil)
	if err != nil {
		return err
	}
	var data bytes.Buffer
	if err := b.Archive(&data); err != nil {
		return err
	}
	_, err = o.kept.Write(ctx, in.ID, Bundle, &data)
	return err
}
