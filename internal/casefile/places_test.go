package casefile

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/seal"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// key signs the test's bundles.
var key = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))

// custodyOf returns a fact of custody over all time.
func custodyOf(name string) registry.Custody {
	return registry.Custody{Recipient: name, From: time.Unix(0, 0), To: time.Now().AddDate(1, 0, 0)}
}

// closed returns the file of a case of one leak, an upload that vendor A could hold unmarked, and what opens
// its commitments.
func closed(t *testing.T) (*seal.Bundle, []byte) {
	t.Helper()
	ctx, cfg := t.Context(), leaktest.Config(t)
	require.NoError(t, cfg.Registry.AddRecipient(ctx, registry.Recipient{Name: "vendor A", Kind: registry.KindVendor}))
	private, public, err := cfg.Registry.Ledger().GenerateKey(ctx)
	require.NoError(t, err)
	s, err := registry.NewIssuer(cfg)
	require.NoError(t, err)
	var upload bytes.Buffer
	require.NoError(t, picture.Encode(&upload, specimen.Render(specimen.Passport, specimen.NewPerson(1), 500), "jpeg", 90))
	_, _, err = s.Submit(ctx, bytes.NewReader(upload.Bytes()), "customer 1", time.Time{})
	require.NoError(t, err)
	require.NoError(t, cfg.Registry.AddCustody(ctx, custodyOf("vendor A")))
	log := func(text []byte) {
		_, err := cfg.Registry.Engine().LogInvestigation(ctx, registry.Investigation{Command: "kycmark case", Input: sha256.Sum256(text)})
		require.NoError(t, err)
	}

	c, err := ParseText("proposition of A: x\nproposition of B: y\ngiven: z\nsays [no-mark]: they lack our watermark\n")
	require.NoError(t, err)
	c.ID, c.Registry, c.Opened, c.Examiner, c.Role, c.Party = "17/26", cfg.Registry.ID(), time.Now().UTC(), "e", "r", "p"
	text, err := c.Encode()
	require.NoError(t, err)
	log(text)

	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "leak.jpg"), upload.Bytes(), 0o600))
	inv, err := verify.NewInvestigator(verify.Config{Registry: cfg.Registry, Keys: []*watermark.Key{cfg.Key}, SealKey: cfg.SealKey, Actor: cfg.Actor,
		Circumstances: verify.Circumstances{CaseDigest: fmt.Sprintf("%x", sha256.Sum256(text))}})
	require.NoError(t, err)
	var leaks []*verify.Verdict
	for v, err := range inv.InvestigateFiles(ctx, dir) {
		require.NoError(t, err)
		leaks = append(leaks, v)
	}
	d, err := inv.Weigh(ctx, leaks)
	require.NoError(t, err)
	var report, findings bytes.Buffer
	require.NoError(t, inv.WriteReport(ctx, &report, d, false))
	require.NoError(t, inv.WriteFindings(ctx, &findings, d, false))
	f, err := verify.ReadFindings(bytes.NewReader(findings.Bytes()))
	require.NoError(t, err)
	commitments, openings, err := Commit(f)
	require.NoError(t, err)
	log(commitments)
	_, err = cfg.Registry.Ledger().Sign(ctx, private)
	require.NoError(t, err)
	inner, err := seal.Seal(ctx, seal.Investigation{Report: report.Bytes(), Findings: findings.Bytes(), Sources: []seal.Source{{Registry: cfg.Registry, LedgerPublic: public}}, Made: time.Now()}, key, nil)
	require.NoError(t, err)
	sum := sha256.Sum256(upload.Bytes())
	in := Closing{Case: text, Bundle: inner, Commitments: commitments, Registry: cfg.Registry, LedgerPublic: public, Made: time.Now(),
		Acquisition: fmt.Appendf(nil, "%s\nleak.jpg,%x,a,b,c,d,e\n", strings.Join(acquisitionColumns, ","), sum)}
	out, err := Close(ctx, in, key, nil)
	require.NoError(t, err)

	in.Case = bytes.Replace(text, []byte(`"z"`), []byte(`"other facts"`), 1)
	_, err = Close(ctx, in, key, nil)
	require.ErrorIs(t, err, ErrCase, "a case that the ledger does not have")
	return out, openings
}

