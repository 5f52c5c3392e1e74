package odds

import (
	"cmp"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/each"
)

// Why the findings do not tell a named recipient from another party.
const (
	RivalHeld         = "held unmarked"  // held the same pictures unmarked: with the recipient's copies in hand it could have laid their marks there
	RivalHad          = "had the copies" // had these very copies, by the record: the recipient handed them on, they went through it, or it received them
	RivalReturned     = "returned"       // these copies came back as uploads, which the issuer had, as each of their holders
	RivalPlanting     = "planting"       // with others it held the same pictures unmarked: together, with the recipient's copies in hand, they could have laid the marks
	RivalRest         = "rest"           // is recorded to have had the rest of the dump, which the recipient's copies do not explain
	RivalTogether     = "together"       // copies of both are in the same leaks: both mixed them, or one party had both
	RivalUnconfirmed  = "unconfirmed"    // files carry marks of its copies that are not confirmed: the dump may have that source
	RivalUnsought     = "unsought"       // files may carry marks of its copies that were not looked for: their keys were not at hand. Without a name: it may have another source
	RivalTransplanted = "transplanted"   // marks of the recipient's copies were laid onto other pictures of the dump, or files have marks of void copies
)

// A Rival is a party from which the findings do not tell a named recipient. A recipient without rivals is named alone.
type Rival struct {
	Name     string `json:"name"`            // the recipient that is named, or withheld for [Dates] or [Exposed] alone
	Other    string `json:"other,omitempty"` // the rival; "": no listed holder, of RivalReturned the issuer
	Why      string `json:"why"`             // [RivalHeld], ...
	Clusters int    `json:"clusters"`        // that the rival is recorded to have had; of RivalRest: submissions
	Of       int    `json:"of"`              // clusters with the recipient's copies; of RivalRest: submissions that these copies do not explain; of RivalUnconfirmed and RivalUnsought: files
}

// Alone returns the recipients in v.Named for which v.Rivals has no rival, in the order of v.Named.
// A headline may name them without another party.
func (v *Verdict) Alone() []string {
	return slices.DeleteFunc(slices.Clone(v.Named), func(name string) bool {
		return slices.ContainsFunc(v.Rivals, func(r Rival) bool { return r.Name == name })
	})
}

