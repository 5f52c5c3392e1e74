package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/verify/internal/findings"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// The segments of local features may be too large for one machine: 4.7 kB an upload. Then each machine holds a
// group of them, and answers for each leak what its features hit there: see [parts.Index.Answer]. The investigator votes
// over all answers, so that the findings equal what one machine would find. It reads the features of the few uploads that it
// looks at closely from their rows. Hashes take 2 % of the bytes, and each investigator has all of them.

// Groups divide the segments of local features of a registry among [Holder]s.
type Groups struct {
	// N is the number of groups: group k, from 1 to N, has every N-th segment from the k-th on.
	N int
	// Ask returns what [Holder.Answer] of a group answers to a question. After an error, which says why there is no
	// answer, leaks that the group's uploads may show are [FoundIncomplete].
	Ask func(ctx context.Context, group int, question []byte) ([]byte, error)
}

// groupRest is how long a group that did not answer is not asked again: each leak would wait for it. Chosen.
const groupRest = time.Minute

// A groupQuestion asks a holder of segments which uploads one of them has, or what the features of leaks hit in each.
type groupQuestion struct {
	Segments []string
	List     string   `json:",omitempty"` // one of these: together their lists could exceed what a job may return
	Leaks    [][]byte `json:",omitempty"` // [parts.Query.Question]
}

// A groupAnswer answers a [groupQuestion].
type groupAnswer struct {
	Uploads heldUploads `json:",omitzero"`
	Hits    [][][]byte  `json:",omitempty"` // for each leak, for each segment
}

// heldUploads has a bit for each number of a segment, from its first on: for uploads with features, and for uploads
// without.
type heldUploads struct{ Featured, Blank []byte }

// set sets the bit of a number, counted from 0.
func set(bits []byte, at int64) []byte {
	if more := at/8 + 1 - int64(len(bits)); more > 0 {
		bits = append(bits, make([]byte, more)...)
	}
	bits[at/8] |= 1 << (at % 8)
	return bits
}

// each yields the uploads of a segment as [parts.Index.Mounted] does; the number of features is 1 or 0.
func (h heldUploads) each(s *engine.Segment) iter.Seq2[int64, int] {
	return func(yield func(int64, int) bool) {
		for n, bits := range [][]byte{h.Blank, h.Featured} {
			for at := int64(0); at < int64(8*len(bits)) && at <= s.Last-s.First; at++ {
				if bits[at/8]>>(at%8)&1 == 1 && !yield(s.First+at, n) {
					return
				}
			}
		}
	}
}

// A Holder holds segments of local features of a registry, and answers what investigators ask about them: see
// [Groups]. It is safe for concurrent use.
type Holder struct {
	in  *registry.Registry
	key *registry.SealKey

	mu     sync.Mutex
	index  *parts.Index
	held   map[string]*engine.Segment // by file: the segments of index
	erased int64                      // number of the last erasure that was followed
}

// NewHolder returns a holder of segments of a registry, which key opens. It opens a segment at the first question about it.
func NewHolder(in *registry.Registry, key *registry.SealKey) *Holder {
	return &Holder{in: in, key: key, index: new(parts.Index)}
}

// Answer answers a question of an investigator, for [Groups]. The error wraps [registry.ErrInput] if it is malformed,
// or [registry.ErrNotFound] if the registry does not list a segment any more. It names a segment that is altered.
func (h *Holder) Answer(ctx context.Context, question []byte) ([]byte, error) {
	var q groupQuestion
	if err := json.Unmarshal(question, &q); err != nil {
		return nil, fmt.Errorf("%w: a question of another version: %w", registry.ErrInput, err)
	}
	index, held, err := h.open(ctx, q.Segments)
	if err != nil {
		return nil, err
	}
	var a groupAnswer
	if s := held[q.List]; s != nil {
		for number, n := range index.Mounted(q.List) {
			if n > 0 {
				a.Uploads.Featured = set(a.Uploads.Featured, number-s.First)
			} else {
				a.Uploads.Blank = set(a.Uploads.Blank, number-s.First)
			}
		}
		return json.Marshal(a)
	}
	a.Hits = make([][][]byte, len(q.Leaks))
	for i, leak := range q.Leaks {
		for _, file := range q.Segments {
			hits, err := index.Answer(ctx, leak, file)
			if err != nil {
				return nil, err
			}
			a.Hits[i] = append(a.Hits[i], hits)
		}
	}
	return json.Marshal(a)
}

