package verify_test

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/objects"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/recheck"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
	"github.com/kycmark/kycmark/watermark"
)

// Opponents' stories in which an answer must stay open.

// Marked copies leaked, and what is left of their marks is seen. Or it is not known whether the leaks show the uploads that they
// are counted for. The holder of these uploads was pointed at by a window, by a holding, and as a holder of unmarked uploads.
func TestVagueLeaksPointToNoHolder(t *testing.T) {
	traced := func(l *findings.Finding) {
		l.Traces = []findings.Tracing{{Submission: l.Submission, Registered: true, Power: .9999, Copies: []findings.TracedCopy{}, Edits: []findings.Edit{}, Level: -9}}
	}
	another := func(l *findings.Finding, pixels string) {
		m := l.Matches[0]
		m.Submission, m.Pixels = watermark.Submission{l.Submission[0], 200}, pixels
		l.Matches = append(l.Matches, m)
	}
	for name, change := range map[string]func(*findings.Finding){
		"plain":               func(*findings.Finding) {},
		"pilots":              func(l *findings.Finding) { l.Sync = -9 },
		"far hash, undecided": func(l *findings.Finding) { l.Matches[0].Distance, l.Matches[0].Pixels = 28, findings.PixelsUndecided },
		"far hash, small":     func(l *findings.Finding) { l.Matches[0].Distance, l.Width, l.Height = 28, 220, 165; traced(l) },
		"alike":               func(l *findings.Finding) { another(l, findings.PixelsAlike); traced(l) },
		"page of several":     func(l *findings.Finding) { l.Matches[0].Page = 1; another(l, findings.PixelsSame); traced(l) },
		"closed":              func(l *findings.Finding) { l.Closed = 1; traced(l) },
	} {
		var leaks []*findings.Finding
		for n := range 20 {
			l := leakOf(n+1, findings.FoundUnreadable, "", holds("vendor A", found.AddDate(-1, 0, 0)))
			l.Submitted = feb.AddDate(0, 0, n%10)
			l.Matches[0].Submitted = l.Submitted
			change(l)
			verify.Conclude(l)
			verify.SetSubject(l, "person "+l.File)
			require.Equal(t, findings.FoundUnreadable, l.Kind, name)
			leaks = append(leaks, l)
		}
		cfg := verify.Options{Circumstances: findings.Circumstances{Found: found}}
		d := verify.WeighFor(leaks, recipients, cfg, 120)
		require.Empty(t, checked(t, d, cfg), name)
		all := strings.Join(d.Sentences(), "\n")
		assert.Equal(t, name == "plain", strings.Contains(all, "vendor A could hold the uploads of all these"), name)
		assert.Equal(t, name == "plain", strings.Contains(all, "vendor A (20 of these"), name)
		assert.Equal(t, name == "plain" || name == "pilots", strings.Contains(all, "of one month”: supported"), name)
	}
}

// Vendor A's copies of two persons leak, and two other uploads, one of these with an unlisted mark. On two pictures they were
// the rest that another source explains, and on one sheet not. Of that sheet one month alone was counted.
func TestSheetWithAnUnlistedMark(t *testing.T) {
	p := -9.1
	at := func(x0, x1 float64) *findings.Quad { return &findings.Quad{{x0, 0}, {x1, 0}, {x1, 480}, {x0, 480}} }
	for _, sheet := range []bool{false, true} {
		marked, plain := leakOf(3, findings.FoundUnreadable, ""), leakOf(4, findings.FoundUnreadable, "")
		marked.Reads = []findings.Reading{{Copy: 77, KeyID: "v1-k", LogP: &p, Shows: findings.PixelsUnknown}}
		leaks := []*findings.Finding{leakOf(1, findings.FoundCopy, "vendor A"), leakOf(2, findings.FoundCopy, "vendor A"), marked, plain}
		if sheet {
			marked.Width, marked.Matches[0].Region = 1280, at(0, 640)
			m := plain.Matches[0]
			m.Region = at(640, 1280)
			marked.Matches, leaks = append(marked.Matches, m), leaks[:3]
		}
		for _, l := range leaks[2:] {
			verify.Conclude(l)
			verify.SetSubject(l, "person "+l.File)
			l.Submitted = feb
			for i := range l.Beside {
				l.Beside[i].Submitted = feb.AddDate(0, 1, 0)
				verify.SetBeside(l, l.Beside[i].Submission, "person beside")
			}
		}
		cfg := verify.Options{Circumstances: findings.Circumstances{Found: found}}
		d := verify.WeighFor(leaks, recipients, cfg, 120)
		assert.NotEmpty(t, d.Odds.Rivals, "%v", sheet)
		assert.Equal(t, sheet, strings.Contains(strings.Join(d.Public, "\n"), "of one month”: refuted"), "%v: %s", sheet, d.Public)
		assert.Empty(t, checked(t, d, cfg))
	}
}

// The issuer issues one more copy of each upload after the find. Nothing said any more that all copies of the uploads were found.
func TestAllCopiesOfTheTimeOfTheFind(t *testing.T) {
	var leaks []*findings.Finding
	var more []books.Copy
	for n := range 3 {
		l := mixed(n+1, "vendor A", "vendor B")
		leaks = append(leaks, l)
		more = append(more, books.Copy{ID: l.Copies[0] + 7000, Submission: l.Submission, Recipient: "authority C", KeyID: "v1-k", Issued: found.Add(time.Hour)})
	}
	cfg := verify.Options{Circumstances: findings.Circumstances{Found: found}}
	d := verify.WeighFor(leaks, recipients, cfg, 120, more...)
	assert.Contains(t, strings.Join(d.Sentences(), "\n"), "the copies of all recipients were found")
	assert.Empty(t, checked(t, d, cfg))
}

