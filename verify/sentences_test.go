package verify_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/sentencecheck"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/watermark"
)

// encoded is the findings file of a verdict of WeighFor.
func encoded(t *testing.T, d *findings.Verdict, cfg verify.Options) []byte {
	t.Helper()
	d.Record.Parameters = map[string]string{"leaks found on": "not stated", "compared with": "all uploads that are searched"}
	if !cfg.Found.IsZero() {
		d.Record.Parameters["leaks found on"] = cfg.Found.Format(time.RFC3339Nano)
	}
	if n := len(cfg.Against); n > 0 {
		d.Record.Parameters["compared with"] = strconv.Itoa(n)
	}
	if n := cfg.UploadsPerSubject; n > 0 {
		d.Record.Parameters["uploads without a subject that one person has"] = strconv.Itoa(n)
	}
	text, err := verify.Encode(findingsOf(d))
	require.NoError(t, err)
	return text
}

func findingsOf(d *findings.Verdict) *findings.File {
	return &findings.File{Format: findings.Format, Verdict: d, Leaks: d.Findings, Thumbnails: []string{}, Uploads: []string{}}
}

// checked returns what the checker finds wrong with the sentences of a verdict.
func checked(t *testing.T, d *findings.Verdict, cfg verify.Options) []string {
	t.Helper()
	wrong, err := sentencecheck.Check(encoded(t, d, cfg))
	require.NoError(t, err)
	return wrong
}

// A checker that shares no code with the sentences finds each of them true, and none left out.
func TestSentencesAreTrue(t *testing.T) {
	t.Parallel()
	for name, d := range dumps() {
		got := weighed(d)
		assert.Empty(t, checked(t, got, verify.Options{Circumstances: findings.Circumstances{Found: found}}), "%s: %s", name, got.Headline)
	}
	for _, text := range func() []string { plain, revealed, _ := richDump(t); return []string{plain, revealed} }() {
		wrong, err := sentencecheck.Check([]byte(text))
		require.NoError(t, err)
		assert.Empty(t, wrong)
	}
}

// The same for random dumps. KYCMARK_REPORTS is their number, KYCMARK_SEED the seed of the first. With the tag long there
// are so many that each code is said.
func TestSentencesOfRandomDumpsAreTrue(t *testing.T) {
	t.Parallel()
	const all = 300
	reports, seed := number("KYCMARK_REPORTS", long.Number(40, all)), number("KYCMARK_SEED", 700)
	t.Logf("%d reports from seed %d", reports, seed)
	said := make(map[string]int)
	for i := range reports {
		d, cfg := randomWeighed(t, uint64(seed+i))
		all := slices.Concat(d.Notes, d.Said)
		for _, l := range d.Findings {
			all = append(all, l.Said...)
		}
		for _, x := range all {
			said[x.Code]++
			if clause, ok := x.Figures["clause"].(string); ok {
				said["clause "+clause]++
			}
		}
		if wrong := checked(t, d, cfg); !assert.Empty(t, wrong, "seed %d: %s", seed+i, d.Headline) && i > 50 {
			break
		}
	}
	codes := slices.Clone(verify.NoteCodes)
	for _, clause := range verify.Clauses {
		codes = append(codes, "clause "+clause)
	}
	for _, code := range codes {
		never := slices.Contains([]string{odds.TooMany, "clause " + odds.TooMany, "clause " + odds.FewTrials, "clause vendor-supported"}, code) || // nine recipients are many, 912 trials enough; TestClaimsMadeInPublic
			strings.HasSuffix(code, "-unanswered") // TestLongGroups
		assert.True(t, said[code] > 0 || never || reports < all, "%s is never said", code)
	}
}

