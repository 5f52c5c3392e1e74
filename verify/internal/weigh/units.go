package weigh

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/words"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/watermark"
)

// The unit of a verdict is a person: leaks of one person's uploads count together. A person is known by a subject
// reference, and by two uploads of the same document. Pictures cannot tell that two are of different persons: a
// passport, a selfie and a bill of one customer look as different as pictures of three customers. Uploads without a
// reference therefore count as different persons' only as far as the investigator states how many one person may have.

// Units puts the submissions of leaks into units, and sets w.unit. It starts from the subjects and w.SameDocuments. For
// each recipient it then fits units without a subject into units with a subject. So the units with copies of one
// recipient are at most as many as its subjects or, if that is more, as [findings.Circumstances].UploadsPerSubject
// demands. Leaks without a confirmed copy count as leaks of one more recipient.
func (w *Weighing) Units() {
	g := grouping{index: make(map[watermark.Submission]int), first: make(map[string]int)}
	opened := make(map[watermark.Submission]bool) // by a leak: of other uploads it is not known which document they are
	for _, x := range findings.Views(w.Findings) {
		opened[x.Submission] = opened[x.Submission] || !x.Unlooked() || findings.TraceOf(x.Traces, x.Submission) != nil
	}
	for _, l := range w.Findings {
		for k, x := range l.Views() {
			if x.Matched() {
				g.add(x, opened[x.Submission])
			}
			if k > 0 && l.Beside[k-1].Same {
				g.join(g.index[l.Submission], g.index[x.Submission])
			}
		}
	}
	for _, d := range w.SameDocuments {
		a, known := g.index[d.Submissions[0]]
		if b, also := g.index[d.Submissions[1]]; known && also {
			g.join(a, b)
		}
	}
	g.fit(w.Cfg.UploadsPerSubject)
	w.Unit = make(map[watermark.Submission]string)
	unnamed, label := 0, make(map[int]string)
	for i, u := range g.uploads {
		root := g.root(i)
		if label[root] == "" {
			if label[root] = g.uploads[root].subject; label[root] == "" {
				unnamed++
				label[root] = fmt.Sprintf("%s %d", withoutSubject, unnamed)
			}
		}
		w.Unit[u.of] = label[root]
	}
}

// withoutSubject begins the name of a unit whose uploads have no subject.
const withoutSubject = "without a subject"

// A grouping puts uploads together that may be of one person.
type grouping struct {
	uploads []groupedUpload // in the order in which leaks show them
	index   map[watermark.Submission]int
	first   map[string]int // index of the first upload of a subject
}

// A groupedUpload is an upload that leaks show.
type groupedUpload struct {
	of      watermark.Submission
	parent  int      // index of another upload of the group, its own for the group's root
	subject string   // of a root: the subject of the group, as in [findings.Conclusion].Cluster; "": not known
	copies  []string // recipients of confirmed copies in leaks of it; "": a leak has no confirmed copy
	closed  bool     // its original was not opened: it may be another subject's document
}

// add adds the upload that a leak shows, and joins it to the others of its subject.
func (g *grouping) add(l *findings.Finding, opened bool) {
	i, known := g.index[l.Submission]
	if !known {
		i = len(g.uploads)
		g.index[l.Submission] = i
		g.uploads = append(g.uploads, groupedUpload{of: l.Submission, parent: i, subject: l.Cluster, closed: !opened})
		if !opened {
			g.uploads[i].subject = ""
		}
		if first, known := g.first[l.Cluster]; known {
			g.join(first, i)
		} else if l.Cluster != "" {
			g.first[l.Cluster] = i
		}
	}
	names := l.MayNames()
	if len(names) == 0 {
		names = []string{""}
	}
	for _, name := range names {
		if u := &g.uploads[i]; !slices.Contains(u.copies, name) {
			u.copies = append(u.copies, name)
		}
	}
}

// root returns the index of the root of the group of upload i.
func (g *grouping) root(i int) int {
	for g.uploads[i].parent != i {
		i = g.uploads[i].parent
	}
	return i
}

// join makes one group of the groups of a and b. Its root is the earlier root with a subject, else the earlier root.
func (g *grouping) join(a, b int) {
	a, b = g.root(a), g.root(b)
	first, second := min(a, b), max(a, b)
	if g.uploads[first].subject == "" && g.uploads[second].subject != "" {
		first, second = second, first
	}
	g.uploads[second].parent = first
}