// rivals returns the rivals of a recipient that is named. The rival with the largest share of clusters comes first.
// If no single party had the same copies, the parties that had them together are rivals. Planting is looked at only if
// no single holder held the same pictures: it counts what the holders that held less than [wideHolder] held together. If
// no listed holder had the rest of the dump, one rival without a name takes its place.
func (m *model) rivals(h *Recipient) []Rival {
	r := m.holder(h.Name)
	var out []Rival
	rival := func(k int) bool {
		return k >= 0 && slices.ContainsFunc(out, func(o Rival) bool { return o.Other == m.c.Holders[k].Name })
	}
	marked := m.clustersOf(func(s *sighting) bool { return s.sure[r] })
	together := m.togetherWith(r, marked)
	own := m.clustersOf(func(s *sighting) bool { return s.fresh[r] }) // what may not name r does not rule out others
	if len(own) < nameClusters {
		own = marked // withheld for that alone
	}
	had := make([]int, len(m.c.Holders))
	for k := range had {
		if k != r {
			had[k] = m.count(own, func(s *sighting) bool { return s.sure[r] && s.had(r, k) })
		}
	}
	all := m.count(own, func(s *sighting) bool {
		return s.sure[r] && slices.ContainsFunc(s.very[r], func(k int) bool { return k != r })
	})
	several := len(own)-slices.Max(had) >= nameClusters && len(own)-all < nameClusters
	for k, other := range m.c.Holders {
		if had[k] > 0 && (several || len(own)-had[k] < nameClusters) {
			out = append(out, Rival{h.Name, other.Name, RivalHad, had[k], len(own)})
		}
	}
	for k, other := range m.c.Holders {
		had := m.count(own, func(s *sighting) bool { return s.sure[r] && (s.held[k] || s.had(r, k)) })
		if k != r && had > 0 && len(own)-had < nameClusters && !rival(k) && m.telling(r, k, had) {
			out = append(out, Rival{h.Name, other.Name, RivalHeld, had, len(own)})
		}
	}
	held := m.count(own, func(s *sighting) bool { return s.sure[r] && len(s.by[r]) > 0 })
	if len(out) == 0 && held > 0 && len(own)-held < nameClusters {
		for k, other := range m.c.Holders {
			if had := m.count(own, func(s *sighting) bool { return s.sure[r] && slices.Contains(s.by[r], k) }); had > 0 {
				out = append(out, Rival{h.Name, other.Name, RivalPlanting, had, len(own)})
			}
		}
	}
	rest := m.rest(r)
	if len(rest) >= nameClusters || m.count(rest, func(s *sighting) bool { return s.sureOfOther(r) }) > 0 {
		before := len(out)
		for k, other := range m.c.Holders {
			had := m.count(rest, func(s *sighting) bool { return s.ever[k] > 0 || s.held[k] })
			if k != r && float64(had) >= float64(nearlyAll*float64(len(rest))) && !rival(k) {
				out = append(out, Rival{h.Name, other.Name, RivalRest, had, len(rest)})
			}
		}
		if len(out) == before {
			out = append(out, Rival{h.Name, "", RivalRest, 0, len(rest)})
		}
	}
	out = append(out, together...)
	for k, other := range m.c.Holders {
		if k != r && other.Unconfirmed > 0 {
			out = append(out, Rival{h.Name, other.Name, RivalUnconfirmed, 0, other.Unconfirmed})
		}
		if k != r && other.Unsought > 0 {
			out = append(out, Rival{h.Name, other.Name, RivalUnsought, 0, other.Unsought})
		}
	}
	if n := m.transplants(h.Name); n > 0 {
		out = append(out, Rival{h.Name, "", RivalTransplanted, n, n})
	}
	if back := m.count(own, func(s *sighting) bool { return s.sure[r] && s.back[r] }); back > 0 && len(own)-back < nameClusters {
		out = append(out, Rival{h.Name, "", RivalReturned, back, len(own)})
	}
	slices.SortStableFunc(out, func(a, b Rival) int { return cmp.Compare(b.Clusters*a.Of, a.Clusters*b.Of) })
	return out
}

// telling reports whether it means anything that holder k held had clusters with copies of recipient r unmarked. If k
// held nearly all submissions that r has copies of, this is to be expected: a pattern with a probability of one half or
// more is no support. A holder of r's very copies always counts. r and k are indices of holders.
func (m *model) telling(r, k, had int) bool {
	if slices.ContainsFunc(m.seen, func(s sighting) bool { return s.sure[r] && s.had(r, k) }) {
		return true
	}
	share := overlap(m.c, r, k)
	return share < wideHolder || float64(float64(had)*dsp.Ln(share)) < -0.6931471805599453
}

// rest returns the matched submissions that recipient r does not explain, each with its leaks. Submissions of one person
// count each: a copy of a person's passport says nothing of the source of the selfie. A submission belongs to
// the rest on any of three conditions:
//
//   - A leak of it contains a copy of another recipient, and no copy of r.
//   - A leak of it lacks the mark of r's copy, or no record says that r was issued one. That r could hold it unmarked explains nothing: it speaks against r.
//   - The mark of r's copy would have been found, on this one or on all without a mark together ([model.improbable]).
func (m *model) rest(r int) (out []item) {
	var all, silent []item
	for _, cluster := range m.items {
		lacks := item{matched: true}
		for _, it := range submissions(m, cluster) {
			if all = append(all, it); m.silent(r, it, true) {
				lacks.leaks = append(lacks.leaks, it.leaks...)
			}
		}
		if lacks.leaks != nil {
			silent = append(silent, lacks)
		}
	}
	improbable := m.improbable(r, silent)
	for _, it := range all {
		explained, others := true, false
		for _, l := range it.leaks {
			s := &m.seen[l]
			explained = explained && (s.sure[r] || s.explains(r))
			others = others || s.sureOfOther(r)
		}
		if others || !explained || improbable && m.silent(r, it, true) {
			out = append(out, it)
		}
	}
	return out
}