// Each of these dumps had a false sentence, or lacked a true one.
func TestSentencesThatWereFalse(t *testing.T) {
	a := func(n int, c ...books.Custody) *findings.Finding {
		return leakOf(n, findings.FoundCopy, "vendor A", c...)
	}
	known := findings.Circumstances{Found: found}
	broken := closed(3, findings.FoundDamaged)
	for name, x := range map[string]struct {
		leaks       []*findings.Finding
		cfg         findings.Circumstances
		says, never string
	}{
		"others chose, no uploads": {[]*findings.Finding{leakOf(1, findings.FoundUnknown, ""), leakOf(2, findings.FoundUnknown, "")}, findings.Circumstances{Found: found, Claimed: 100}, "100 pictures are claimed, and 2 different files were examined. 0 count as showing an upload of the registry. From a selection that others made", "not ours”: refuted"},
		"all that are claimed":     {[]*findings.Finding{leakOf(1, findings.FoundUnmarked, ""), leakOf(2, findings.FoundUnmarked, "")}, findings.Circumstances{Found: found, Claimed: 2}, "2 pictures are claimed, and 2 different files were examined. 2 count as showing an upload", "From a selection"},
		"the only one claimed":     {[]*findings.Finding{leakOf(1, findings.FoundUnmarked, "")}, findings.Circumstances{Found: found, Claimed: 1}, "1 picture is claimed, and 1 different file was examined. 1 counts as showing an upload", "From a selection"},
		"chance is rounded up":     {[]*findings.Finding{unissued(leakOf(1, findings.FoundUnknown, ""))}, known, "at most 1e-08.", "9e-09."},
		"marks, none confirmed":    {[]*findings.Finding{unconfirmed(a(1))}, known, "The leaked picture carries the mark of an issued copy.", "No upload of the registry was matched"},
		"other marks beside":       {[]*findings.Finding{a(1), a(2), leakOf(3, findings.FoundTransplanted, "vendor B")}, known, "2 of the 3 leaked pictures", "No mark of another"},
		"a broken file repeated":   {[]*findings.Finding{leakOf(1, findings.FoundUnknown, ""), broken, again(broken)}, known, "2 of the 3 files given were not examined: 2 damaged", "byte for byte"},
		"one was not judged":       {[]*findings.Finding{a(1), a(2), reserved(a(3)), reserved(a(4)), lost(leakOf(5, findings.FoundIncomplete, ""))}, known, "4 of the 5 leaked pictures", "No mark of another"},
		"an archive was not read":  {[]*findings.Finding{a(1), a(2), closed(3, findings.FoundUnopened)}, known, "1 of the 3 files given was not examined", "No mark of another"},
		"they resemble uploads":    {[]*findings.Finding{leakOf(1, findings.FoundLookalike, ""), leakOf(2, findings.FoundLookalike, ""), leakOf(3, findings.FoundUnknown, "")}, known, "2 pictures resemble uploads of the registry, but are not shown to be the same captures.", "Inconclusive"},
		"two of one person":        {[]*findings.Finding{a(1), subject(a(2), "person 1"), reserved(a(3))}, known, "For 1 of the 3 copies of vendor A found here no entry before the find confirms that it was handed out.", "No mark of another"},
		"a part of a mark":         {[]*findings.Finding{partOfAMark(leakOf(1, findings.FoundUnreadable, "")), leakOf(2, findings.FoundUnknown, "")}, known, "Chance gives one in this investigation with a probability of at most 2e-06.", "at most 1e-06"},
		"one copy, three times":    {[]*findings.Finding{a(1), again(a(1)), a(1)}, known, "The marks on 1 picture (1 person) are", "All 1"},
	} {
		d := verify.WeighFor(x.leaks, recipients, verify.Options{Circumstances: x.cfg}, 120)
		text := d.Headline + " " + strings.Join(d.Sentences(), " ")
		assert.Contains(t, text, x.says, name)
		assert.NotContains(t, text, x.never, name)
	}
}

// Opponent's story: a mark key was lost between two stated times of the find, and its marks count for no recipient. The pictures
// with them were counted among those that come from the copies of the recipient that is named for others.
func TestMarksOfALostKeyAreNotCounted(t *testing.T) {
	stated := feb.AddDate(2, 0, 0)
	cfg := verify.Options{Circumstances: findings.Circumstances{Found: stated}}
	var leaks []*findings.Finding
	for n := range 4 {
		leaks = append(leaks, leakOf(n+1, findings.FoundCopy, "vendor A"))
	}
	forged := leaks[3]
	forged.Keys = []books.KeyState{{KeyID: "v1-k", State: books.KeyCompromised, Since: stated.AddDate(0, 1, 0)}}
	forged.Reads = []findings.Reading{{Copy: forged.Copy(), KeyID: "v1-k", LogP: forged.LogP, Submission: forged.Submission}}
	d := verify.WeighAround(leaks, recipients, cfg, 120, verify.Around{Earlier: []findings.Earlier{{Entry: 9, Started: stated.AddDate(1, 0, 0), Shared: 1, Found: stated.AddDate(0, 2, 0)}}})
	assert.Contains(t, d.Headline, "3 of the 4 leaked pictures come from copies issued to vendor A")
	assert.Contains(t, strings.Join(d.Strength, " "), "The marks on 3 pictures (3 persons)")
	assert.Contains(t, strings.Join(d.Weakens, " "), "each holder of the key could have made these marks, which count for no recipient")
	assert.Empty(t, checked(t, d, cfg))
}

