package registry_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// handedOver is a shop whose copy was issued, receipted and proved.
type handedOver struct {
	*signed
	sub   *books.Submission
	copy  *books.Copy
	proof []byte
}

func handOver(t *testing.T) *handedOver {
	t.Helper()
	issuer, cfg, sub := shop(t, "jpeg")
	h := &handedOver{signed: withLedgerKey(t, cfg.Registry), sub: sub}
	var out bytes.Buffer
	var err error
	h.copy, err = issuer.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(&out), &registry.IssueOptions{Purpose: "request 7"})
	require.NoError(t, err)
	_, err = h.Ledger().Prove(t.Context(), h.copy.ID, h.public)
	require.ErrorIs(t, err, registry.ErrProof)
	require.ErrorContains(t, err, "no signed checkpoint covers entry 5 yet")
	h.sign(t)
	added, err := h.Ledger().AddReceipt(t.Context(), receiptOf(t, h.copy))
	require.NoError(t, err)
	require.True(t, added)
	h.grow(t, "vendor B", "vendor C")
	h.sign(t)
	h.proof, err = h.Ledger().Prove(t.Context(), h.copy.ID, h.public)
	require.NoError(t, err)
	return h
}

func receiptOf(t *testing.T, c *books.Copy) books.Receipt {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	return books.Receipt{
		Copy: c.ID, PublicKey: books.Digest(public),
		Signature: books.Signature(ed25519.Sign(private, []byte("kycmark receipt v1\n"+c.SHA256.String()+"\n"+c.ID.String()+"\n"))),
	}
}

func TestProve(t *testing.T) {
	h := handOver(t)
	for _, key := range []string{h.public, ""} {
		p, err := registry.CheckProof(h.proof, key)
		require.NoError(t, err)
		require.Equal(t, h.public, p.Key)
		require.Len(t, p.Entries, 4)
		requireSame(t, h.copy, p.Entries[0].Copy)
		assert.Equal(t, h.copy.KeyID, p.Entries[1].MarkKey.KeyID)
		assert.Equal(t, h.copy.ID, p.Entries[2].Receipt.Copy)
		assert.Equal(t, books.CopyReleased, p.Entries[3].Release.State)
		var under []int64
		for _, e := range p.Entries {
			under = append(under, p.Checkpoints[e.Checkpoint].Size)
		}
		assert.Equal(t, []int64{6, 6, 9, 6}, under, "the first checkpoints that cover them")
	}
	for _, private := range []string{"customer 17", h.sub.SHA256.String(), h.sub.Hash, h.private} {
		assert.NotContains(t, string(h.proof), private)
	}
	require.Equal(t, 1, bytes.Count(h.proof, []byte("\n")), "one line")

	// A witness's checkpoint dates an entry better than an older one without.
	w := newWitness(t, "witness.example")
	all, err := h.Ledger().Checkpoints(t.Context())
	require.NoError(t, err)
	_, err = h.Ledger().AddCosignatures(t.Context(), []byte(w.cosign(all[1].Text, 1_790_000_000)), h.public, w.key)
	require.NoError(t, err)
	proof, err := h.Ledger().Prove(t.Context(), h.copy.ID, h.public)
	require.NoError(t, err)
	p, err := registry.CheckProof(proof, h.public, w.key)
	require.NoError(t, err)
	require.Len(t, p.Checkpoints, 1)
	require.Equal(t, w.name, p.Checkpoints[0].Witnesses[0].Name)
}

func TestProveSubmission(t *testing.T) {
	h := handOver(t)
	proof, err := h.Ledger().ProveSubmission(t.Context(), h.sub.ID, h.public)
	require.NoError(t, err)
	p, err := registry.CheckProof(proof, h.public)
	require.NoError(t, err)
	requireSame(t, h.sub, p.Entries[0].Submission)
	_, err = h.Erase(t.Context(), "customer 17", "", "")
	require.NoError(t, err)
	_, err = h.Ledger().ProveSubmission(t.Context(), h.sub.ID, h.public)
	require.ErrorIs(t, err, registry.ErrErased)
	again, err := h.Ledger().Prove(t.Context(), h.copy.ID, h.public)
	require.NoError(t, err)
	require.Equal(t, h.proof, again, "a copy is proved as before")
}