func shown(m *model) []item {
	return slices.Concat(each.Of(m.items, func(x item) []item { return submissions(m, x) })...)
}

// submissions splits a cluster by the submissions that its leaks show. An unmatched cluster has none.
func submissions(m *model, cluster item) (out []item) {
	index := make(map[string]int)
	for _, l := range cluster.leaks {
		id := m.c.Leaks[l].Submission
		if id == "" {
			continue
		}
		k, known := index[id]
		if !known {
			k, index[id] = len(out), len(out)
			out = append(out, item{matched: true})
		}
		out[k].leaks = append(out[k].leaks, l)
	}
	return out
}

// sureOfOther reports whether a leak contains a copy of another recipient than r, and no copy of r.
func (s *sighting) sureOfOther(r int) bool { return len(s.sure) > 0 && !s.sure[r] }

// transplants counts the leaks with marks of recipient name's copies on other submissions, or with marks of void copies.
func (m *model) transplants(name string) (n int) {
	for i := range m.c.Leaks {
		if m.c.Leaks[i].Void || slices.Contains(m.c.Leaks[i].Transplanted, name) {
			n++
		}
	}
	return n
}

// One degraded leak without a mark says little; many such leaks say more. Here they are summed, to decide
// whether a recipient's copies explain a dump.

// silent reports, for a cluster or a submission, whether the mark of recipient r is absent. Three
// conditions make it absent: r was issued a copy of the submission; no leak of the item surely
// shows it; the mark could have been found ([model.unseen] is below 1). If each is true, a leak of the item
// must also be such that r's copy may explain it ([sighting.explains]). Copies of any date count.
func (m *model) silent(r int, it item, each bool) bool {
	issued, seen, likely := false, false, false
	for _, l := range it.leaks {
		s := &m.seen[l]
		_, ok := s.ever[r]
		issued, seen, likely = issued || ok, seen || s.sure[r], likely || s.explains(r)
	}
	return issued && !seen && m.unseen(r, it) < 1 && (!each || likely)
}

// unseen returns the probability that no mark of recipient r's copy would be found in a cluster: the maximum over the
// cluster's leaks, since these depend on each other. It is 1 if a mark is seen in one or a copy not confirmed.
func (m *model) unseen(r int, it item) float64 {
	out := 0.0
	for _, l := range it.leaks {
		if miss, ok := m.seen[l].miss[r]; ok {
			out = max(out, miss)
		}
	}
	return out
}

// improbable reports whether the clusters without a mark, silent, are too many to be copies of recipient r as issued
// (see [model.silent]). The function computes an e-value against the claim that these clusters,
// and all clusters with r's mark, are such copies.
//
// The alternative is that a share w of the clusters has another origin. A cluster without a mark is then more probable
// by the factor (w + (1-w) miss)/miss. A cluster with a mark is less probable by the factor 1-w. Clusters with a mark
// must enter, since a few misses among many finds are normal. The result is true if the e-value reaches 1/[removal].
func (m *model) improbable(r int, silent []item) bool {
	found := float64(len(m.clustersOf(func(s *sighting) bool { return s.sure[r] })))
	e := 0.0
	for _, w := range foreign {
		sum := float64(found * dsp.Ln(1-w))
		for _, it := range silent {
			sum += dsp.Ln(float64(w/m.unseen(r, it)) + 1 - w)
		}
		e += dsp.Exp(sum) / float64(len(foreign))
	}
	return float64(e*removal) >= 1
}

// Pictures with the marks of several recipients at once, of one submission or side by side: two parties mixed their
// copies, or one party had the copies of both.