// A leak with copies of more recipients than are compared names eight of them, and says of the others
// that they were not compared.
func TestCopiesOfManyRecipientsInOnePicture(t *testing.T) {
	var many []books.Recipient
	var names []string
	for i := range 12 {
		names = append(names, fmt.Sprintf("vendor %02d", i))
		many = append(many, books.Recipient{Name: names[i], Kind: books.KindVendor})
	}
	cfg := verify.Options{Circumstances: findings.Circumstances{Found: found}}
	d := verify.WeighFor([]*findings.Finding{mixed(1, names...), mixed(2, names...)}, many, cfg, 120)
	assert.Len(t, d.Named, 8)
	assert.Contains(t, strings.Join(d.Weakens, " "), "vendor 07 and 4 other recipients at once.")
	assert.Empty(t, checked(t, d, cfg))
	assert.Equal(t, 8, strings.Count(string(encoded(t, d, cfg)), `"too-many"`), "of each of four, the reason and the sentence")
}

// If only named uploads were searched, the headline does not hide that pictures resemble them.
func TestNamedUploadsThatAreResembled(t *testing.T) {
	leaks := []*findings.Finding{leakOf(1, findings.FoundLookalike, ""), leakOf(2, findings.FoundUnknown, "")}
	cfg := verify.Options{Circumstances: findings.Circumstances{Found: found}, Against: []watermark.Submission{leaks[0].Submission}}
	d := verify.WeighFor(leaks, recipients, cfg, 120)
	assert.Contains(t, d.Headline, "1 picture resembles an upload of the registry, but is not shown to be the same capture.")
	assert.Empty(t, checked(t, d, cfg))
}

// The checker notices each figure that is falsified, and each sentence that is left out or said in
// place of another: of the verdict, and of the notes on hypotheses and on leaks. Each kind of falsehood
// is tried often times, in dumps as different as they come.
func TestCheckerNoticesFalsehoods(t *testing.T) {
	t.Parallel()
	often := number("KYCMARK_OFTEN", 1) // trials of each falsehood
	falsehoods, tried := 0, make(map[string]int)
	type dump struct {
		seed uint64
		*findings.Verdict
		cfg  verify.Options
		text []byte
	}
	var dumps []dump
	for seed := range long.Cases[uint64](1, 12, 40)[0] {
		d, cfg := randomWeighed(t, 1000+seed)
		dumps = append(dumps, dump{seed, d, cfg, encoded(t, d, cfg)})
	}
	slices.SortFunc(dumps, func(a, b dump) int { return len(a.text) - len(b.text) }) // the shortest are checked fastest
	for _, x := range dumps {
		seed, d, cfg := x.seed, x.Verdict, x.cfg
		lists := []*[]findings.Said{&d.Said, &d.Notes}
		for i, l := range d.Findings {
			if i < 3 {
				lists = append(lists, &l.Said)
			}
		}
		for _, list := range lists {
			for i, s := range *list {
				code := s.Code
				noticed := func(kind, what string) {
					if tried[code+" "+kind]++; tried[code+" "+kind] > often {
						return
					}
					text, err := json.Marshal(findingsOf(d)) // encoded spends most of its time on white space
					require.NoError(t, err)
					wrong, err := sentencecheck.CheckFigures(text)
					require.NoError(t, err)
					assert.NotEmpty(t, wrong, "seed %d: %s of %s", 1000+seed, what, code)
					falsehoods++
				}
				for k, was := range s.Figures {
					(*list)[i].Figures[k] = falsified(was)
					if k == "adds" {
						(*list)[i].Figures[k] = was.(int) + 5 // uploads that the case leaves out may be of any person
					}
					noticed(k, fmt.Sprintf("%s %v", k, was))
					(*list)[i].Figures[k] = was
				}
				all := *list
				*list = slices.Delete(slices.Clone(all), i, i+1)
				noticed("left out", "leaving out")
				*list = all
				(*list)[i].Code = verify.NoteCodes[len(tried)%len(verify.NoteCodes)]
				if (*list)[i].Code != code {
					noticed("in place", "saying "+(*list)[i].Code+" in place")
				}
				(*list)[i].Code = code
			}
		}
		require.Equal(t, x.text, encoded(t, d, cfg))
	}
	t.Logf("%d falsehoods of %d kinds", falsehoods, len(tried))
}

