//go:build long

package seal_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/seal"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// A bundle of an investigation of two registries has proofs from both ledgers, and each proof counts for its
// own registry alone.
func TestLongBundleOfSeveralRegistries(t *testing.T) {
	ctx := t.Context()
	var cfg verify.Config
	var sources []seal.Source
	dir := t.TempDir()
	var private []string
	for i, name := range []string{"A", "B"} {
		r := leaktest.NewRegistry(t)
		key, sealing := watermark.GenerateKey(), registry.GenerateSealKey()
		_, err := r.Ledger().AddMarkKey(ctx, key)
		require.NoError(t, err)
		require.NoError(t, r.AddRecipient(ctx, registry.Recipient{Name: "vendor", Kind: registry.KindVendor}))
		s, err := registry.NewIssuer(registry.Config{Registry: r, Key: key, SealKey: sealing})
		require.NoError(t, err)
		sub, _, err := s.Submit(ctx, bytes.NewReader(jpeg(t, specimen.Render(specimen.Passport, specimen.NewPerson(uint64(i+1)), 500))), "", time.Time{})
		require.NoError(t, err)
		var copied bytes.Buffer
		_, err = s.Issue(ctx, &copied, sub.ID, "vendor", "request 7")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name+".jpg"), copied.Bytes(), 0o600))
		secret, public, err := r.Ledger().GenerateKey(ctx)
		require.NoError(t, err)
		private = append(private, secret)
		cfg.Sources = append(cfg.Sources, verify.Source{Name: name, Registry: r, Keys: []*watermark.Key{key}, SealKey: sealing})
		sources = append(sources, seal.Source{Name: name, Registry: r, LedgerPublic: public})
	}
	for _, parties := range [][][]string{nil, {{"A/vendor", "B/vendor"}}} {
		cfg.Parties = parties
		inv, err := verify.NewInvestigator(cfg)
		require.NoError(t, err)
		var leaks []*verify.Verdict
		for v, err := range inv.InvestigateFiles(ctx, dir) {
			require.NoError(t, err)
			leaks = append(leaks, v)
		}
		d, err := inv.Weigh(ctx, leaks)
		require.NoError(t, err)
		require.Equal(t, 2, d.Counts["copy"])
		for i, s := range sources {
			_, err := s.Registry.Ledger().Sign(ctx, private[i])
			require.NoError(t, err)
		}
		var report, findings bytes.Buffer
		require.NoError(t, inv.WriteReport(ctx, &report, d, false))
		require.NoError(t, inv.WriteFindings(ctx, &findings, d, false))
		in := seal.Investigation{Report: report.Bytes(), Findings: findings.Bytes(), Sources: sources, Made: time.Now()}
		b, err := seal.Seal(ctx, in, fixedKey(1), nil)
		require.NoError(t, err)
		for _, trust := range []seal.Trust{{}, {Key: public(fixedKey(1)), Ledger: sources[1].LedgerPublic, Ledgers: []string{sources[1].LedgerPublic, sources[0].LedgerPublic}}} {
			r := b.Check(trust)
			require.Empty(t, failing(r), "%v", r.Checks)
			of := 0
			for _, c := range r.Checks {
				if c.Name == "proofs" {
					of++
					assert.Contains(t, c.Text, ": investigations: 1, copies: 1; each is in the ledger")
				}
			}
			require.Equal(t, 2, of)
		}
		assert.Equal(t, []string{"proofs"}, failing(b.Check(seal.Trust{Ledger: sources[0].LedgerPublic, Ledgers: []string{sources[0].LedgerPublic}})), "the key of B is not trusted")

		swapped := in
		swapped.Sources = []seal.Source{sources[1], sources[0]}
		_, err = seal.Seal(ctx, swapped, fixedKey(1), nil)
		require.ErrorIs(t, err, seal.ErrBundle)
		silent := in
		silent.Sources = []seal.Source{sources[0], {Name: "B", Registry: sources[1].Registry}}
		none, err := seal.Seal(ctx, silent, fixedKey(1), nil)
		require.NoError(t, err)
		require.Empty(t, failing(none.Check(seal.Trust{})), "no ledger's proofs, which it says")

		for name, edit := range map[string]func(files map[string][]byte, c *seal.Content){
			"proofs exchanged": func(files map[string][]byte, _ *seal.Content) {
				files["proofs-A.jsonl"], files["proofs-B.jsonl"] = files["proofs-B.jsonl"], files["proofs-A.jsonl"]
			},
			"B in place of A": func(files map[string][]byte, c *seal.Content) {
				for _, f := range []string{"proofs-%.jsonl", "ledger-%.pub", "ledger-%.checkpoint"} {
					files[strings.Replace(f, "%", "A", 1)] = files[strings.Replace(f, "%", "B", 1)]
				}
				c.Predicate.Ledgers[0].Key, c.Predicate.Ledgers[0].Checkpoint = c.Predicate.Ledgers[1].Key, c.Predicate.Ledgers[1].Checkpoint
			},
			"none of B": func(files map[string][]byte, _ *seal.Content) { delete(files, "proofs-B.jsonl") },
			"no copy of B": func(files map[string][]byte, _ *seal.Content) {
				files["proofs-B.jsonl"] = firstLine(files["proofs-B.jsonl"])
			},
			"no ledger B": func(_ map[string][]byte, c *seal.Content) { c.Predicate.Ledgers = c.Predicate.Ledgers[:1] },
		} {
			r := b.Verify(seal.Trust{})
			c := seal.Content{Predicate: r.Statement.Predicate, Inputs: r.Statement.Inputs()}
			c.Predicate.Ledgers = slices.Clone(c.Predicate.Ledgers)
			files := make(map[string][]byte)
			for _, f := range b.Files() {
				if slices.ContainsFunc([]string{"report", "findings", "proofs", "ledger"}, func(s string) bool { return strings.HasPrefix(f.Name, s) }) {
					files[f.Name] = f.Data
				}
			}
			edit(files, &c)
			for _, f := range slices.Sorted(maps.Keys(files)) {
				c.Files = append(c.Files, seal.File{Name: f, About: "as before", Data: files[f]})
			}
			forged, err := seal.Sign(ctx, c, fixedKey(1), nil)
			require.NoError(t, err)
			got := failing(forged.Check(seal.Trust{}))
			require.NotEmpty(t, got, name)
			require.Equal(t, []string{"proofs"}, slices.Compact(got), name)
		}
	}
}

func firstLine(text []byte) []byte {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return append(line[:len(line):len(line)], '\n')
}