// open returns an index of the segments files, and others, without what was erased.
func (h *Holder) open(ctx context.Context, files []string) (*parts.Index, map[string]*engine.Segment, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if slices.ContainsFunc(files, func(f string) bool { return h.held[f] == nil }) {
		index, all, err := h.in.Engine().FeatureSegments(ctx, h.key, func(f string) bool { return h.held[f] != nil || slices.Contains(files, f) })
		if err != nil {
			return nil, nil, err
		}
		held := make(map[string]*engine.Segment)
		for i := range all {
			if all[i].Err == nil {
				held[all[i].File] = &all[i]
			} else if slices.Contains(files, all[i].File) {
				return nil, nil, all[i].Err
			}
		}
		for _, f := range files {
			if held[f] == nil {
				return nil, nil, fmt.Errorf("%w: segment %s: it was replaced, or removed by an erasure", registry.ErrNotFound, f)
			}
		}
		maps := make(map[string]*engine.Segment)
		for f, s := range held {
			if h.held[f] != nil || slices.Contains(files, f) {
				maps[f] = s
			}
		}
		h.index, h.held, h.erased = index, maps, 0
	}
	var err error
	h.erased, err = h.in.Engine().ErasedAfter(ctx, h.erased, func(number int64, _ watermark.Submission) { h.index.Remove(number) })
	return h.index, h.held, err
}

// grouped is what a catalogue knows of the groups.
type grouped struct {
	Groups
	listed []bool      // by group: its uploads are known
	tried  []time.Time // when it last gave no answer
	why    []error     // it last gave no answer; nil: it did
	asking []asking
}

// newGrouped returns nil for no groups.
func newGrouped(g Groups) *grouped {
	if g.N == 0 {
		return nil
	}
	return &grouped{Groups: g, listed: make([]bool, g.N), tried: make([]time.Time, g.N), why: make([]error, g.N), asking: newAsking(g.N)}
}

// name is the name of a group in findings, counted from 0.
func (g *grouped) name(k int) string { return fmt.Sprintf("%d/%d", k+1, g.N) }

// of returns the files of a group, counted from 0.
func (g *grouped) of(k int, features []engine.Segment) (files []string) {
	for i := k; i < len(features); i += g.N {
		files = append(files, features[i].File)
	}
	return files
}

// question has a group, counted from 0, answer a question.
func (g *grouped) question(ctx context.Context, k int, q groupQuestion) (a groupAnswer, err error) {
	text, err := json.Marshal(q)
	if err == nil {
		text, err = g.Ask(ctx, k+1, text)
	}
	if err == nil {
		err = json.Unmarshal(text, &a)
	}
	if err == nil && (len(a.Hits) != len(q.Leaks) || slices.ContainsFunc(a.Hits, func(hits [][]byte) bool { return len(hits) != len(q.Segments) })) {
		err = errors.New("an answer to another question")
	}
	if ended := ctx.Err(); ended != nil {
		return a, ended
	}
	return a, err
}

// Leaks that come while a group answers wait, and are asked about together: each question is a job in a queue.
const (
	questionsPer  = 4       // processors of this process for each question that a group answers at a time. Chosen
	maxAskedBytes = 4 << 20 // of the leaks of one question: 17 leaks of all features. Chosen
	maxAnswers    = 500     // of one question: leaks times segments. The largest one seen had 35 kB; a job returns up to 32 MB
)