// falsified returns another value for a figure.
func falsified(x any) any {
	switch x := x.(type) {
	case int:
		return x + 1
	case float64:
		return x + 0.2
	case string:
		if n, err := strconv.ParseFloat(x, 64); err == nil {
			return strconv.FormatFloat(n*3+1, 'g', -1, 64)
		}
		return x + "1"
	case []string:
		return append(slices.Clone(x), "another")
	}
	return 7
}

func number(name string, value int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return value
}

// randomWeighed weighs a random dump of a random world.
func randomWeighed(t *testing.T, seed uint64) (*findings.Verdict, verify.Options) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 17))
	cfg := verify.Options{Circumstances: findings.Circumstances{Found: found}}
	w := &sentencecheck.World{KeyID: "v1-k"}
	subjects := make(map[watermark.Submission]string)
	recipient := make(map[watermark.CopyID]string)
	var issued []books.Copy
	persons, narrow := 1+rng.IntN(20), rng.IntN(3) == 0
	for i := range 3 + rng.IntN(25) {
		id := watermark.Submission{byte(i + 1), 1}
		at := feb.AddDate(0, 0, rng.IntN(3000)-1500)
		if narrow {
			at = feb.AddDate(0, 0, rng.IntN(14))
		}
		if rng.IntN(15) == 0 {
			at = found.AddDate(0, 0, 3)
		}
		u := sentencecheck.Upload{ID: id.String(), Submitted: at}
		if subjects[id] = fmt.Sprintf("person %d", rng.IntN(persons)); rng.IntN(8) == 0 {
			subjects[id] = ""
		}
		for k, r := range recipients {
			if i%5 != 4 && (rng.IntN(3) > 0 || i == 0) {
				c := books.Copy{ID: watermark.CopyID(i*10 + k + 1), Submission: id, Recipient: r.Name, Purpose: fmt.Sprintf("request %d", rng.IntN(6)), KeyID: "v1-k", SHA256: books.Digest{byte(i), byte(k), 1}, Issued: at.AddDate(0, 1, 0)}
				if i%2 == 0 && r.Name == "vendor A" {
					c.Reviewer = fmt.Sprint("reviewer-", i%3)
				}
				if rng.IntN(15) == 0 {
					c.Issued = found.AddDate(0, 0, 1)
				}
				state := "" // that sentences tell apart from released
				switch {
				case c.ID%13 == 5:
					state = books.CopyReserved
				case c.ID%17 == 6:
					state = books.CopyVoid
				}
				c.State = cmp.Or(state, books.CopyReleased)
				u.Copies = append(u.Copies, sentencecheck.Copy{ID: c.ID.String(), Recipient: c.Recipient, Issued: c.Issued, State: state, SHA256: c.SHA256.String(), Row: c})
				if recipient[c.ID] = c.Recipient; c.State != books.CopyVoid {
					issued = append(issued, c)
				}
			}
		}
		var rows []books.Custody
		for _, r := range recipients {
			if rng.IntN(4) == 0 {
				rows = append(rows, books.Custody{Recipient: r.Name, From: at.AddDate(0, 0, -rng.IntN(40)), To: at.AddDate(0, 0, 2+rng.IntN(40)), Entered: found.AddDate(0, 0, rng.IntN(200)-150)})
				if rng.IntN(3) == 0 {
					rows[len(rows)-1].Event = books.Digest{byte(i + 1)}
				}
			}
		}
		if narrow && i%2 == 0 && at.Before(found) {
			rows = append(rows, holds("vendor B", found.AddDate(-1, 0, 0)))
		}
		u.Custody = rows
		w.Uploads = append(w.Uploads, u)
	}
	switch rng.IntN(10) {
	case 0:
		cfg.Found = time.Time{}
	case 1:
		cfg.Against = make([]watermark.Submission, 1+rng.IntN(3))
	case 2:
		rng.IntN(3)
	case 3:
		cfg.UploadsPerSubject = 1 + rng.IntN(2)
	case 4:
		cfg.Claimed = 60 + rng.IntN(1000)
	}
	var leaks []*findings.Finding
	w.Found = cfg.Found
	for _, raw := range sentencecheck.Dump(rng, w) {
		l := new(findings.Finding)
		require.NoError(t, json.Unmarshal(raw, l))
		was := l.Label()
		verify.ConcludeFound(l, cfg.Found)
		require.Equal(t, was, l.Label(), "seed %d: %s", seed, raw)
		verify.SetSubject(l, subjects[l.Submission])
		for _, b := range l.Beside {
			verify.SetBeside(l, b.Submission, subjects[b.Submission])
		}
		if l.Copy() != 0 {
			verify.SetMarked(l, recipient[l.Copy()])
		}
		leaks = append(leaks, l)
	}
	if cfg.Claimed%3 == 1 { // all that are claimed were examined
		cfg.Claimed = 0
		for _, l := range leaks {
			if l.Weighed() {
				cfg.Claimed++
			}
		}
	}
	travel, public := randomTravel(rng, leaks)
	run := findings.Run{Began: found.AddDate(0, 1, rng.IntN(60)), Command: []string{"kycmark", "investigate", "it's here"}}
	around := verify.Around{Earlier: randomEarlier(rng, leaks), Run: run, Travel: travel, Public: public}
	if len(public) > 0 {
		around.Published = []findings.Earlier{{Entry: 90, Actor: []string{"", "legal"}[rng.IntN(2)], Found: found.AddDate(0, -4, 0), Evidence: "https://example.org/post/7"}}
	}
	return verify.WeighAround(leaks, recipients, cfg, 120, around, issued...), cfg
}