// Vendor A was issued a copy years before the find, by the record. The home trusts a witness, which signed late or never. "Our
// systems were not breached" was spoken against.
func TestCopyOfNoProvenTimeWasHandedOut(t *testing.T) {
	for name, bound := range map[string]books.Bound{"no witness": {}, "never signed": {Unproven: true}, "signed after": {Proven: found.Add(time.Hour)}} {
		l := leakOf(1, findings.FoundUnmarked, "")
		l.Traces = []findings.Tracing{{Submission: l.Submission, Registered: true, Power: .9999, Issued: 1, Copies: []findings.TracedCopy{}, Edits: []findings.Edit{}}}
		cfg := verify.Options{Circumstances: findings.Circumstances{Found: found}}
		d := verify.WeighFor([]*findings.Finding{l}, recipients, cfg, 120,
			books.Copy{ID: 77, Submission: l.Submission, Recipient: "vendor A", KeyID: "v1-k", Issued: feb.AddDate(0, 1, 0), Bound: bound})
		assert.Contains(t, strings.Join(d.Public, "\n"), "Pictures do not show how they were obtained", name)
		assert.Empty(t, checked(t, d, cfg))
	}
}

// The ledger has an examination of all three files from before their copies were issued. The signer leaves out of the findings
// that the files were known, so that their copies are not late.
func TestKnownFilesCannotBeLeftOut(t *testing.T) {
	issued := feb.AddDate(1, 0, 0)
	for _, told := range []bool{true, false} {
		var leaks []*findings.Finding
		for n := range 3 {
			l := leakOf(n+1, findings.FoundCopy, "vendor A")
			if told {
				l.Known = issued.AddDate(0, -1, 0)
			}
			leaks = append(leaks, l)
		}
		cfg := verify.Options{Circumstances: findings.Circumstances{Found: issued.AddDate(0, 2, 0)}}
		d := verify.WeighAround(leaks, recipients, cfg, 120, verify.Around{Earlier: []findings.Earlier{{Entry: 9, Started: issued.AddDate(0, -1, 0), Shared: 3}}})
		d.Record.Parameters = verify.Method()
		d.Record.Parameters[findings.FoundOn] = cfg.Found.Format(time.RFC3339Nano)
		text, err := verify.Encode(unredacted(d))
		require.NoError(t, err)
		if err := recheck.CheckVerdict(readFindings(t, string(text))); told {
			assert.NoError(t, err)
		} else {
			assert.ErrorContains(t, err, "entry 9: it examined 3 of these files, but 0 can be known since then")
		}
	}
}

// A service has one Investigator as long as it lives. Its originals cannot be read for a while, and then they can.
func TestOriginalIsBack(t *testing.T) {
	p := &failingPlace{Place: objects.Folder(t.TempDir()), shut: make(map[objects.Name]bool), torn: make(map[objects.Name]bool)}
	at := sqlite.At(filepath.Join(t.TempDir(), "kyc.db"), func(context.Context, string, string) (objects.Place, error) { return p, nil })
	r, err := registry.Create(t.Context(), at, &registry.CreateOptions{Originals: "failing://"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	cfg := registry.Config{Registry: r, Key: leaktest.Key(), SealKey: leaktest.SealKey()}
	data := file(t, specimen.Landscape(100, 320, 240), "jpeg")
	_, _, err = newIssuer(t, cfg).Submit(t.Context(), bytes.NewReader(data), "customer", feb, nil)
	require.NoError(t, err)
	found, err := verify.NewInvestigator(verify.Config{Registry: r, SealKey: cfg.SealKey})
	require.NoError(t, err)
	for _, shut := range []bool{true, false} {
		for o, err := range p.All(t.Context()) {
			require.NoError(t, err)
			p.mu.Lock()
			p.shut[o.Name] = shut
			p.mu.Unlock()
		}
		v, err := found.Begin(nil)
		require.NoError(t, err)
		got, err := v.File(t.Context(), "leak.jpg", data)
		require.NoError(t, err)
		assert.Equal(t, shut, got.Kind == findings.FoundIncomplete, "%s %s", got.Kind, got.Error)
	}
}

// The subject of an upload is changed, or the upload is erased, between two leaks of it. verify-report refused the findings: the
// two leaks gave the upload two subjects.
func TestSubjectThatChangesMeanwhile(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*caseFile) error{
		"changed": func(c *caseFile) error {
			_, err := c.Registry.SetSubjects(t.Context(), map[watermark.Submission]string{c.firstID: "customer 9"}, "")
			return err
		},
		"erased": func(c *caseFile) error {
			_, err := c.Registry.EraseSubmissions(t.Context(), []watermark.Submission{c.firstID}, "desk", "retention ended")
			return err
		},
	} {
		c := newCase(t)
		c.Found = time.Now().Add(time.Hour)
		v := c.investigator(t, noMark)
		first, err := v.File(t.Context(), "1.jpg", file(t, c.first, "jpeg"))
		require.NoError(t, err)
		require.Equal(t, c.firstID, first.Submission)
		require.NoError(t, change(c))
		second, err := v.File(t.Context(), "2.jpg", file(t, c.first, "png"))
		require.NoError(t, err)
		d, err := v.Weigh(t.Context(), []*findings.Finding{first, second})
		require.NoError(t, err)
		var text bytes.Buffer
		require.NoError(t, v.WriteFindings(t.Context(), &text, d, true))
		assert.NoError(t, recheck.CheckVerdict(readFindings(t, text.String())), name)
	}
}
