package seal_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/seal"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

var investigated struct {
	sync.Once
	bundle *seal.Bundle
	ledger string // public key

	later   []byte // a proof of how many copies there are, made when one more was issued
	another []byte // a proof of how many copies of another upload there are
	state   string // of the ledger then
	first   string // the state that covers the investigation

	fewer, unlogged map[string][]byte // report and findings without a file that was given, and by an investigator that entered nothing
}

// bundle is that of an investigation of two leaks, one a copy.
func bundle(t *testing.T) *seal.Bundle {
	t.Helper()
	investigated.Do(func() { makeBundle(t) })
	require.NotNil(t, investigated.bundle, "the bundle could not be made")
	return investigated.bundle
}

func makeBundle(t *testing.T) {
	ctx := t.Context()
	cfg := leaktest.Config(t)
	require.NoError(t, cfg.Registry.AddRecipient(ctx, books.Recipient{Name: "vendor A", Kind: books.KindVendor}))
	s, err := registry.NewIssuer(cfg)
	require.NoError(t, err)
	sub, _, err := s.Submit(ctx, bytes.NewReader(jpeg(t, specimen.Render(specimen.Passport, specimen.NewPerson(1), 360))), "customer 1", time.Time{}, nil)
	require.NoError(t, err)
	var copied bytes.Buffer
	made, err := s.Issue(ctx, sub.ID, "vendor A", registry.WriteTo(&copied), &registry.IssueOptions{Purpose: "request 7"})
	require.NoError(t, err)
	_, err = cfg.Registry.Ledger().AddReceipt(ctx, books.Receipt{Copy: made.ID, PublicKey: books.Digest(public(fixedKey(3))),
		Signature: books.Signature(ed25519.Sign(fixedKey(3), made.ReceiptMessage()))})
	require.NoError(t, err)
	_, err = s.Issue(ctx, sub.ID, "vendor A", registry.WriteTo(broken{registry.ErrNothingLeft}), &registry.IssueOptions{Purpose: "request 7", Request: "2"}) // findings need no void copy
	require.ErrorIs(t, err, registry.ErrNothingLeft)
	private, ledger, err := cfg.Registry.Ledger().GenerateKey(ctx)
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "copy.jpg"), copied.Bytes(), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "odd.jpg"), []byte("\xff\xd8\xff broken"), 0o600))
	v, err := verify.NewInvestigator(verify.Config{Registry: cfg.Registry, Keys: []*watermark.Key{cfg.Key}, SealKey: cfg.SealKey})
	require.NoError(t, err)
	var leaks []*findings.Finding
	var inv *verify.Investigation
	for range 2 { // the files were examined before
		leaks = nil
		inv, err = v.Begin(nil)
		require.NoError(t, err)
		for v, err := range inv.Files(ctx, dir) {
			require.NoError(t, err)
			leaks = append(leaks, v)
		}
	}
	d, err := inv.Weigh(ctx, leaks)
	require.NoError(t, err)
	require.Equal(t, 1, d.Counts["copy"])
	require.Len(t, d.Earlier, 1)
	var report, text bytes.Buffer
	require.NoError(t, inv.WriteReport(ctx, &report, d, false))
	require.NoError(t, inv.WriteFindings(ctx, &text, d, false))
	other, err := v.Begin(nil)
	require.NoError(t, err)
	investigated.fewer, investigated.unlogged = written(t, inv, leaks[:1]), written(t, other, leaks)
	c := seal.Investigation{Report: report.Bytes(), Findings: text.Bytes(), Registry: cfg.Registry, LedgerPublic: ledger, Made: time.Now()}
	_, err = seal.Seal(ctx, c, fixedKey(1), nil)
	require.ErrorIs(t, err, registry.ErrProof, "no checkpoint covers the investigation")
	_, err = cfg.Registry.Ledger().Sign(ctx, private)
	require.NoError(t, err)
	// The exchange works on: uploads come in after the state was signed, and after the signature anew.
	enter := func(n uint64) {
		_, _, err := s.Submit(ctx, bytes.NewReader(jpeg(t, specimen.Render(specimen.Passport, specimen.NewPerson(n), 60))), "", time.Time{}, nil)
		require.NoError(t, err)
	}
	enter(50)
	_, err = seal.Seal(ctx, c, fixedKey(1), nil)
	require.ErrorIs(t, err, registry.ErrProof, "no checkpoint covers the last entry")
	c.Sign = func(ctx context.Context) error {
		enter(51)
		_, err := cfg.Registry.Ledger().Sign(ctx, private)
		enter(52)
		return err
	}
	b, err := seal.Seal(ctx, c, fixedKey(1), nil)
	require.NoError(t, err)
	c.Sign = nil
	_, err = cfg.Registry.Ledger().Sign(ctx, private)
	require.NoError(t, err)
	investigated.bundle, investigated.ledger = b, ledger
	for name, files := range map[string]map[string][]byte{"a file less": investigated.fewer, "nothing entered": investigated.unlogged} {
		c.Findings, c.Report = files["findings.json"], files["report.html"]
		_, err = seal.Seal(ctx, c, fixedKey(1), nil)
		require.ErrorIs(t, err, registry.ErrProof, name)
	}
	c.Findings, c.Report = text.Bytes(), report.Bytes()
	c.Findings = bytes.Replace(c.Findings, []byte(`"matched": 1`), []byte(`"matched": 2`), 1)
	_, err = seal.Seal(ctx, c, fixedKey(1), nil)
	require.ErrorIs(t, err, findings.ErrUnsound, "what does not hold is not signed")
	c.Findings, c.Report = text.Bytes(), append(c.Report, ' ')
	_, err = seal.Seal(ctx, c, fixedKey(1), nil)
	require.ErrorIs(t, err, findings.ErrUnsound, "nor is a report with other words")
	aside, _, err := s.Submit(ctx, bytes.NewReader(jpeg(t, specimen.Render(specimen.Passport, specimen.NewPerson(2), 360))), "", time.Time{}, nil)
	require.NoError(t, err)
	_, err = s.Issue(ctx, aside.ID, "vendor A", registry.WriteTo(new(bytes.Buffer)), &registry.IssueOptions{Purpose: "request 9"})
	require.NoError(t, err)
	// The findings lack a copy that the ledger has, as if its row had been hidden.
	_, err = s.Issue(ctx, sub.ID, "vendor A", registry.WriteTo(new(bytes.Buffer)), &registry.IssueOptions{Purpose: "request 8"})
	require.NoError(t, err)
	_, err = cfg.Registry.Ledger().Sign(ctx, private)
	require.NoError(t, err)
	c.Report = report.Bytes()
	_, err = seal.Seal(ctx, c, fixedKey(1), nil)
	require.ErrorIs(t, err, registry.ErrProof)
	require.ErrorContains(t, err, "the ledger has 2 copies of submission "+sub.ID.String()+", and the findings 1")
	investigated.later, err = cfg.Registry.Ledger().ProveCopies(ctx, []watermark.Submission{sub.ID}, ledger, nil)
	require.NoError(t, err)
	investigated.another, err = cfg.Registry.Ledger().ProveCopies(ctx, []watermark.Submission{aside.ID}, ledger, nil)
	require.NoError(t, err)
	states, err := cfg.Registry.Ledger().Checkpoints(ctx)
	require.NoError(t, err)
	investigated.first, investigated.state = states[0].Text, states[len(states)-1].Text
}