// asking are the leaks that wait for one group.
type asking struct {
	turn chan struct{} // holds a value for each question that the group answers

	mu   sync.Mutex
	wait []*askedLeak // in the order of their coming
}

// An askedLeak waits for the answer of a group.
type askedLeak struct {
	files    []string
	question []byte
	hits     [][]byte
	err      error
	done     chan struct{} // closed when hits and err are set
}

func newAsking(n int) []asking {
	out := make([]asking, n)
	for k := range out {
		out[k].turn = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/questionsPer))
	}
	return out
}

// take removes the leaks of the next question from the list of waiting leaks, and returns them: l, if it waits, and others about
// the same segments, up to [maxAskedBytes] and [maxAnswers]. If l does not wait any more, the result is empty.
func (a *asking) take(l *askedLeak) (batch []*askedLeak) {
	a.mu.Lock()
	defer a.mu.Unlock()
	at := slices.Index(a.wait, l)
	if at < 0 {
		return nil
	}
	batch, a.wait = append(batch, l), slices.Delete(a.wait, at, at+1)
	size := len(l.question)
	a.wait = slices.DeleteFunc(a.wait, func(x *askedLeak) bool {
		if size += len(x.question); size > maxAskedBytes || (len(batch)+1)*len(l.files) > maxAnswers || !slices.Equal(x.files, l.files) {
			size -= len(x.question)
			return false
		}
		batch = append(batch, x)
		return true
	})
	return batch
}

// errLeft is the error of leaks whose question another investigation asked, and gave up.
var errLeft = errors.New("the question was given up")

// leak asks group k, counted from 0, what a leak hits in the segments files: together with the leaks that wait, as soon as the
// group may be asked. The error is ctx's, or says why there is no answer.
func (g *grouped) leak(ctx context.Context, k int, files []string, question []byte) ([][]byte, error) {
	a := &g.asking[k]
	l := &askedLeak{files: files, question: question, done: make(chan struct{})}
	a.mu.Lock()
	a.wait = append(a.wait, l)
	a.mu.Unlock()
	for turn := a.turn; ; {
		select {
		case turn <- struct{}{}:
			g.answer(ctx, k, a.take(l))
			<-a.turn
			turn = nil // another asks, or did
		case <-l.done:
			if l.err == errLeft && ctx.Err() == nil {
				return g.leak(ctx, k, files, question)
			}
			return l.hits, l.err
		case <-ctx.Done():
			return nil, ctx.Err() // another may ask in vain
		}
	}
}

// answer has group k, counted from 0, answer for leaks.
func (g *grouped) answer(ctx context.Context, k int, batch []*askedLeak) {
	if len(batch) == 0 {
		return
	}
	q := groupQuestion{Segments: batch[0].files}
	for _, l := range batch {
		q.Leaks = append(q.Leaks, l.question)
	}
	a, err := g.question(ctx, k, q)
	if ctx.Err() != nil {
		err = errLeft
	}
	for i, l := range batch {
		if l.err = err; err == nil {
			l.hits = a.Hits[i]
		}
		close(l.done)
	}
}

// list asks the groups that did not say it yet which uploads they have. Erasures have to be followed anew afterwards. The
// error is ctx's. The caller holds mu.
func (c *catalogue) list(ctx context.Context) error {
	if c.groups == nil {
		return nil
	}
	g := c.groups
	for k := range g.N {
		files := g.of(k, c.features)
		if g.listed[k] || time.Since(g.tried[k]) < groupRest {
			continue
		}
		g.why[k] = nil
		for i := 0; i < len(files) && g.why[k] == nil; i++ {
			var a groupAnswer
			if a, g.why[k] = g.question(ctx, k, groupQuestion{Segments: files, List: files[i]}); ctx.Err() != nil {
				return ctx.Err()
			}
			s := &c.features[k+i*g.N]
			c.enter(s, a.Uploads.each(s))
		}
		g.tried[k], g.listed[k], c.erased = time.Now(), g.why[k] == nil, 0
	}
	return nil
}

