package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/verify/internal/findings"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// A Source is one of several registries that are searched as one, with the keys that belong to it.
type Source struct {
	Name     string // of the registry in findings: up to 40 letters, digits, "-", "_" and "."
	Registry *registry.Registry
	Keys     []*watermark.Key // under which marks are read
	SealKey  *registry.SealKey
	Unopened bool // it could not be opened, and has its name alone: what it could have answered stays open
}

// partyNames stands between the names of one party.
const partyNames = " = "

var sourceName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$`)

// A shelf is a registry of an investigation, and what was read of it.
type shelf struct {
	Source
	found  *catalogue
	logged []int64 // entries of the investigations that were begun
}

// registries are the registries of an investigation, searched as one. Submissions are one if their files
// are, and copies belong to the registry that issued them. With one registry all names are its own. With
// several a recipient is "REGISTRY/NAME", or all names of a party that the investigator stated.
type registries struct {
	all     []*shelf
	away    []string          // names of registries that could not be opened
	parties map[string]string // by "REGISTRY/NAME": the name of its party

	mu      sync.Mutex
	altered []string                    // what [findings.Record] says
	owner   map[watermark.CopyID]*shelf // of copies that were looked up, with several registries

	issues *issuedLists
}

// issuedLists are the IDs that were issued under mark keys, by key, as far as they were needed.
type issuedLists struct {
	mu sync.Mutex
	of map[string]*issuedList
}

type issuedList struct {
	ids  []watermark.CopyID
	last map[*registry.Registry]int64 // number of the last copy
	list *watermark.List
	n    int // of ids are on list
}

// newRegistries returns the registries of a configuration, which [Config.ready] checked.
func newRegistries(c *Config) *registries {
	r := &registries{away: c.away, parties: make(map[string]string), owner: make(map[watermark.CopyID]*shelf), issues: &issuedLists{of: make(map[string]*issuedList)}}
	sources := c.Sources
	if len(sources) == 0 {
		sources = []Source{{Registry: c.Registry, Keys: c.Keys, SealKey: c.SealKey}}
	}
	for _, s := range sources {
		if s.Unopened {
			continue
		}
		r.all = append(r.all, &shelf{Source: s, found: &catalogue{parts: new(parts.Index), groups: newGrouped(c.Groups)}})
	}
	for _, p := range c.Parties {
		for _, name := range p {
			r.parties[name] = strings.Join(p, partyNames)
		}
	}
	return r
}

// checkSources checks several registries, and the parties, and puts the keys of all into c.
func (c *Config) checkSources() error {
	if len(c.Sources) == 0 {
		if len(c.Parties) > 0 {
			return errors.New("parties of one registry: its recipients have one name each")
		}
		return nil
	}
	if c.Registry != nil || len(c.Keys) > 0 || c.SealKey != nil {
		return errors.New("a registry, or keys, beside several registries, which bring their own")
	}
	if len(c.Sources) < 2 || len(c.Sources) > odds.MaxRegistries {
		return fmt.Errorf("%d registries, want from 2 to %d", len(c.Sources), odds.MaxRegistries)
	}
	opened := -1
	for i, s := range c.Sources {
		if opened < 0 && !s.Unopened {
			opened = i
		}
		switch {
		case !sourceName.MatchString(s.Name):
			return fmt.Errorf("registry %d: name %.60q, want up to 40 letters, digits, dots, hyphens and underscores", i+1, s.Name)
		case s.Unopened:
			c.away = append(c.away, s.Name)
			if s.Registry != nil || s.SealKey != nil || len(s.Keys) > 0 {
				return fmt.Errorf("registry %s: it could not be opened, and want its name alone", s.Name)
			}
		case s.Registry == nil || s.SealKey == nil || len(s.Keys) == 0:
			return fmt.Errorf("registry %s: want a registry, its mark keys and its sealing key", s.Name)
		}
		for _, o := range c.Sources[:i] {
			if o.Name == s.Name || !o.Unopened && !s.Unopened && o.Registry.ID() == s.Registry.ID() {
				return fmt.Errorf("registries %s and %s: one name, or one registry, twice", o.Name, s.Name)
			}
		}
		for _, k := range s.Keys {
			if k != nil && !slices.ContainsFunc(c.Keys, func(o *watermark.Key) bool { return o != nil && o.ID() == k.ID() }) {
				c.Keys = append(c.Keys, k)
			}
			if k == nil {
				return fmt.Errorf("registry %s: a mark key is nil", s.Name)
			}
		}
	}
	if opened < 0 {
		return errors.New("no registry could be opened")
	}
	c.SealKey = c.Sources[opened].SealKey // not nil: originals can be opened
	return c.checkParties()
}

// checkParties checks that each party has names of two registries or more that are searched, and each
// name once. Whether a recipient has the name shows when the leaks are weighed.
func (c *Config) checkParties() error {
	once := make(map[string]bool)
	for _, p := range c.Parties {
		if len(p) < 2 {
			return fmt.Errorf("party %.100q: want two names or more", p)
		}
		for _, name := range p {
			of, recipient, _ := strings.Cut(name, "/")
			if recipient == "" || !slices.ContainsFunc(c.Sources, func(s Source) bool { return s.Name == of }) {
				return fmt.Errorf("party: name %.100q, want REGISTRY/RECIPIENT", name)
			}
			if once[name] {
				return fmt.Errorf("party: name %.100q is there twice", name)
			}
			once[name] = true
		}
		if first, _, _ := strings.Cut(p[0], "/"); !slices.ContainsFunc(p, func(name string) bool { return !strings.HasPrefix(name, first+"/") }) {
			return fmt.Errorf("party %.100q: want names of two registries or more", p)
		}
	}
	return nil
}

// several reports whether there is more than one registry, opened or not.
func (r *registries) several() bool { return len(r.all)+len(r.away) > 1 }

// name returns the name of a recipient of a registry in findings.
func (r *registries) name(s *shelf, recipient string) string {
	if !r.several() {
		return recipient
	}
	name := s.Name + "/" + recipient
	if party, stated := r.parties[name]; stated {
		return party
	}
	return name
}

// wrap adds the name of the registry to an error, if there are several.
func (r *registries) wrap(s *shelf, err error) error {
	if err == nil || !r.several() {
		return err
	}
	return fmt.Errorf("registry %s: %w", s.Name, err)
}

// each returns, for each registry, what get returns. The first error ends it.
func each[T any](r *registries, get func(s *shelf) (T, error)) ([]T, error) {
	out := make([]T, len(r.all))
	for i, s := range r.all {
		var err error
		if out[i], err = get(s); err != nil {
			return nil, r.wrap(s, err)
		}
	}
	return out, nil
}

// check reads the records by which every leak is weighed, and notes which were altered.
func (r *registries) check(ctx context.Context) error {
	found, err := each(r, func(s *shelf) ([]string, error) { return s.Registry.Engine().CheckRecords(ctx) })
	if err != nil {
		return err
	}
	var all []string
	for i, problems := range found {
		for _, p := range problems {
			if r.several() {
				p = r.all[i].Name + ": " + p
			}
			all = append(all, p)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.altered = all
	return nil
}

// damage returns which records were altered, as far as check noted.
func (r *registries) damage() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.altered
}

// submission returns the upload with an ID: that of the first registry that has it, with the earliest time
// and the first subject of all. Errors are as in [registry.Registry.Submission]. An upload is erased if
// no registry has it any more. places are the registries that have it or had it; nil: there is one registry.
func (r *registries) submission(ctx context.Context, id watermark.Submission) (row *registry.Submission, places []findings.Place, err error) {
	if !r.several() {
		row, err = r.all[0].Registry.Submission(ctx, id)
		return row, nil, err
	}
	var gone *registry.Submission
	var lost error
	for _, s := range r.all {
		x, err := s.Registry.Submission(ctx, id)
		switch {
		case errors.Is(err, registry.ErrErased):
			gone, lost = x, r.wrap(s, err)
		case errors.Is(err, registry.ErrNotFound):
			continue
		case errors.Is(err, registry.ErrTampered):
			if lost == nil {
				lost = r.wrap(s, err)
			}
			continue
		case err != nil:
			return nil, nil, r.wrap(s, err)
		case row == nil:
			row = x
		default:
			row.Kept = row.Kept || x.Kept
			if row.Subject == "" {
				row.Subject, row.SetAt = x.Subject, x.SetAt
			}
		}
		places = append(places, findings.Place{Registry: s.Name, Submitted: x.Submitted, Subject: x.Subject})
	}
	if row == nil {
		if row = gone; lost == nil {
			lost = fmt.Errorf("submission %s: %w", id, registry.ErrNotFound)
		}
	} else {
		lost = nil
	}
	for _, p := range places {
		if row != nil && p.Submitted.Before(row.Submitted) {
			row.Submitted = p.Submitted
		}
	}
	return row, places, lost
}

// subjects returns the places of a submission with its subjects there, which JSON leaves out.
func (r *registries) subjects(ctx context.Context, places []findings.Place, of watermark.Submission) ([]findings.Place, error) {
	out := slices.Clone(places)
	for i, p := range out {
		for _, s := range r.all {
			if s.Name != p.Registry || p.Subject != "" {
				continue
			}
			row, err := s.Registry.Submission(ctx, cmp.Or(p.Submission, of))
			if gone(err) != nil {
				return nil, r.wrap(s, err)
			}
			if row != nil {
				out[i].Subject = row.Subject
			}
		}
	}
	return out, nil
}

// page returns the row of a submission or page, as [engine.Engine.Page] does. Of several registries it is the
// one with the most pages: another may have entered only the first.
func (r *registries) page(ctx context.Context, id watermark.Submission) (row *registry.Submission, err error) {
	if !r.several() {
		return r.all[0].Registry.Engine().Page(ctx, id)
	}
	for _, s := range r.all {
		x, problem := s.Registry.Engine().Page(ctx, id)
		switch {
		case problem == nil && (row == nil || x.Pages > row.Pages):
			row = x
		case problem != nil && gone(problem) != nil:
			return nil, r.wrap(s, problem)
		case problem != nil && (err == nil || errors.Is(err, registry.ErrNotFound)):
			err = r.wrap(s, problem)
		}
	}
	if row != nil {
		err = nil
	}
	return row, err
}

// copies returns the copies that all registries issued of a submission. Findings cannot distinguish two
// copies of one ID in two registries: the error wraps [registry.ErrConflict].
func (r *registries) copies(ctx context.Context, of watermark.Submission) (out []registry.Copy, err error) {
	for _, s := range r.all {
		rows, err := r.copiesIn(ctx, s, of)
		if err != nil {
			return nil, err
		}
		out = append(out, rows...)
	}
	return out, nil
}

// copiesIn returns the copies that one registry issued of a submission, as copies does.
func (r *registries) copiesIn(ctx context.Context, s *shelf, of watermark.Submission) ([]registry.Copy, error) {
	rows, err := s.Registry.Copies(ctx, of)
	if err != nil {
		return nil, r.wrap(s, err)
	}
	for i := range rows {
		if err := r.own(s, &rows[i]); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// handedOut returns the copies of a list that their recipients have, or may have: all but the void ones.
func handedOut(copies []registry.Copy) []registry.Copy {
	return slices.DeleteFunc(copies, func(c registry.Copy) bool { return c.State == registry.CopyVoid })
}

// own notes that a registry issued a copy, and gives the copy the name of its recipient in findings.
func (r *registries) own(s *shelf, c *registry.Copy) error {
	if !r.several() {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if o := r.owner[c.ID]; o != nil && o != s {
		return fmt.Errorf("copy %s: %w: both %s and %s issued a copy with this ID, and findings cannot distinguish them: investigate each registry alone", c.ID, registry.ErrConflict, o.Name, s.Name)
	}
	r.owner[c.ID], c.Recipient = s, r.name(s, c.Recipient)
	return nil
}

// issued returns the copy of an ID that was marked under a key, nil if no registry lists it.
func (r *registries) issued(ctx context.Context, id watermark.CopyID, keyID string) (out *registry.Copy, err error) {
	for _, s := range r.all {
		c, err := s.Registry.Copy(ctx, id)
		if errors.Is(err, registry.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, r.wrap(s, err)
		}
		if err := r.own(s, c); err != nil {
			return nil, err
		}
		if c.KeyID == keyID { // a mark under another key is not that copy's
			out = c
		}
	}
	return out, nil
}

// marks returns the marks of a reading of l. If none could be read by its own check, they are looked for among the copies
// that were issued under each key: where the leak shows an upload, and where pilots agree.
func (r *registries) marks(ctx context.Context, l *leakPicture, reading *watermark.Reading, keys []*watermark.Key) ([]*watermark.Detection, error) {
	all := reading.Marks
	for _, key := range keys {
		reading, err := reading.At(l.Image, key, l.shown()...)
		if err != nil {
			return nil, err
		}
		if !reading.Unread(key) {
			continue
		}
		list, err := r.list(ctx, key)
		if err != nil {
			return nil, err
		}
		all = append(all, reading.Among(list)...)
	}
	return all, nil
}

// list returns the list of the copies that all registries issued under a key until now.
func (r *registries) list(ctx context.Context, key *watermark.Key) (*watermark.List, error) {
	r.issues.mu.Lock()
	defer r.issues.mu.Unlock()
	known := r.issues.of[key.ID()]
	if known == nil {
		known = &issuedList{last: make(map[*registry.Registry]int64)}
		r.issues.of[key.ID()] = known
	}
	for _, s := range r.all {
		ids, last, err := s.Registry.Engine().IssuedAfter(ctx, key.ID(), known.last[s.Registry])
		if err != nil {
			return nil, r.wrap(s, fmt.Errorf("list issued copies: %w", err))
		}
		known.ids, known.last[s.Registry] = append(known.ids, ids...), last
	}
	if known.list == nil || len(known.ids) > known.n {
		known.list, known.n = watermark.NewList(key, known.ids), len(known.ids)
	}
	return known.list, nil
}

// of returns the registry that issued a copy, with its own row; nil if none lists it.
func (r *registries) of(ctx context.Context, c *registry.Copy) (*shelf, *registry.Copy, error) {
	for _, s := range r.all {
		row, err := s.Registry.Copy(ctx, c.ID)
		if errors.Is(err, registry.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, nil, r.wrap(s, err)
		}
		if row.KeyID == c.KeyID && row.Submission == c.Submission {
			return s, row, nil
		}
	}
	return nil, nil, nil
}

// custody returns the facts of custody that cover a submission in any registry. The error wraps
// [registry.ErrNotFound] if no registry has it.
func (r *registries) custody(ctx context.Context, of watermark.Submission) (out []registry.Custody, err error) {
	missing := 0
	for _, s := range r.all {
		facts, err := r.custodyIn(ctx, s, of)
		if errors.Is(err, registry.ErrNotFound) && missing < len(r.all)-1 {
			missing++
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, facts...)
	}
	return out, nil
}

// custodyIn returns the facts of custody that cover a submission in one registry.
func (r *registries) custodyIn(ctx context.Context, s *shelf, of watermark.Submission) ([]registry.Custody, error) {
	facts, err := s.Registry.Custody(ctx, registry.CustodyFilter{Submission: of})
	for i := range facts {
		facts[i].Recipient = r.name(s, facts[i].Recipient)
	}
	return facts, r.wrap(s, err)
}

// markKey returns what the registries say of a mark key. Of several the first that recorded it as compromised
// counts: its holders can make the marks of all. The error wraps [registry.ErrNotFound] if none has it.
func (r *registries) markKey(ctx context.Context, id string) (out *registry.MarkKey, err error) {
	for _, s := range r.all {
		k, problem := s.Registry.Ledger().MarkKey(ctx, id)
		lost := func(k *registry.MarkKey) bool { return k.State == registry.KeyCompromised }
		switch {
		case problem != nil && !errors.Is(problem, registry.ErrNotFound):
			return nil, r.wrap(s, problem)
		case problem != nil:
			err = problem
		case out == nil || lost(k) && (!lost(out) || k.Since.Before(out.Since)):
			out = k
		}
	}
	if out != nil {
		err = nil
	}
	return out, err
}

// recipients returns the recipients of all registries, each party once, and for several registries in which
// each is. A party that names a recipient which is not there is an error that wraps [registry.ErrInput].
func (r *registries) recipients(ctx context.Context) (out []registry.Recipient, in map[string][]int, err error) {
	in = make(map[string][]int)
	known := make(map[string]bool)
	for i, s := range r.all {
		rows, err := s.Registry.Recipients(ctx)
		if err != nil {
			return nil, nil, r.wrap(s, err)
		}
		for _, to := range rows {
			full := s.Name + "/" + to.Name
			if known[full] = true; r.several() && strings.Contains(to.Name, partyNames) {
				return nil, nil, fmt.Errorf("%w: registry %s: recipient %.100q: its name would read as that of a party in several registries", registry.ErrInput, s.Name, to.Name)
			}
			to.Name = r.name(s, to.Name)
			if !slices.ContainsFunc(out, func(o registry.Recipient) bool { return o.Name == to.Name }) {
				out = append(out, to)
			}
			if of := in[to.Name]; r.several() && !slices.Contains(of, i) {
				in[to.Name] = append(of, i)
			}
		}
	}
	for name := range r.parties {
		of, _, _ := strings.Cut(name, "/")
		if !known[name] && !slices.Contains(r.away, of) {
			return nil, nil, fmt.Errorf("%w: party: no recipient %q", registry.ErrInput, name)
		}
	}
	return out, in, nil
}

// missing adds up the uploads that the search could not find, or only in part; nil if it found all.
func (r *registries) missing() *findings.Missing {
	var sum findings.Missing
	for _, s := range r.all {
		m := s.found.missing()
		sum.Uploads += m.Uploads
		sum.Whole += m.Whole
		sum.Flat += m.Flat
		sum.Damaged += m.Damaged
	}
	if sum.Whole+sum.Flat+sum.Damaged == 0 {
		return nil
	}
	return &sum
}

// areaHash returns the hash of a page, of the first registry in which it can be opened.
func (r *registries) areaHash(ctx context.Context, of watermark.Submission) (hash phash.Hash, err error) {
	for _, s := range r.all {
		h, problem := s.Registry.Engine().AreaHash(ctx, s.SealKey, of)
		if problem == nil {
			return h, nil
		}
		if err = r.wrap(s, problem); gone(problem) != nil {
			return h, err
		}
	}
	return hash, err
}