// What no entry commits to is no part of a proof.
func TestForgedSubmissionProofs(t *testing.T) {
	h := handOver(t)
	proof, err := h.Ledger().ProveSubmission(t.Context(), h.sub.ID, h.public)
	require.NoError(t, err)
	row := func(p map[string]any) map[string]any {
		return p["entries"].([]any)[0].(map[string]any)["submission"].(map[string]any)
	}
	for name, edit := range map[string]func(p map[string]any){
		"erased":               func(p map[string]any) { row(p)["erased"] = true },
		"another subject":      func(p map[string]any) { row(p)["subject"] = "customer 18" },
		"a rendition of zeros": func(p map[string]any) { row(p)["rendition"] = strings.Repeat("00", 32) },
		"no rendition":         func(p map[string]any) { delete(row(p), "rendition") },
		"nanoseconds":          func(p map[string]any) { row(p)["received"] = nanosecondLater(t, row(p)["received"]) },
	} {
		_, err := registry.CheckProof(forge(t, proof, edit), h.public)
		assert.ErrorIs(t, err, registry.ErrProof, name)
	}
}

// nanosecondLater is less than what a commitment tells apart.
func nanosecondLater(t *testing.T, at any) string {
	t.Helper()
	was, err := time.Parse(time.RFC3339Nano, at.(string))
	require.NoError(t, err)
	return was.Add(1).Format(time.RFC3339Nano)
}

// Every byte of a proof counts, whatever it is changed to.
func TestEveryByteOfAProofCounts(t *testing.T) {
	h := handOver(t)
	for i, b := range h.proof {
		edited := bytes.Clone(h.proof)
		for _, flip := range []byte{0x01, 0x20} {
			edited[i] = b ^ flip
			if _, err := registry.CheckProof(edited, h.public); err == nil {
				t.Fatalf("byte %d, %q to %q, was not noticed", i, b, edited[i])
			}
		}
	}
	for name, edited := range map[string][]byte{
		"cut":     h.proof[:len(h.proof)-1],
		"longer":  append(bytes.Clone(h.proof), '\n'),
		"twice":   append(bytes.Clone(h.proof), h.proof...),
		"empty":   nil,
		"spaces":  bytes.Replace(h.proof, []byte(`":`), []byte(`": `), 1),
		"unknown": bytes.Replace(h.proof, []byte(`{"format"`), []byte(`{"x":1,"format"`), 1),
	} {
		_, err := registry.CheckProof(edited, h.public)
		assert.ErrorIs(t, err, registry.ErrProof, name)
	}
}