// written returns report and findings of what leaks show.
func written(t *testing.T, inv *verify.Investigation, leaks []*findings.Finding) map[string][]byte {
	t.Helper()
	d, err := inv.Weigh(t.Context(), leaks)
	require.NoError(t, err)
	var report, text bytes.Buffer
	require.NoError(t, inv.WriteReport(t.Context(), &report, d, false))
	require.NoError(t, inv.WriteFindings(t.Context(), &text, d, false))
	return map[string][]byte{"report.html": report.Bytes(), "findings.json": text.Bytes()}
}

// A broken writer fails before a byte left, or behind all.
type broken struct{ err error }

func (b broken) Write([]byte) (int, error) { return 0, b.err }

// A copy that was reserved when the leaks were examined becomes void before the report is sealed: it is not
// sealed. If the copy was released meanwhile, the report holds, and says less than the ledger.
func TestSettledMeanwhile(t *testing.T) {
	ctx, cfg := t.Context(), leaktest.Config(t)
	require.NoError(t, cfg.Registry.AddRecipient(ctx, books.Recipient{Name: "vendor A", Kind: books.KindVendor}))
	s, err := registry.NewIssuer(cfg)
	require.NoError(t, err)
	sub, _, err := s.Submit(ctx, bytes.NewReader(jpeg(t, specimen.Render(specimen.Passport, specimen.NewPerson(1), 360))), "customer 1", time.Time{}, nil)
	require.NoError(t, err)
	id, path := watermark.NewCopyID(), filepath.Join(t.TempDir(), "copy.jpg")
	_, err = s.Issue(ctx, sub.ID, "vendor A", func(_ *books.Copy, file []byte) error {
		return errors.Join(os.WriteFile(path, file, 0o600), errors.New("the connection was lost"))
	}, &registry.IssueOptions{ID: id, Purpose: "request 7"})
	require.Error(t, err)
	v, err := verify.NewInvestigator(verify.Config{Registry: cfg.Registry, Keys: []*watermark.Key{cfg.Key}, SealKey: cfg.SealKey})
	require.NoError(t, err)
	inv, err := v.Begin(nil)
	require.NoError(t, err)
	var leaks []*findings.Finding
	for v, err := range inv.Files(ctx, path) {
		require.NoError(t, err)
		leaks = append(leaks, v)
	}
	d, err := inv.Weigh(ctx, leaks)
	require.NoError(t, err)
	require.Equal(t, 1, d.Counts["copy"])
	var report, text bytes.Buffer
	require.NoError(t, inv.WriteReport(ctx, &report, d, false))
	require.NoError(t, inv.WriteFindings(ctx, &text, d, false))
	private, public, err := cfg.Registry.Ledger().GenerateKey(ctx)
	require.NoError(t, err)
	c := seal.Investigation{Report: report.Bytes(), Findings: text.Bytes(), Registry: cfg.Registry, LedgerPublic: public, Made: time.Now()}
	var settled time.Time
	for _, x := range []struct{ state, refused string }{
		{"", ""},
		{books.CopyVoid, "copy " + id.String() + " is void in the ledger, and reserved in the findings"},
		{books.CopyReleased, ""},
	} {
		if x.state != "" {
			settled = time.Now()
			_, err := cfg.Registry.Ledger().AddRelease(ctx, books.Release{Copy: id, State: x.state, Note: "said the desk"})
			require.NoError(t, err)
		}
		_, err = cfg.Registry.Ledger().Sign(ctx, private)
		require.NoError(t, err)
		b, err := seal.Seal(ctx, c, fixedKey(1), nil)
		if x.refused == "" {
			require.NoError(t, err)
			require.Empty(t, failing(b.Verify(seal.Trust{})))
			continue
		}
		require.ErrorIs(t, err, registry.ErrProof)
		require.ErrorContains(t, err, x.refused)
	}

	// Before the copy was released, it was void. A find of that time takes it as void, and no other state holds. A file that
	// was examined before it was void does not.
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(file, 0), 0o600))
	inv, err = v.Begin(&verify.Options{Circumstances: findings.Circumstances{Found: settled}})
	require.NoError(t, err)
	leaks = nil
	for v, err := range inv.Files(ctx, path) {
		require.NoError(t, err)
		require.True(t, v.Void)
		leaks = append(leaks, v)
	}
	files := written(t, inv, leaks)
	c.Report, c.Findings = files["report.html"], files["findings.json"]
	_, err = cfg.Registry.Ledger().Sign(ctx, private)
	require.NoError(t, err)
	b, err := seal.Seal(ctx, c, fixedKey(1), nil)
	require.NoError(t, err)
	require.Empty(t, failing(b.Verify(seal.Trust{})))
	c.Findings = bytes.ReplaceAll(c.Findings, []byte(`"state": "void"`), []byte(`"state": "reserved"`))
	_, err = seal.Seal(ctx, c, fixedKey(1), nil)
	require.Error(t, err)
}