// group fills in m.groups and m.beyond. Recipients are in one group if their copies are surely in the
// same pictures, directly or over others: A and C if A is found with B, and B with C. The recipients with most
// such leaks come first in a group, and the group with most leaks comes first. Elements are indices of
// holders. Of a group of more than [maxMembers] the others are beyond comparison.
func (m *model) group() {
	with, of := make([]int, len(m.c.Holders)), make([]int, len(m.c.Holders)) // leaks with others; the first member of the group
	for i := range of {
		of[i] = i
	}
	for i := range m.seen {
		if len(m.seen[i].near) < 2 || m.c.Leaks[i].Beside {
			continue
		}
		low := len(of)
		for r := range m.seen[i].near {
			with[r]++
			low = min(low, of[r])
		}
		for r := range m.seen[i].near {
			if old := of[r]; old != low {
				for k := range of {
					if of[k] == old {
						of[k] = low
					}
				}
			}
		}
	}
	members := make(map[int][]int)
	for r, n := range with {
		if n > 0 {
			members[of[r]] = append(members[of[r]], r)
		}
	}
	m.beyond = make([]bool, len(m.c.Holders))
	for r := range of {
		if g := members[r]; g != nil {
			slices.SortStableFunc(g, func(a, b int) int { return cmp.Compare(with[b], with[a]) })
			for _, r := range g[min(len(g), maxMembers):] {
				m.beyond[r] = true
			}
			m.groups = append(m.groups, g)
		}
	}
	slices.SortStableFunc(m.groups, func(a, b []int) int { return cmp.Compare(with[b[0]], with[a[0]]) })
}

// togetherWith returns the rivals of recipient r whose copies are in the same
// pictures. The rivals with most clusters come first, and at most [maxMembers] are listed. If there are
// more, a rival without a name takes the place of the others.
func (m *model) togetherWith(r int, marked []item) (out []Rival) {
	for k, other := range m.c.Holders {
		if n := m.count(marked, func(s *sighting) bool { return k != r && s.sure[r] && s.near[k] }); n > 0 {
			out = append(out, Rival{m.c.Holders[r].Name, other.Name, RivalTogether, n, len(marked)})
		}
	}
	slices.SortStableFunc(out, func(a, b Rival) int { return cmp.Compare(b.Clusters, a.Clusters) })
	if len(out) > maxMembers {
		out = append(out[:maxMembers], Rival{m.c.Holders[r].Name, "", RivalTogether, out[maxMembers].Clusters, len(marked)})
	}
	return out
}

// An AlsoHeld is a recipient whose copies are in leaks. Others held all submissions of these leaks unmarked, or had the
// copies: each of them could have laid the marks if it had the copies.
type AlsoHeld struct {
	Name   string   `json:"name"`
	Others []string `json:"others"` // sorted
	Leaks  int      `json:"leaks"`  // with copies of the recipient
}

// alsoHeld returns these recipients in the order of the case's holders. Each of the others held all of the leaks' submissions.
func (m *model) alsoHeld() (out []AlsoHeld) {
	for r, h := range m.c.Holders {
		confirmed, by := 0, make(map[string]int)
		for i := range m.seen {
			s := &m.seen[i]
			if !s.sure[r] {
				continue
			}
			confirmed++
			names := slices.Clone(m.c.Leaks[i].HeldBy())
			for _, k := range s.by[r] {
				names = append(names, m.c.Holders[k].Name)
			}
			slices.Sort(names)
			for _, name := range slices.Compact(names) {
				by[name]++
			}
		}
		x := AlsoHeld{Name: h.Name, Leaks: confirmed}
		for _, other := range m.c.Holders {
			if confirmed > 0 && other.Name != h.Name && by[other.Name] == confirmed {
				x.Others = append(x.Others, other.Name)
			}
		}
		if slices.Sort(x.Others); len(x.Others) > 0 {
			out = append(out, x)
		}
	}
	return out
}
