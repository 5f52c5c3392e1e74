package verify_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/sentencecheck"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/recheck"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// Two vendors capture all uploads, each of which has a fact of custody of its own, as signed events enter them. The
// leaks are of the uploads of one vendor. The verdict says that it could hold these, and how much of all it had. It says
// so in true sentences, names nobody, and is the same when the findings are read again. If that vendor had captured all
// uploads, nothing is said of a vendor.
func TestVendorHadItFirst(t *testing.T) {
	t.Parallel()
	for _, vendors := range []int{2, 1} {
		ctx, cfg := t.Context(), leaktest.Config(t)
		s := newIssuer(t, cfg)
		for _, name := range []string{"vendor A", "vendor B"} {
			require.NoError(t, cfg.Registry.AddRecipient(ctx, books.Recipient{Name: name, Kind: books.KindVendor}))
		}
		img := imaging.Resize(passport(1), 90, 0, imaging.Box)
		var leaks []*findings.Finding
		for n := range 80 {
			img.Pix[4*n] ^= 1 // another file
			sub := submit(t, s, file(t, img, "png"), fmt.Sprint("customer ", n), feb.AddDate(0, 0, n/4), &registry.SubmitOptions{HashOnly: true})
			require.NoError(t, cfg.Registry.AddCustody(ctx, books.Custody{Recipient: []string{"vendor A", "vendor B"}[n%vendors],
				From: sub.Submitted, To: sub.Submitted, Submissions: []watermark.Submission{sub.ID}}))
			if n%4 == 0 {
				l := leakOf(n+1, findings.FoundUnreadable, "")
				var err error
				l.Custody, err = cfg.Registry.Custody(ctx, registry.CustodyFilter{Submission: sub.ID})
				require.NoError(t, err)
				l.Submission, l.Submitted = sub.ID, sub.Submitted
				leaks = append(leaks, l)
			}
		}
		how := investigating(cfg)
		how.Found = time.Now().Add(time.Hour)
		v, d := weighIn(t, how, leaks)
		assert.Empty(t, d.Named)
		says := strings.Join(d.Sentences(), "\n")
		if vendors == 1 {
			assert.Nil(t, d.Odds.Holding)
			assert.Contains(t, says, "vendor A (20 of these; 80 of all 80 uploads). The exchange held them also.")
			continue
		}
		require.NotNil(t, d.Odds.Holding)
		assert.Contains(t, says, "Of 20 pictures on which no mark was found, 20 show uploads that by the records vendor A could hold unmarked. Of all uploads of these days vendor A could hold 50.0 %. "+
			"If pictures of 20 persons were drawn at random, each from all uploads of its day, 20 or more would be such at most once in 500,000 draws. The exchange held them also. A thief who took just these, from any of them, fits as well.")
		var text bytes.Buffer
		require.NoError(t, v.WriteFindings(ctx, &text, d, false))
		wrong, err := sentencecheck.Check(text.Bytes())
		require.NoError(t, err)
		assert.Empty(t, wrong)
		f, err := recheck.Read(&text)
		require.NoError(t, err)
		assert.NoError(t, recheck.CheckVerdict(f))

		// each figure of the sentence is checked
		for i := range d.Said {
			if s := &d.Said[i]; s.Code == "holding" {
				for k, was := range s.Figures {
					s.Figures[k] = falsified(was)
					wrong, err := sentencecheck.CheckFigures(encoded(t, d, how.Options))
					require.NoError(t, err)
					assert.NotEmpty(t, wrong, k)
					s.Figures[k] = was
				}
			}
		}

		// a sub-processor of vendor A held the same: neither is named without the other
		sub := books.Custody{Recipient: "sub", From: feb, To: feb.AddDate(0, 1, 0)}
		require.NoError(t, cfg.Registry.AddRecipient(ctx, books.Recipient{Name: sub.Recipient, Kind: books.KindVendor}))
		for _, l := range leaks {
			sub.Submissions = append(sub.Submissions, l.Submission)
		}
		require.NoError(t, cfg.Registry.AddCustody(ctx, sub))
		for _, l := range leaks {
			l.Custody, err = cfg.Registry.Custody(ctx, registry.CustodyFilter{Submission: l.Submission})
			require.NoError(t, err)
		}
		v, d = weighIn(t, how, leaks)
		require.NotNil(t, d.Odds.Holding)
		assert.ElementsMatch(t, []string{"vendor A", "sub"}, d.Odds.Holding.Holders)
		assert.Regexp(t, `by the records (sub and vendor A|vendor A and sub) could each hold unmarked`, strings.Join(d.Sentences(), "\n"))
		text.Reset()
		require.NoError(t, v.WriteFindings(ctx, &text, d, false))
		wrong, err = sentencecheck.Check(text.Bytes())
		require.NoError(t, err)
		assert.Empty(t, wrong)

		how.Found = feb // before the facts were entered
		_, d = weighIn(t, how, leaks)
		assert.Nil(t, d.Odds.Holding)
		how.Found = time.Now().Add(time.Hour)
		for _, l := range leaks {
			how.Against = append(how.Against, l.Submission)
		}
		_, d = weighIn(t, how, leaks)
		assert.Nil(t, d.Odds.Holding, "who names the uploads chooses what can match")
	}
}