func jpeg(t *testing.T, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, picture.Encode(&b, img, "jpeg", 90))
	return b.Bytes()
}

func trusting() seal.Trust {
	return seal.Trust{Key: public(fixedKey(1)), Ledger: investigated.ledger}
}

func TestBundleHolds(t *testing.T) {
	b := bundle(t)
	for _, trust := range []seal.Trust{{}, trusting()} {
		r := b.Check(trust)
		assert.Empty(t, failing(r), "%v", r.Checks)
		assert.True(t, r.Holds())
		assert.NotNil(t, r.Findings)
	}
	findings, _ := b.File("findings.json")
	report, _ := b.File("report.html")
	assert.True(t, seal.CheckFindings(findings).Holds())
	assert.True(t, seal.CheckFindings(report).Holds())
	assert.False(t, seal.CheckFindings([]byte("{}")).Holds())
	assert.False(t, seal.CheckFindings([]byte("<html>")).Holds())
	assert.False(t, seal.CheckFindings(nil).Holds())
}

// folder writes a bundle's files, some of them changed, and reads them back.
func folder(t *testing.T, b *seal.Bundle, change map[string][]byte) (*seal.Bundle, error) {
	t.Helper()
	dir := t.TempDir()
	for _, f := range b.Files() {
		data, changed := change[f.Name]
		if !changed {
			data = f.Data
		} else if data == nil {
			continue
		}
		path := filepath.Join(dir, f.Name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, data, 0o600))
	}
	return seal.Read(dir)
}