// A forger mends the sum, which is no secret: what is signed still catches him.
func TestForgedProofs(t *testing.T) {
	h := handOver(t)
	other := handOver(t)
	entry := func(p map[string]any, i int) map[string]any { return p["entries"].([]any)[i].(map[string]any) }
	row := func(p map[string]any) map[string]any { return entry(p, 0)["copy"].(map[string]any) }
	var foreign map[string]any
	require.NoError(t, json.Unmarshal(other.proof, &foreign))
	for name, edit := range map[string]func(p map[string]any){
		"another recipient":    func(p map[string]any) { row(p)["recipient"] = "vendor B" },
		"another digest":       func(p map[string]any) { row(p)["sha256"] = strings.Repeat("ab", 32) },
		"another time":         func(p map[string]any) { row(p)["issued"] = "2017-01-01T00:00:00Z" },
		"proven time":          func(p map[string]any) { row(p)["proven"] = "2017-01-01T00:00:00Z" },
		"another strength":     func(p map[string]any) { row(p)["strength"] = json.Number("0.5") },
		"another copy":         func(p map[string]any) { row(p)["copy"] = "0000000000000001" },
		"another salt":         func(p map[string]any) { entry(p, 0)["salt"] = strings.Repeat("00", 32) },
		"another entry":        func(p map[string]any) { entry(p, 0)["entry"] = entry(p, 1)["entry"] },
		"another path":         func(p map[string]any) { entry(p, 0)["path"] = entry(p, 1)["path"] },
		"short path":           func(p map[string]any) { entry(p, 0)["path"] = []any{} },
		"another checkpoint":   func(p map[string]any) { entry(p, 0)["checkpoint"] = json.Number("1") },
		"no such checkpoint":   func(p map[string]any) { entry(p, 0)["checkpoint"] = json.Number("2") },
		"negative checkpoint":  func(p map[string]any) { entry(p, 0)["checkpoint"] = json.Number("-1") },
		"no checkpoint":        func(p map[string]any) { p["checkpoints"] = []any{} },
		"another ledger's":     func(p map[string]any) { p["checkpoints"] = foreign["checkpoints"] },
		"another ledger's key": func(p map[string]any) { p["key"] = foreign["key"] },
		"another's receipt":    func(p map[string]any) { p["entries"].([]any)[2] = foreign["entries"].([]any)[2] },
		"no mark key":          func(p map[string]any) { p["entries"] = []any{entry(p, 0), entry(p, 2)} },
		"no copy":              func(p map[string]any) { p["entries"] = p["entries"].([]any)[1:] },
		"mark key twice":       func(p map[string]any) { p["entries"] = append(p["entries"].([]any), entry(p, 1)) },
		"no row":               func(p map[string]any) { delete(entry(p, 0), "copy") },
		"two rows":             func(p map[string]any) { entry(p, 0)["receipt"] = entry(p, 2)["receipt"] },
		"nothing":              func(p map[string]any) { p["entries"] = []any{} },
		"another format":       func(p map[string]any) { p["format"] = "kycmark proof v2" },
	} {
		_, err := registry.CheckProof(forge(t, h.proof, edit), h.public)
		assert.ErrorIs(t, err, registry.ErrProof, name)
	}
	require.Equal(t, h.proof, forge(t, h.proof, func(map[string]any) {}), "the forger writes as we do")
	_, err := registry.CheckProof(other.proof, h.public)
	require.ErrorIs(t, err, registry.ErrProof)
	_, err = registry.CheckProof(h.proof, h.public, "x")
	require.ErrorIs(t, err, registry.ErrLedgerKey)
}

// A proof's time of the find is written in another zone, with another day, or with a part of a microsecond.
func TestForgedFind(t *testing.T) {
	s := withLedgerKey(t, leaktest.NewRegistry(t))
	for found, edited := range map[time.Time]time.Time{feb: feb.In(time.FixedZone("", 14*3600)), feb.AddDate(0, 0, 1): feb.AddDate(0, 0, 1).Add(900), {}: time.Time{}.Add(900)} {
		entry, err := s.Engine().LogInvestigation(t.Context(), books.Investigation{Input: books.Digest{1}, Files: 1, Found: found, Evidence: "mail"}, false, [32]byte{2})
		require.NoError(t, err)
		s.sign(t)
		proof, err := s.Ledger().ProveInvestigation(t.Context(), entry, s.public, false)
		require.NoError(t, err)
		_, err = registry.CheckProof(proof, s.public)
		require.NoError(t, err)
		_, err = registry.CheckProof(forge(t, proof, func(p map[string]any) {
			p["entries"].([]any)[0].(map[string]any)["investigation"].(map[string]any)["found"] = edited.Format(time.RFC3339Nano)
		}), s.public)
		assert.ErrorIs(t, err, registry.ErrProof, edited)
	}
}