// fit joins the groups without a subject, in their order, to others that carry copies of the same
// recipient: first one to each group with a subject, then to each other. perPerson is how many uploads without a subject
// one person has at most; 0: any number, so that one group takes all. A group of closed originals joins also a full group.
func (g *grouping) fit(perPerson int) {
	type places struct {
		groups []int // roots, those with a subject first
		at     int   // index of the group that is being filled
		filled int   // uploads that were put into it
	}
	by, members := make(map[string]*places), make(map[int][]int)
	for i := range g.uploads {
		root := g.root(i)
		members[root] = append(members[root], i)
	}
	var nameless []int
	for i := range g.uploads {
		if g.root(i) != i {
			continue
		}
		if g.uploads[i].subject == "" {
			nameless = append(nameless, i)
			continue
		}
		for _, name := range g.copies(members[i]) {
			if by[name] == nil {
				by[name] = new(places)
			}
			by[name].groups = append(by[name].groups, i)
		}
	}
	for _, i := range nameless {
		for _, name := range g.copies(members[i]) {
			p := by[name]
			if p == nil {
				p = new(places)
				by[name] = p
			}
			if perPerson > 0 && p.filled >= perPerson && !g.uploads[i].closed {
				p.at, p.filled = p.at+1, 0
			}
			p.filled += len(members[i])
			if p.at == len(p.groups) {
				p.groups = append(p.groups, i)
			} else {
				g.join(p.groups[p.at], i)
			}
		}
	}
}

// copies returns the recipients of the copies of several uploads, each once.
func (g *grouping) copies(uploads []int) (names []string) {
	for _, i := range uploads {
		for _, name := range g.uploads[i].copies {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// missingSubjects is about recipients that are not named because too few persons are known, and whose pictures are of
// uploadsShown without a subject. It is not said if the investigator has stated how many of these one person has.
func missingSubjects(w *Weighing) []words.Figures {
	uploads := make(map[watermark.Submission]bool)
	for _, x := range w.Odds.Withheld {
		if x.Code != odds.FewClusters || w.stage() != aboutConfirmed || w.Cfg.UploadsPerSubject > 0 {
			continue
		}
		for _, l := range findings.Views(w.Findings) {
			if l.Private.Subject == "" && slices.Contains(l.MayNames(), x.Name) && !w.forged(l, x.Name) {
				uploads[l.Submission] = true
			}
		}
	}
	return several(len(uploads), nil)
}

// withoutSubjects are recipients with pictures of uploads without a subject, and how these are counted.
func withoutSubjects(w *Weighing) []words.Figures {
	return w.each(func(s *party) words.Figures {
		if s.nameless == 0 {
			return nil
		}
		x := words.Figures{"n": s.nameless, "of": s.pictures, "adds": 0, "each": "They may all be of one person, who may also have a reference."}
		for unit := range s.clusters {
			if strings.HasPrefix(unit, withoutSubject) {
				x["adds"] = x["adds"].(int) + 1
			}
		}
		if n := w.Cfg.UploadsPerSubject; n > 0 {
			x["each"] = fmt.Sprintf("The investigator states that one person has at most %s.", words.Count(n, "such upload", "such uploads"))
		}
		return x
	})
}

// sameDocument counts the pairs of uploads that show one document, with the pairs of different subjects among them.
func sameDocument(w *Weighing) []words.Figures {
	subject := make(map[watermark.Submission]string)
	for _, l := range findings.Shown(w.Findings) {
		subject[l.Submission] = l.Cluster
	}
	var pairs []string
	for _, d := range w.SameDocuments {
		a, b := subject[d.Submissions[0]], subject[d.Submissions[1]]
		if pair := a + " and " + b; a != "" && b != "" && a != b && !slices.Contains(pairs, pair) {
			pairs = append(pairs, pair)
		}
	}
	differ := ""
	if len(pairs) > 0 {
		differ = ", though the registry calls these persons different: " + strings.Join(pairs, "; ")
	}
	return several(len(w.SameDocuments), words.Figures{"pairs": differ})
}

// notCompared are the uploads whose originals were not compared with each other, if copies count.
func notCompared(w *Weighing) []words.Figures {
	if w.Counts[string(findings.FoundCopy)] == 0 {
		return nil
	}
	return several(w.NotCompared, nil)
}

// subjectsEntered are the uploads whose subjects were entered after them, and the last day of that.
func subjectsEntered(w *Weighing) []words.Figures {
	n, last := 0, time.Time{}
	for _, l := range findings.Shown(w.Findings) {
		if !l.SubjectEntered.IsZero() {
			n++
			if l.SubjectEntered.After(last) {
				last = l.SubjectEntered
			}
		}
	}
	return several(n, words.Figures{"day": words.Day(last)})
}