func TestEveryFileIsGuarded(t *testing.T) {
	b := bundle(t)
	for _, f := range b.Files() {
		edited := bytes.Clone(f.Data)
		edited[len(edited)/2] ^= 1
		for name, data := range map[string][]byte{"edited": edited, "removed": nil, "cut": f.Data[:len(f.Data)-1]} {
			changed, err := folder(t, b, map[string][]byte{f.Name: data})
			if err == nil {
				assert.NotEmpty(t, failing(changed.Check(seal.Trust{})), "%s %s", f.Name, name)
			} else {
				assert.ErrorIs(t, err, seal.ErrBundle)
			}
		}
	}
}

// forged is the bundle that somebody signs who edits files, and has a key.
func forged(t *testing.T, key ed25519.PrivateKey, edit func(files map[string][]byte, c *seal.Content)) *seal.Bundle {
	t.Helper()
	return forgedFrom(t, bundle(t), key, edit)
}

func forgedFrom(t *testing.T, b *seal.Bundle, key ed25519.PrivateKey, edit func(files map[string][]byte, c *seal.Content)) *seal.Bundle {
	t.Helper()
	r := b.Verify(seal.Trust{})
	require.True(t, r.Holds())
	c := seal.Content{Predicate: r.Statement.Predicate}
	files := make(map[string][]byte)
	for _, name := range []string{"report.html", "findings.json", "findings.schema.json", "proofs.jsonl", "ledger.checkpoint", "ledger.pub"} {
		data, ok := b.File(name)
		require.True(t, ok, name)
		files[name] = data
	}
	about(t, files, &c)
	edit(files, &c)
	for name, data := range files {
		c.Files = append(c.Files, seal.File{Name: name, About: "as before", Data: data})
	}
	out, err := seal.Sign(t.Context(), c, key, nil)
	require.NoError(t, err)
	return out
}