// Opponent's story: the holder of the report key names another reviewer. Nothing in a bundle bound the name to the reference in the copies' rows.
func TestProveRecipient(t *testing.T) {
	r, ctx := leaktest.NewRegistry(t), t.Context()
	h := withLedgerKey(t, r)
	employ(t, r)
	h.sign(t)
	ada := theRecipient(t, r, "Ada Lovelace")
	proof, err := registry.ProveRecipient(ctx, r.Ledger(), ada.Ref, h.public)
	require.NoError(t, err)
	p, err := registry.CheckProof(proof, h.public)
	require.NoError(t, err)
	require.Len(t, p.Entries, 1)
	shown := p.Entries[0].Recipient
	assert.Equal(t, []string{"Ada Lovelace", ada.Ref, "vendor-a"}, []string{shown.Name, shown.Ref, shown.Of})
	for field, to := range map[string]any{"name": "Bea", "ref": "reviewer-0000000000000000", "of": "vendor-b", "blind": strings.Repeat("00", 32), "added": "2020-01-01T00:00:00Z"} {
		_, err := registry.CheckProof(forge(t, proof, func(p map[string]any) {
			p["entries"].([]any)[0].(map[string]any)["recipient"].(map[string]any)[field] = to
		}), h.public)
		assert.ErrorIs(t, err, registry.ErrProof, field)
	}
	for _, ref := range []string{"", "Ada Lovelace", "reviewer-0000000000000000"} {
		_, err = registry.ProveRecipient(ctx, r.Ledger(), ref, h.public)
		require.ErrorIs(t, err, registry.ErrNotFound)
	}
	proof, err = registry.ProveRecipient(ctx, r.Ledger(), "vendor-a", h.public)
	require.NoError(t, err)
	_, err = registry.CheckProof(proof, h.public)
	require.NoError(t, err)
	for _, edit := range []func(x map[string]any){func(x map[string]any) { x["kind"] = books.KindAuthority }, func(x map[string]any) { x["name"] = "vendor-b" }} {
		_, err := registry.CheckProof(forge(t, proof, func(p map[string]any) { edit(p["entries"].([]any)[0].(map[string]any)["recipient"].(map[string]any)) }), h.public)
		assert.ErrorIs(t, err, registry.ErrProof)
	}
	require.NoError(t, r.EraseRecipient(ctx, "Ada Lovelace", "", ""))
	_, err = registry.ProveRecipient(ctx, r.Ledger(), ada.Ref, h.public)
	require.ErrorIs(t, err, registry.ErrErased)
}

// forge edits a proof and mends its sum.
func forge(t *testing.T, proof []byte, edit func(map[string]any)) []byte {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(proof))
	dec.UseNumber()
	var p map[string]any
	require.NoError(t, dec.Decode(&p))
	edit(p)
	out, err := registry.EncodeProof(p)
	require.NoError(t, err)
	return out
}

func FuzzCheckProof(f *testing.F) {
	f.Add([]byte(`{"format":"kycmark proof v1","key":"a+b+c","checkpoints":["x"],"entries":[{"entry":"","checkpoint":0,"path":[],"salt":""}],"sum":""}` + "\n"))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := registry.CheckProof(data, "")
		require.Equal(t, err == nil, p != nil)
		sum := sha256.Sum256(data)
		_, err = registry.CheckProof(sum[:], "")
		require.ErrorIs(t, err, registry.ErrProof)
	})
}