// randomTravel draws how the confirmed copies of a dump travelled, and since when they were public.
func randomTravel(rng *rand.Rand, leaks []*findings.Finding) (out []findings.Travel, public map[watermark.CopyID]time.Time) {
	public = make(map[watermark.CopyID]time.Time)
	receipts, once := rng.IntN(3), make(map[watermark.CopyID]bool)
	for _, l := range leaks {
		for _, c := range l.Issued {
			if l.MayName() == "" || once[c.ID] {
				continue
			}
			once[c.ID] = true
			x := findings.Travel{Copy: c.ID}
			if receipts == 2 || receipts == 1 && rng.IntN(2) == 0 {
				x.Receipt = found.AddDate(0, -1, 0)
			}
			for rng.IntN(4) == 0 {
				x.Others = append(x.Others, findings.HandOn{Party: recipients[rng.IntN(len(recipients))].Name, Entered: found.AddDate(0, 0, -rng.IntN(9)), Note: "letter 4"})
			}
			for _, r := range l.Reads {
				for i := 0; r.Copy == c.ID && i < len(r.Returned); i++ {
					back := findings.Return{Submission: r.Returned[i]}
					for rng.IntN(3) > 0 {
						back.Holders = append(back.Holders, findings.HandOn{Party: recipients[rng.IntN(len(recipients))].Name, Entered: found, Note: "backup"})
					}
					x.Returned = append(x.Returned, back)
				}
			}
			if out = append(out, x); rng.IntN(6) == 0 {
				public[c.ID] = found.AddDate(0, 0, -rng.IntN(99))
			}
		}
	}
	return out, public
}

// randomEarlier draws earlier examinations of files of a dump; of most dumps there are none.
func randomEarlier(rng *rand.Rand, leaks []*findings.Finding) (out []findings.Earlier) {
	files := make(map[string]bool)
	for _, l := range leaks {
		files[l.SHA256] = true
	}
	if rng.IntN(3) > 0 || len(leaks) == 0 {
		return nil
	}
	for i := range 1 + rng.IntN(3)*rng.IntN(5) {
		e := findings.Earlier{Entry: int64(100 + 2*i), Started: found.AddDate(0, 0, rng.IntN(60)-20), Shared: 1 + rng.IntN(len(files)), Command: "kycmark investigate leaks"}
		if rng.IntN(2) == 0 {
			e.Command = `kycmark investigate 'it'\''s here'`
		}
		if rng.IntN(3) > 0 {
			e.Found = found.AddDate(0, 0, rng.IntN(3)*10-10)
		}
		if rng.IntN(3) > 0 {
			e.Concluded = e.Started.AddDate(0, 0, 1)
			e.Named = [][]string{nil, {"vendor A"}, {"vendor A", "vendor B"}}[rng.IntN(3)]
		}
		out = append(out, e)
		for _, l := range leaks {
			if rng.IntN(2) == 0 && (l.Known.IsZero() || e.Started.Before(l.Known)) {
				l.Known = e.Started
			}
		}
	}
	slices.SortStableFunc(out, func(a, b findings.Earlier) int { return a.Started.Compare(b.Started) })
	return out
}