// A report names a reviewer. Opponent's story: the holder of the report key names another one, and the bundle is said to hold.
func TestNameOfAReviewer(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	cfg := leaktest.Config(t)
	require.NoError(t, cfg.Registry.AddRecipient(ctx, books.Recipient{Name: "vendor A", Kind: books.KindVendor}))
	require.NoError(t, cfg.Registry.AddRecipient(ctx, books.Recipient{Name: "Ada Lovelace", Kind: books.KindReviewer, Of: "vendor A"}))
	s, err := registry.NewIssuer(cfg)
	require.NoError(t, err)
	for n := range uint64(3) {
		sub, _, err := s.Submit(ctx, bytes.NewReader(jpeg(t, specimen.Render(specimen.Passport, specimen.NewPerson(n+1), 360))), fmt.Sprint("customer ", n), time.Time{}, nil)
		require.NoError(t, err)
		var out bytes.Buffer
		_, err = s.Issue(ctx, sub.ID, "Ada Lovelace", registry.WriteTo(&out), &registry.IssueOptions{Purpose: "queue"})
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprint(n, ".jpg")), out.Bytes(), 0o600))
	}
	private, ledger, err := cfg.Registry.Ledger().GenerateKey(ctx)
	require.NoError(t, err)
	v, err := verify.NewInvestigator(verify.Config{Registry: cfg.Registry, Keys: []*watermark.Key{cfg.Key}, SealKey: cfg.SealKey})
	require.NoError(t, err)
	inv, err := v.Begin(nil)
	require.NoError(t, err)
	var leaks []*findings.Finding
	for l, err := range inv.Files(ctx, dir) {
		require.NoError(t, err)
		leaks = append(leaks, l)
	}
	files := written(t, inv, leaks)
	require.Contains(t, string(files["findings.json"]), "The marks name Ada Lovelace")
	c := seal.Investigation{Report: files["report.html"], Findings: files["findings.json"], Registry: cfg.Registry, LedgerPublic: ledger, Made: time.Now()}
	c.Sign = func(ctx context.Context) error { _, err := cfg.Registry.Ledger().Sign(ctx, private); return err }
	require.NoError(t, c.Sign(ctx))
	b, err := seal.Seal(ctx, c, fixedKey(1), nil)
	require.NoError(t, err)
	require.Empty(t, failing(b.Check(seal.Trust{})))
	unproved := forgedFrom(t, b, fixedKey(1), func(files map[string][]byte, _ *seal.Content) {
		without(files, "Lovelace")
	}).Check(seal.Trust{})
	assert.Equal(t, []string{"proofs"}, failing(unproved))
	assert.Contains(t, fmt.Sprint(unproved.Checks), "none of the recipient")
	kind := forgedFrom(t, b, fixedKey(1), func(files map[string][]byte, _ *seal.Content) {
		edited(t, files, func(v *findings.Verdict) { v.History.Recipients[0].Kind = books.KindAuthority })
	}).Check(seal.Trust{})
	assert.Contains(t, failing(kind), "proofs")
	require.NoError(t, cfg.Registry.EraseRecipient(ctx, "Ada Lovelace", "", ""))
	_, err = seal.Seal(ctx, c, fixedKey(1), nil)
	require.ErrorIs(t, err, registry.ErrErased, "a name that was erased is not sealed")
}

// about sets the inputs and the record of a statement to what findings have.
func about(t *testing.T, files map[string][]byte, c *seal.Content) {
	t.Helper()
	f, err := verify.ReadFindings(bytes.NewReader(files["findings.json"]))
	require.NoError(t, err)
	c.Inputs = nil
	for _, l := range f.Leaks {
		sum, err := hex.DecodeString(l.SHA256)
		require.NoError(t, err)
		c.Inputs = append(c.Inputs, seal.Input(l.File, l.Size, [32]byte(sum)))
	}
	c.Predicate.Record, err = json.Marshal(f.Verdict.Record)
	require.NoError(t, err)
}