// The number of copies is proved of a thousand submissions at once, none also, and the proof stays far below its limit.
func TestProofOfNumbersOfCopies(t *testing.T) {
	s, cfg, sub := shop(t, "png")
	ledger := cfg.Registry.Ledger()
	for _, failure := range []error{nil, registry.ErrNothingLeft, registry.ErrNothingLeft} {
		_, err := s.Issue(t.Context(), sub.ID, "vendor A", func(*books.Copy, []byte) error { return failure }, &registry.IssueOptions{ID: watermark.NewCopyID()})
		require.ErrorIs(t, err, failure)
	}
	issued, err := cfg.Registry.Copies(t.Context(), sub.ID)
	require.NoError(t, err)
	_, err = ledger.AddRelease(t.Context(), books.Release{Copy: issued[2].ID, State: books.CopyReleased})
	require.NoError(t, err)
	issued[2].State = books.CopyReleased
	private, public, err := ledger.GenerateKey(t.Context())
	require.NoError(t, err)
	_, err = ledger.Sign(t.Context(), private)
	require.NoError(t, err)
	digestOf := func(n int) watermark.Submission {
		sum := sha256.Sum256([]byte{byte(n), byte(n >> 8)})
		return watermark.Submission(sum[:16])
	}
	of := []watermark.Submission{sub.ID}
	for n := range long.Number(99, 999) {
		of = append(of, digestOf(n))
	}
	data, err := ledger.ProveCopies(t.Context(), of, public, nil)
	require.NoError(t, err)
	require.Less(t, len(data), 2<<20)
	p, err := registry.CheckProof(data, public)
	require.NoError(t, err)
	require.Len(t, p.Entries[0].Copies, len(of))
	for i, c := range p.Entries[0].Copies {
		if i == 0 {
			require.Len(t, c.Releases, 4, "released; void; void and then released")
			require.EqualValues(t, 1, c.Void(time.Time{}))
			for _, x := range issued {
				require.Equal(t, x.State, c.StateAt(books.Copy{ID: x.ID}, time.Time{}))
			}
			c.Releases = nil
		}
		require.Equal(t, registry.CopiesEntered{Submission: of[i], N: uint64(max(3-3*i, 0))}, c)
	}
	release := func(p map[string]any) map[string]any {
		return p["entries"].([]any)[0].(map[string]any)["copies"].([]any)[0].(map[string]any)["releases"].([]any)[0].(map[string]any)
	}
	cutRelease := func(c map[string]any, from, behind int) {
		for _, of := range []string{"releases", "salts", "entries"} {
			all := c[of].([]any)
			if c[of] = append(all[:from:from], all[len(all)-behind:]...); len(c[of].([]any)) == 0 {
				delete(c, of)
			}
		}
	}
	rows := func(p map[string]any) []any { return p["entries"].([]any)[0].(map[string]any)["copies"].([]any) }
	at := func(p map[string]any, i int) map[string]any { return rows(p)[i].(map[string]any) }
	for name, edit := range map[string]func(p map[string]any){
		"more":            func(p map[string]any) { at(p, 0)["n"] = json.Number("4") },
		"none":            func(p map[string]any) { at(p, 0)["n"] = json.Number("0"); at(p, 0)["head"] = strings.Repeat("00", 32) },
		"one of none":     func(p map[string]any) { at(p, 5)["n"] = json.Number("1") },
		"another's":       func(p map[string]any) { at(p, 0)["submission"] = at(p, 5)["submission"] },
		"another's path":  func(p map[string]any) { at(p, 0)["nodes"] = at(p, 5)["nodes"] },
		"no path":         func(p map[string]any) { at(p, 0)["nodes"] = []any{} },
		"a longer path":   func(p map[string]any) { at(p, 0)["nodes"] = append(at(p, 0)["nodes"].([]any), "AAAA") },
		"another head":    func(p map[string]any) { at(p, 0)["head"] = strings.Repeat("ab", 32) },
		"void hidden":     func(p map[string]any) { cutRelease(at(p, 0), 1, 2) },
		"last one hidden": func(p map[string]any) { cutRelease(at(p, 0), 3, 0) },
		"releases hidden": func(p map[string]any) { cutRelease(at(p, 0), 0, 0) },
		"another state":   func(p map[string]any) { release(p)["state"] = "void" },
		"another copy":    func(p map[string]any) { release(p)["copy"] = "0000000000000001" },
		"another upload":  func(p map[string]any) { release(p)["submission"] = at(p, 5)["submission"] },
		"another note":    func(p map[string]any) { release(p)["note"] = "lost" },
		"another salt":    func(p map[string]any) { at(p, 0)["salts"].([]any)[0] = strings.Repeat("ab", 32) },
		"another entry":   func(p map[string]any) { at(p, 0)["entries"].([]any)[0] = json.Number("9") },
		"no path of them": func(p map[string]any) { delete(at(p, 0), "release_nodes") },
		"a row beside it": func(p map[string]any) { p["entries"].([]any)[0].(map[string]any)["investigation"] = map[string]any{} },
		"no rows":         func(p map[string]any) { delete(p["entries"].([]any)[0].(map[string]any), "copies") },
	} {
		_, err = registry.CheckProof(forge(t, data, edit), public)
		assert.ErrorIs(t, err, registry.ErrProof, name)
	}
	require.Equal(t, data, forge(t, data, func(map[string]any) {}), "the forger writes as we do")
}