// Every place that docs/case.md names is there, in a case as it is built; and the holder of the key
// cannot close a case whose page says something else.
func TestPlaces(t *testing.T) {
	b, openings := closed(t)
	r := Check(b, seal.Trust{}, openings, nil)
	require.True(t, r.Holds(), "%+v", r.Checks)
	inner, err := seal.Parse(b.Content(bundleName))
	require.NoError(t, err)
	docs, err := os.ReadFile("../../docs/case.md")
	require.NoError(t, err)
	_, table, _ := strings.Cut(string(docs), "## 4.")
	table, _, _ = strings.Cut(table, "## 5.")
	places := 0
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || strings.HasPrefix(cells[1], "--") || strings.Contains(cells[3], "place") {
			continue
		}
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[3], -1) {
			places++
			assert.True(t, has(b, inner, m[1]), "%s: %s", cells[2], m[1])
		}
	}
	assert.Greater(t, places, 20)
	assert.False(t, has(b, inner, "case.html#nowhere"))
	assert.False(t, has(b, inner, "case.json:nothing"))
}

// has reports whether a case has a place: FILE, FILE#ID of an element, or FILE:PATH of a JSON value that
// is not empty. Files of the investigation's bundle count.
func has(b, inner *seal.Bundle, place string) bool {
	file, id, element := strings.Cut(place, "#")
	file, path, value := strings.Cut(file, ":")
	data := b.Content(file)
	if data == nil {
		data = inner.Content(file)
	}
	if element {
		return bytes.Contains(data, []byte(`id="`+id+`"`))
	}
	if !value {
		return len(data) > 0
	}
	var x any
	if json.Unmarshal(data, &x) != nil {
		return false
	}
	for name := range strings.SplitSeq(path, ".") {
		m, _ := x.(map[string]any)
		x = m[name]
	}
	return x != nil && x != ""
}

// Each edit by the holder of the key, who signs again, is found.
func TestEditedCases(t *testing.T) {
	b, _ := closed(t)
	names := []string{CaseName, AcquisitionName, pageName, bundleName, commitmentsName, proofsName, stateName, ledgerName}
	for _, edited := range []struct{ file, from, to, by string }{
		{CaseName, `"z"`, `"other facts"`, "opened"},
		{CaseName, `"examiner": "e"`, `"examiner": "f"`, "opened"},
		{AcquisitionName, ",d,", ",,", "page"},
		{AcquisitionName, "leak.jpg", "leak.png", "page"},
		{pageName, "supported", "refuted", "page"},
		{pageName, "before the examination", "long before the examination", "page"},
		{commitmentsName, `"commitment":"`, `"commitment":"0`, "opened"},
		{proofsName, `"command":"kycmark case"`, `"command":"kycmark"`, "opened"},
	} {
		var files []seal.File
		for _, name := range names {
			data := b.Content(name)
			if name == edited.file {
				again := bytes.Replace(data, []byte(edited.from), []byte(edited.to), 1)
				require.NotEqual(t, data, again, "%+v", edited)
				data = again
			}
			files = append(files, seal.File{Name: name, Data: data})
		}
		forged, err := seal.SignFiles(t.Context(), files, seal.Predicate{Made: time.Now(), Tool: "kycmark"}, key, nil)
		require.NoError(t, err)
		var by []string
		for _, c := range Check(forged, seal.Trust{}, nil, nil).Checks {
			if c.Err != nil {
				by = append(by, c.Name)
			}
		}
		assert.Equal(t, []string{edited.by}, by, "%+v", edited)
	}
}