// rewrite writes findings that were edited, in the form in which the program writes them.
func rewrite(t *testing.T, files map[string][]byte, f *findings.File) {
	t.Helper()
	text, err := json.MarshalIndent(f, "", " ")
	require.NoError(t, err)
	files["findings.json"] = append(intake.EscapedJSON(text), '\n')
}

// edited edits the verdict of findings.
func edited(t *testing.T, files map[string][]byte, edit func(*findings.Verdict)) {
	t.Helper()
	f, err := verify.ReadFindings(bytes.NewReader(files["findings.json"]))
	require.NoError(t, err)
	edit(f.Verdict)
	rewrite(t, files, f)
}

// without removes the proofs with a text.
func without(files map[string][]byte, text string) {
	lines := bytes.SplitAfter(files["proofs.jsonl"], []byte("\n"))
	files["proofs.jsonl"] = bytes.Join(slices.DeleteFunc(lines, func(l []byte) bool { return bytes.Contains(l, []byte(text)) }), nil)
}

func replaceIn(files map[string][]byte, old, replacement string, names ...string) {
	for _, name := range names {
		files[name] = bytes.Replace(files[name], []byte(old), []byte(replacement), 1)
	}
}

func TestSignedAnew(t *testing.T) {
	both := []string{"findings.json", "report.html"}
	for name, x := range map[string]struct {
		key  byte
		edit func(files map[string][]byte, c *seal.Content)
		want []string // checks that fail without trust from elsewhere
	}{
		"nothing": {1, func(map[string][]byte, *seal.Content) {}, nil},
		"a number, in the report too, with another key": {2, func(files map[string][]byte, _ *seal.Content) {
			replaceIn(files, `"matched": 1`, `"matched": 2`, "findings.json")
			replaceIn(files, `&#34;matched&#34;: 1`, `&#34;matched&#34;: 2`, "report.html")
		}, []string{"verdict", "report", "proofs"}},
		"a number, with the right key": {1, func(files map[string][]byte, _ *seal.Content) {
			replaceIn(files, `"matched": 1`, `"matched": 2`, "findings.json")
		}, []string{"verdict", "report", "proofs"}},
		"the recipient, with the right key": {1, func(files map[string][]byte, _ *seal.Content) {
			for _, name := range both {
				files[name] = bytes.ReplaceAll(files[name], []byte("vendor A"), []byte("vendor B"))
			}
		}, []string{"report", "proofs"}}, // which bears the digest of the findings
		"a note": {1, func(files map[string][]byte, _ *seal.Content) {
			for _, name := range both {
				files[name] = bytes.ReplaceAll(files[name], []byte("This file could not be decoded."), []byte("Shows nothing."))
			}
		}, []string{"leaks", "report"}},
		"a word of the report alone": {1, func(files map[string][]byte, _ *seal.Content) {
			replaceIn(files, "What this does not show", "What this shows", "report.html")
		}, []string{"report"}},
		"its style": {1, func(files map[string][]byte, _ *seal.Content) {
			replaceIn(files, "</style>", "li { display: none; }</style>", "report.html")
		}, []string{"report"}},
		"behind its end": {1, func(files map[string][]byte, _ *seal.Content) {
			files["report.html"] = append(bytes.Clone(files["report.html"]), "<p>Nobody did it.</p>"...)
		}, []string{"report"}},
		"a thumbnail": {1, func(files map[string][]byte, _ *seal.Content) {
			files["report.html"] = regexp.MustCompile(`base64,[^"]+`).ReplaceAll(files["report.html"], []byte("base64,iVBORw0KGgo="))
		}, []string{"report"}},
		"the report alone": {1, func(files map[string][]byte, _ *seal.Content) {
			files["report.html"] = []byte("<p>Nobody did it.</p>")
		}, []string{"report"}},
		"no findings":   {1, func(files map[string][]byte, _ *seal.Content) { delete(files, "findings.json") }, []string{"findings"}},
		"no report":     {1, func(files map[string][]byte, _ *seal.Content) { delete(files, "report.html") }, []string{"report"}},
		"an input less": {1, func(_ map[string][]byte, c *seal.Content) { c.Inputs = c.Inputs[1:] }, []string{"inputs"}},
		"an input more": {1, func(_ map[string][]byte, c *seal.Content) {
			c.Inputs = append(c.Inputs, seal.Input("another.jpg", 1, [32]byte{}))
		}, []string{"inputs"}},
		"another record": {1, func(_ map[string][]byte, c *seal.Content) { c.Predicate.Record = json.RawMessage(`{"actor":"you"}`) }, []string{"inputs"}},
		"a proof less": {1, func(files map[string][]byte, _ *seal.Content) {
			_, files["proofs.jsonl"], _ = bytes.Cut(files["proofs.jsonl"], []byte("\n"))
		}, []string{"proofs"}},
		"no proof of how many copies there are": {1, func(files map[string][]byte, c *seal.Content) {
			without(files, `"copies":[{`)
			files["ledger.checkpoint"], c.Predicate.Ledger.Checkpoint = []byte(investigated.first), investigated.first
		}, []string{"proofs"}},
		"fewer copies than there are": {1, func(files map[string][]byte, c *seal.Content) {
			lines := bytes.SplitAfter(files["proofs.jsonl"], []byte("\n"))
			i := slices.IndexFunc(lines, func(l []byte) bool { return bytes.Contains(l, []byte(`"copies":[{`)) })
			lines[i] = investigated.later
			files["proofs.jsonl"], files["ledger.checkpoint"] = bytes.Join(lines, nil), []byte(investigated.state)
			c.Predicate.Ledger.Checkpoint = investigated.state
		}, []string{"copies"}},
		"an upload that the findings lack": {1, func(files map[string][]byte, c *seal.Content) {
			files["proofs.jsonl"] = append(bytes.Clone(files["proofs.jsonl"]), investigated.another...)
			files["ledger.checkpoint"], c.Predicate.Ledger.Checkpoint = []byte(investigated.state), investigated.state
		}, []string{"copies"}},
		"another command": {1, func(files map[string][]byte, c *seal.Content) {
			edited(t, files, func(v *findings.Verdict) { v.Record.Command = append(v.Record.Command, "--against", "none") })
			about(t, files, c)
		}, []string{"report", "proofs"}},
		"evidence that nothing contradicts": {1, func(files map[string][]byte, _ *seal.Content) {
			f, err := verify.ReadFindings(bytes.NewReader(files["findings.json"]))
			require.NoError(t, err)
			f.Leaks[0].Traces[0].Residual++
			rewrite(t, files, f)
		}, []string{"report", "proofs"}},
		"no conclusion": {1, func(files map[string][]byte, _ *seal.Content) { without(files, `"conclusion":`) }, []string{"proofs"}},
		"another conclusion": {1, func(files map[string][]byte, _ *seal.Content) {
			edited(t, files, func(v *findings.Verdict) { v.Named = append(v.Named, "vendor B") })
		}, []string{"verdict", "report", "proofs"}},
		"a key that was not tried": {1, func(files map[string][]byte, c *seal.Content) {
			edited(t, files, func(v *findings.Verdict) { v.Record.Keys = []string{"v1-0000000000000000"} })
			about(t, files, c)
		}, []string{"verdict", "report", "proofs"}},
		"a smaller ledger": {1, func(files map[string][]byte, c *seal.Content) {
			edited(t, files, func(v *findings.Verdict) { v.Record.LedgerSize = 3 })
			about(t, files, c)
		}, []string{"verdict", "report"}},
		"a number of copies": {1, func(files map[string][]byte, _ *seal.Content) {
			replaceIn(files, `"n":2`, `"n":1`, "proofs.jsonl")
		}, []string{"proofs"}},
		"an edited proof": {1, func(files map[string][]byte, _ *seal.Content) {
			replaceIn(files, `"files":2`, `"files":3`, "proofs.jsonl")
		}, []string{"proofs"}},
		"a leak less": {1, func(files map[string][]byte, c *seal.Content) {
			maps.Copy(files, investigated.fewer)
			about(t, files, c)
		}, []string{"proofs"}},
		"no investigation": {1, func(files map[string][]byte, c *seal.Content) {
			maps.Copy(files, investigated.unlogged)
			about(t, files, c)
		}, []string{"proofs"}},
		"a receipt at another time": {1, func(files map[string][]byte, c *seal.Content) {
			edited(t, files, func(v *findings.Verdict) {
				require.False(t, v.Travel[0].Receipt.IsZero())
				v.Travel[0].Receipt = v.Travel[0].Receipt.AddDate(0, 0, -1)
			})
		}, []string{"report", "proofs"}},
		"an earlier examination less": {1, func(files map[string][]byte, _ *seal.Content) {
			f, err := verify.ReadFindings(bytes.NewReader(files["findings.json"]))
			require.NoError(t, err)
			lines := bytes.SplitAfter(files["proofs.jsonl"], []byte("\n"))
			files["proofs.jsonl"] = bytes.Join(slices.DeleteFunc(lines, func(l []byte) bool {
				return bytes.Contains(l, []byte(`"investigation":`)) && !bytes.Contains(l, []byte(`"digests":`))
			}), nil)
			f.Verdict.Earlier = nil
			f.Verdict.Details = nil // "Files of this dump were examined before"
			f.Verdict.Said = slices.DeleteFunc(f.Verdict.Said, func(s findings.Said) bool { return s.Code == "examined-before" })
			rewrite(t, files, f)
		}, []string{"report", "proofs"}},
		"another state": {1, func(_ map[string][]byte, c *seal.Content) { c.Predicate.Ledger.Checkpoint += "x" }, []string{"proofs"}},
		"no ledger":     {1, func(_ map[string][]byte, c *seal.Content) { c.Predicate.Ledger = nil }, []string{"proofs"}},
		"another registry": {1, func(files map[string][]byte, c *seal.Content) {
			c.Predicate.Ledger.Key = "x+" + c.Predicate.Ledger.Key
		}, []string{"proofs"}},
	} {
		b := forged(t, fixedKey(x.key), x.edit)
		checks := b.Check(seal.Trust{})
		assert.Equal(t, x.want, failing(checks), "%s: %v", name, checks.Checks)
		if says := map[string]string{"no conclusion": "ended with this evidence", "evidence that nothing contradicts": "ended with this evidence", "another conclusion": "ended with this evidence", "a leak less": "1 of the files that were given are missing in the findings", "no investigation": "was not given", "a receipt at another time": "none of the receipt of copy", "an earlier examination less": "lack the examination of entry", "no proof of how many copies there are": "none of how many", "fewer copies than there are": "the ledger has 2 copies of"}[name]; says != "" {
			assert.Contains(t, fmt.Sprint(checks.Checks), says, name)
		}
		if x.key != 1 {
			assert.Contains(t, failing(b.Check(trusting())), "key", name)
		}
	}
	none := forged(t, fixedKey(1), func(files map[string][]byte, c *seal.Content) {
		delete(files, "proofs.jsonl")
		delete(files, "ledger.checkpoint")
		delete(files, "ledger.pub")
		c.Predicate.Ledger = nil
	})
	assert.Empty(t, failing(none.Check(seal.Trust{})), "says that they are not there")
	assert.Equal(t, []string{"proofs"}, failing(none.Check(trusting())))
}