// enter enters the uploads of a segment of features. The caller holds mu.
func (c *catalogue) enter(s *engine.Segment, uploads iter.Seq2[int64, int]) {
	for number, n := range uploads {
		how := noUpload
		if number < int64(len(c.reach)) {
			how = c.reach[number]
		}
		if how != byNoRecord && (n > 0 || how == byHash) {
			c.set(number, byAll)
		}
	}
	for _, number := range s.Damaged {
		c.set(number, byNoRecord)
	}
}

// elsewhere reports whether the features of a submission are in a segment of a group. The caller holds mu.
func (c *catalogue) elsewhere(number int64) bool {
	return c.groups != nil && slices.ContainsFunc(c.features, func(s engine.Segment) bool {
		return s.First <= number && number <= s.Last && !slices.Contains(s.Flat, number) && !slices.Contains(s.Damaged, number)
	})
}

// ask asks all groups what the features of a leak hit, and returns the answers in the order of the segments. It also
// returns the names of the groups that did not answer. After the end of ctx both are empty. The caller does not hold mu.
func (c *catalogue) ask(ctx context.Context, q *parts.Query) (hits [][]byte, unanswered []string) {
	g := c.groups
	c.mu.Lock()
	features, all, question := c.features, make([][]byte, len(c.features)), q.Question()
	why := make([]error, g.N)
	for k := range why {
		if g.why[k] != nil && (!g.listed[k] || time.Since(g.tried[k]) < groupRest) {
			why[k] = g.why[k]
		}
	}
	c.mu.Unlock()
	var wg sync.WaitGroup
	for k := range g.N {
		files := g.of(k, features)
		if len(files) == 0 || why[k] != nil {
			continue
		}
		wg.Go(func() {
			var hits [][]byte
			hits, why[k] = g.leak(ctx, k, files, question)
			for i, h := range hits {
				all[k+i*g.N] = h
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return nil, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for k := range g.N {
		if why[k] != nil {
			unanswered = append(unanswered, g.name(k))
			if g.why[k] == nil || time.Since(g.tried[k]) >= groupRest {
				g.why[k], g.tried[k] = why[k], time.Now()
			}
		}
	}
	return slices.DeleteFunc(all, func(h []byte) bool { return h == nil }), unanswered
}

// featuresOf returns the features of a submission from its row: nil if it was erased, or its row cannot be read. Then it is
// counted, and noted in l.
func (v *Investigator) featuresOf(ctx context.Context, l *leakPicture, number int64) (*parts.Features, error) {
	f, err := v.engine().FoundAt(ctx, v.cfg.SealKey, number)
	if err != nil || f == nil {
		return nil, err
	}
	if f.FeaturesErr != nil {
		v.found.damaged(number)
		l.close(f.ID)
	}
	return f.Features, nil
}

// groupsUsed lists the segments of groups, for the record. The caller holds mu.
func (c *catalogue) groupsUsed() (out []findings.Segment) {
	for i, s := range c.features {
		u := findings.Segment{File: s.File, Group: c.groups.name(i % c.groups.N)}
		if err := c.groups.why[i%c.groups.N]; err != nil {
			u.Problem = err.Error()
		}
		out = append(out, u)
	}
	return out
}

// grouped reports whether other machines have segments of local features.
func (c *catalogue) grouped() bool { return c.groups != nil }

// locateRow is [parts.Index.Locate] with the features of the row of a submission.
func (v *Investigator) locateRow(ctx context.Context, l *leakPicture, q *parts.Query, number int64) (*parts.Match, bool, error) {
	f, err := v.featuresOf(ctx, l, number)
	if err != nil || f.Len() == 0 {
		return nil, false, err
	}
	one := new(parts.Index)
	if err := one.Add(number, f); err != nil {
		return nil, false, err
	}
	return one.Locate(ctx, q, number)
}
