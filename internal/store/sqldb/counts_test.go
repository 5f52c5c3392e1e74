package sqldb_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/sqldb"
	"github.com/kycmark/kycmark/internal/test/long"
)

// counts are all counts of a registry, or the error of each.
func counts(t *testing.T, d *sqldb.DB) map[string]string {
	ctx, out := t.Context(), make(map[string]string)
	say := func(what string, answer any, err error) {
		if out[what] = fmt.Sprintf("%+v", answer); err != nil {
			require.ErrorIs(t, err, records.ErrTampered)
			out[what] = "error: " + err.Error()
		}
	}
	for what, until := range map[string]time.Time{"days": t0.AddDate(99, 0, 0), "days until": t0.AddDate(0, 0, 4)} {
		by, err := d.CountDays(ctx, until)
		say(what, by, err)
	}
	n, err := d.CountSubmitted(ctx, [2]time.Time{t0.AddDate(0, 0, 2).Add(1), t0.AddDate(0, 0, 7)})
	say("parts of days", n, err)
	first, last, err := d.Span(ctx)
	say("span", []time.Time{first, last}, err)
	return out
}

// One row is moved to another day or recipient, hidden, or made void: counts are as before, or an error that
// an audit has as well. They are never others.
func TestCountsAreChecked(t *testing.T) {
	const day = "86400000000"
	each := 0
	for name, edit := range map[string]string{
		"an upload of another day":        "UPDATE submission SET submitted = submitted + " + day + " WHERE subject = 'subject-5'",
		"the first upload later":          "UPDATE submission SET submitted = submitted + 1 WHERE subject = 'subject-0'",
		"an upload out of the window":     "UPDATE submission SET submitted = submitted - 1000000 WHERE subject = 'subject-2'",
		"a hidden upload":                 "UPDATE submission SET page = 2, pages = 3 WHERE subject = 'subject-4'",
		"a page more that is no upload":   "UPDATE submission SET page = 0, pages = 0 WHERE page = 2",
		"an erased upload of another day": "UPDATE submission SET submitted = submitted + " + day + " WHERE erased > 0",
		"an upload that is not erased":    "UPDATE submission SET erased = 0 WHERE erased > 0",
		"another recipient":               "UPDATE copy SET recipient = 'vendor B' WHERE issued = (SELECT max(issued) FROM copy) AND seq = (SELECT max(seq) FROM copy WHERE recipient = 'vendor A')",
		"a copy of another day":           "UPDATE copy SET issued = issued + " + day + " WHERE seq = (SELECT min(seq) FROM copy)",
		"a copy of another upload":        "UPDATE copy SET submission = (SELECT submission FROM copy WHERE seq = (SELECT max(seq) FROM copy)) WHERE seq = (SELECT min(seq) FROM copy)",
		"a hidden void":                   "UPDATE release SET state = 'released' WHERE state = 'void' AND seq = (SELECT min(seq) FROM release WHERE state = 'void')",
		"one void more":                   "UPDATE release SET state = 'void' WHERE state = 'released' AND seq = (SELECT min(seq) FROM release WHERE state = 'released')",
		"a hidden copy":                   "DELETE FROM copy WHERE seq = (SELECT min(seq) FROM copy)",
	} {
		t.Run(name, func(t *testing.T) {
			on := []string{"memory", "postgres"}
			if each++; each%6 > 1 && !long.On {
				on = on[:1]
			}
			for _, kind := range on {
				d := kinds[kind](t, info())
				everything(t, d)
				want := counts(t, d)
				before, during := inDialect(kind, edit)
				_, err := d.Raw().Exec(before)
				require.NoError(t, err)
				tx, err := d.Raw().Begin()
				require.NoError(t, err)
				_, err = tx.Exec(during)
				require.NoError(t, err)
				require.NoError(t, tx.Commit())
				for what, answer := range counts(t, d) {
					if !strings.HasPrefix(answer, "error: ") {
						require.Equal(t, want[what], answer, "%s: %s", kind, what)
					}
				}
				_, _, err = d.Check(t.Context())
				require.ErrorIs(t, err, records.ErrTampered)
			}
		})
	}
}
