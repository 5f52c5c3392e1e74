package verify_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/recheck"
	"github.com/kycmark/kycmark/watermark"
)

// One customer's twelve uploads without a subject are one person's, unless the investigator states otherwise.
func TestOneCustomersUploads(t *testing.T) {
	leaks := many(12, func(n int) *findings.Finding { return subject(leakOf(n, findings.FoundCopy, "vendor A"), "") })
	for each, units := range map[int]int{0: 1, 12: 1, 6: 2, 5: 3, 1: 12} {
		got := verify.WeighFor(leaks, recipients, verify.Options{Circumstances: findings.Circumstances{UploadsPerSubject: each}}, 120)
		for _, h := range got.Odds.Recipients {
			if h.Name == "vendor A" {
				assert.Equal(t, units, h.Clusters, "%d each", each)
			}
		}
		if units == 1 {
			assert.Empty(t, got.Named, "%d each", each)
		} else {
			assert.Equal(t, []string{"vendor A"}, got.Named, "%d each", each)
			assert.Contains(t, fmt.Sprint(got.Sentences()), "The investigator states that one person has at most", "%d each", each)
		}

		got.Record.Parameters = verify.Method()
		got.Record.Parameters["leaks found on"] = "not stated"
		got.Record.Parameters["uploads without a subject that one person has"] = "not stated"
		if each > 0 {
			got.Record.Parameters["uploads without a subject that one person has"] = fmt.Sprint(each)
		}
		text, err := verify.Encode(unredacted(got))
		require.NoError(t, err)
		require.NoError(t, recheck.CheckVerdict(readFindings(t, string(text))), "%d each", each)
	}
}

// Two references whose uploads show one document are one person's.
func TestTwoReferencesOfOnePerson(t *testing.T) {
	a, b := leakOf(1, findings.FoundCopy, "vendor A"), leakOf(2, findings.FoundCopy, "vendor A")
	units := verify.Units([]*findings.Finding{a, b}, 0)
	require.NotEqual(t, units[a.Submission], units[b.Submission])
	units = verify.Units([]*findings.Finding{a, b}, 0, findings.SameDocument{Submissions: [2]watermark.Submission{a.Submission, b.Submission}})
	require.Equal(t, units[a.Submission], units[b.Submission])
}

// Opponent's story: the issued files of one customer leak, their originals are lost, and the investigator states how many uploads
// without a subject one person has. Uploads with a subject are none of these: unopened ones count as one person's.
func TestUnopenedUploadsAreOnePersons(t *testing.T) {
	var leaks []*findings.Finding
	for n := range 4 {
		l := leakOf(n+1, findings.FoundCopy, "vendor A")
		l.Reads = []findings.Reading{{Copy: l.Copies[0], KeyID: "v1-k", Exact: true, Submission: l.Submission, Shows: findings.PixelsSame}}
		verify.SetSubject(l, []string{"anna", "bruno"}[n/2])
		leaks = append(leaks, l)
	}
	for each := range 3 {
		units := verify.Units(leaks, each)
		for _, l := range leaks {
			assert.Equal(t, units[leaks[0].Submission], units[l.Submission], "%d each", each)
		}
		opened := leakOf(9, findings.FoundCopy, "vendor A")
		verify.SetSubject(opened, "bruno")
		units = verify.Units(append(leaks[2:], opened), each)
		assert.Equal(t, units[opened.Submission], units[leaks[3].Submission], "it counts with what was opened of that customer")
	}
}

// A dumped is what is true of the uploads of a random dump.
type dumped struct {
	leaks  []*findings.Finding
	person map[watermark.Submission]int
	same   []findings.SameDocument
}

// randomDump draws persons with uploads under up to two references and up to each without one. Of
// two references, the documents are known to be the same.
func randomDump(r *rand.Rand, each int) (d dumped) {
	d.person = make(map[watermark.Submission]int)
	n := 0
	leak := func(person int, subject string) *findings.Finding {
		n++
		var l *findings.Finding
		switch r.IntN(3) {
		case 0:
			l = leakOf(n, findings.FoundUnmarked, "")
		case 1:
			l = leakOf(n, findings.FoundCopy, "vendor A")
		default:
			l = leakOf(n, findings.FoundCopy, "vendor B")
			if r.IntN(3) == 0 { // copies of both are in it
				l.Issued = append(l.Issued, books.Copy{Submission: l.Submission, Recipient: "vendor A"})
			}
		}
		verify.SetSubject(l, subject)
		d.person[l.Submission] = person
		d.leaks = append(d.leaks, l)
		return l
	}
	for person := range 1 + r.IntN(5) {
		var of []watermark.Submission
		for k := range r.IntN(3) {
			for range 1 + r.IntN(3) {
				of = append(of, leak(person, fmt.Sprint(person, "/", k)).Submission)
			}
			if k == 1 {
				d.same = append(d.same, findings.SameDocument{Submissions: [2]watermark.Submission{of[0], of[len(of)-1]}})
			}
		}
		for range r.IntN(each + 1) {
			of = append(of, leak(person, "").Submission)
		}
		if len(of) > 1 && r.IntN(2) == 0 {
			d.same = append(d.same, findings.SameDocument{Submissions: [2]watermark.Submission{of[r.IntN(len(of))], of[r.IntN(len(of))]}})
		}
	}
	r.Shuffle(len(d.leaks), func(i, k int) { d.leaks[i], d.leaks[k] = d.leaks[k], d.leaks[i] })
	return d
}

// Whatever uploads have no subject: no recipient's copies count as more persons' than they are.
func TestNeverMorePersonsThanThereAre(t *testing.T) {
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 17))
		each := 1 + r.IntN(4)
		d := randomDump(r, each)
		for _, stated := range []int{0, each, each + 2} {
			units := verify.Units(d.leaks, stated, d.same...)
			counted, there := make(map[string]map[string]bool), make(map[string]map[int]bool)
			for _, l := range d.leaks {
				for _, name := range l.MayNames() {
					if counted[name] == nil {
						counted[name], there[name] = make(map[string]bool), make(map[int]bool)
					}
					counted[name][units[l.Submission]] = true
					there[name][d.person[l.Submission]] = true
				}
			}
			for _, name := range []string{"vendor A", "vendor B"} {
				require.LessOrEqual(t, len(counted[name]), len(there[name]), "seed %d, %s, %d each stated %d", seed, name, each, stated)
			}
		}
	}
}
