package seal_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/keyfile"
	"github.com/kycmark/kycmark/internal/seal"
	"github.com/kycmark/kycmark/internal/test/long"
)

// someContent is a small report. Its pieces are no report: this package does not look into
// them.
func someContent() seal.Content {
	return seal.Content{
		Files: []seal.File{
			{Name: "report.html", About: "the report", Data: []byte("<!DOCTYPE html><title>Report</title>")},
			{Name: "findings.json", About: "the same for machines", Data: []byte(`{"leaks":[]}`)},
			{Name: "ledger/checkpoint.txt", About: "state of the ledger", Data: []byte("kycmark/00\n1\nAAAA\n")},
		},
		Inputs: []seal.Subject{
			seal.Input("leaks/a.jpg", 1, sha256.Sum256([]byte("a"))),
			seal.Input("leaks/b.jpg", 1, sha256.Sum256([]byte("b"))),
		},
		Predicate: seal.Predicate{Made: made, Tool: "kycmark test", Record: json.RawMessage(`{"actor":"me"}`)},
	}
}

func someBundle(t testing.TB, tsa *seal.TSA) *seal.Bundle {
	t.Helper()
	b, err := seal.Sign(t.Context(), someContent(), fixedKey(1), tsa)
	require.NoError(t, err)
	return b
}

func names(r *seal.Result) (out []string) {
	for _, c := range r.Checks {
		out = append(out, c.Name)
	}
	return out
}

func TestSealHolds(t *testing.T) {
	a := newAuthority(t, nil)
	b := someBundle(t, a.tsa(t))
	for _, trust := range []seal.Trust{{}, {Key: public(fixedKey(1)), TSA: []*x509.Certificate{a.root}}} {
		r := b.Verify(trust)
		for _, c := range r.Checks {
			require.NoError(t, c.Err, c.Name)
			require.NotEmpty(t, c.Text, c.Name)
			brought := trust.Key == nil && (c.Name == "key" || c.Name == "timestamp")
			assert.Equal(t, brought, strings.Contains(c.Text, "compare that with what you have from elsewhere"), "%s: %s", c.Name, c.Text)
		}
		require.True(t, r.Holds())
		require.Equal(t, []string{"key", "list", "files", "signature", "statement", "timestamp"}, names(r))
		require.Equal(t, stamped, r.Stamp.Time)
		require.Equal(t, made, r.Statement.Predicate.Made)
		require.Len(t, r.Statement.Inputs(), 2)
		require.Equal(t, keyfile.ReportID(public(fixedKey(1))), r.KeyID)
	}
	plain := someBundle(t, nil).Verify(seal.Trust{})
	require.True(t, plain.Holds())
	require.Nil(t, plain.Stamp)
}

func TestVerifyAgainstOthers(t *testing.T) {
	a, b := newAuthority(t, nil), newAuthority(t, nil)
	stampedBundle := someBundle(t, a.tsa(t))
	r := stampedBundle.Verify(seal.Trust{Key: public(fixedKey(2))})
	require.False(t, r.Holds())
	require.Equal(t, []string{"key"}, names(r))
	require.ErrorContains(t, r.Checks[0].Err, "want the given key "+keyfile.ReportID(public(fixedKey(2))))

	r = stampedBundle.Verify(seal.Trust{TSA: []*x509.Certificate{b.root}})
	require.False(t, r.Holds())
	require.ErrorIs(t, r.Checks[5].Err, seal.ErrStamp)
	require.Nil(t, r.Stamp)

	r = someBundle(t, nil).Verify(seal.Trust{TSA: []*x509.Certificate{b.root}})
	require.False(t, r.Holds(), "who expects a timestamp must not be told that all is well without one")
}

// Any edit of any byte of any file is caught, with nothing at hand but the bundle.
func TestEveryByteCounts(t *testing.T) {
	files := someBundle(t, newAuthority(t, nil).tsa(t)).Files()
	holds := func(i int, data []byte) bool {
		b, err := seal.NewBundle(with(files, i, data))
		require.NoError(t, err)
		return b.Verify(seal.Trust{}).Holds()
	}
	step := long.Number(11, 1) // bytes
	for i, f := range files {
		require.True(t, holds(i, f.Data))
		for at := 0; at < len(f.Data); at += step {
			edited := bytes.Clone(f.Data)
			edited[at] ^= 1 << (at % 8)
			if holds(i, edited) {
				t.Fatalf("%s: byte %d can be edited", f.Name, at)
			}
		}
		for name, edited := range map[string][]byte{
			"emptied": {}, "cut": f.Data[:len(f.Data)-1], "longer": append(bytes.Clone(f.Data), '\n'), "doubled": append(bytes.Clone(f.Data), f.Data...),
			"in capitals": bytes.ToUpper(f.Data), "in small letters": bytes.ToLower(f.Data), "with other lines": bytes.ReplaceAll(f.Data, []byte("\n"), []byte("\r\n")),
		} {
			require.Equal(t, bytes.Equal(edited, f.Data), holds(i, edited), "%s %s", f.Name, name)
		}
	}
}

func with(files []seal.File, i int, data []byte) []seal.File {
	out := slices.Clone(files)
	out[i].Data = data
	return out
}

// failing are the names of the checks that fail.
func failing(r *seal.Result) (out []string) {
	for _, c := range r.Checks {
		if c.Err != nil {
			out = append(out, c.Name)
		}
	}
	return out
}

// Which checks find what.
func TestChecksFind(t *testing.T) {
	files := someBundle(t, newAuthority(t, nil).tsa(t)).Files()
	middle := func(data []byte) []byte {
		out := bytes.Clone(data)
		out[len(out)/2] ^= 1
		return out
	}
	for _, f := range files {
		want := map[string][]string{
			"report.html": {"files", "statement"}, "findings.json": {"files", "statement"}, "ledger/checkpoint.txt": {"files", "statement"},
			"README.txt": {"files"}, "SHA256SUMS": {"list", "files"}, "SHA256SUMS.sig": {"list"}, "public.pem": {"key"},
			"tsa-ca.pem": {"files", "statement", "timestamp"}, "timestamp.tsr": {"files", "timestamp"},
			"statement.dsse.json": {"files", "signature"}, "statement.pae": {"files", "signature"}, "statement.sig": {"files", "signature"},
		}[f.Name]
		require.NotNil(t, want, f.Name)
		i := slices.IndexFunc(files, func(x seal.File) bool { return x.Name == f.Name })
		edited, err := seal.NewBundle(with(files, i, middle(f.Data)))
		require.NoError(t, err)
		r := edited.Verify(seal.Trust{})
		got := failing(r)
		if f.Name == "public.pem" && len(got) > 1 {
			got = got[:0] // another key, of which nothing holds
			want = got
		}
		assert.Equal(t, want, got, f.Name)
		for _, c := range r.Checks {
			assert.Equal(t, c.Err == nil, c.Text != "", "%s: %s", f.Name, c.Name)
		}
	}
}

// The statement and the timestamp stand for themselves: a list that is signed anew does
// not mend them.
func TestStatementWithoutList(t *testing.T) {
	files := someBundle(t, newAuthority(t, nil).tsa(t)).Files()
	for i, f := range files {
		switch f.Name {
		case "SHA256SUMS", "SHA256SUMS.sig", "public.pem", "README.txt":
			continue
		}
		changes := map[string][]seal.File{
			"edited": with(files, i, bytes.Replace(f.Data, f.Data[len(f.Data)/2:], []byte{1}, 1)), "removed": slices.Delete(slices.Clone(files), i, i+1)}
		for what, changed := range changes {
			b, err := seal.Relist(changed, fixedKey(1))
			require.NoError(t, err)
			r := b.Verify(seal.Trust{})
			if what == "removed" && f.Name == "timestamp.tsr" {
				continue // whoever holds the key can sign without one; README.txt tells of it
			}
			require.False(t, r.Holds(), "%s %s", f.Name, what)
			require.NotContains(t, failing(r), "list")
			require.NotContains(t, failing(r), "files")
		}
	}
	added, err := seal.Relist(append(slices.Clone(files), seal.File{Name: "more.html", Data: []byte("x")}), fixedKey(1))
	require.NoError(t, err)
	require.Equal(t, []string{"statement"}, failing(added.Verify(seal.Trust{})))
}

func TestFilesAddedRemovedExchanged(t *testing.T) {
	files := someBundle(t, newAuthority(t, nil).tsa(t)).Files()
	check := func(files []seal.File, what string) {
		b, err := seal.NewBundle(files)
		require.NoError(t, err)
		require.False(t, b.Verify(seal.Trust{}).Holds(), what)
	}
	check(append(slices.Clone(files), seal.File{Name: "evidence.html", Data: []byte("x")}), "added")
	for i, f := range files {
		check(slices.Delete(slices.Clone(files), i, i+1), f.Name+" removed")
		renamed := slices.Clone(files)
		renamed[i].Name = "other.txt"
		check(renamed, f.Name+" renamed")
		for j := range i {
			swapped := slices.Clone(files)
			swapped[i].Data, swapped[j].Data = swapped[j].Data, swapped[i].Data
			check(swapped, f.Name+" exchanged for "+files[j].Name)
		}
	}
	check(nil, "nothing")
}

// Pieces of two bundles by one key do not make a third.
func TestPiecesOfTwoBundles(t *testing.T) {
	other := someContent()
	other.Files[0].Data = []byte("another report")
	b, err := seal.Sign(t.Context(), other, fixedKey(1), nil)
	require.NoError(t, err)
	mine, theirs := someBundle(t, nil).Files(), b.Files()
	require.Len(t, theirs, len(mine))
	require.Less(t, len(mine), 12)
	held := 0
	for mask := range 1 << len(mine) {
		files := slices.Clone(mine)
		differs := false
		for i := range files {
			require.Equal(t, mine[i].Name, theirs[i].Name)
			if mask>>i&1 == 1 {
				files[i] = theirs[i]
			}
			differs = differs || !bytes.Equal(files[i].Data, mine[i].Data)
		}
		mixed, err := seal.NewBundle(files)
		require.NoError(t, err)
		if mixed.Verify(seal.Trust{}).Holds() {
			require.True(t, !differs || equal(files, theirs))
			held++
		}
	}
	require.Positive(t, held)
}

func equal(a, b []seal.File) bool {
	return slices.EqualFunc(a, b, func(x, y seal.File) bool { return x.Name == y.Name && bytes.Equal(x.Data, y.Data) })
}

func TestSealRefuses(t *testing.T) {
	for _, name := range []string{"", "/etc/passwd", "../x", "a/../b", "a//b", "a\\b", ".x", "a/.x", "-x", "x.", "a b", "ä", "a:b", "a\nb",
		"README.txt", "readme.TXT", "SHA256SUMS", "statement.pae", "public.pem", "timestamp.tsr", strings.Repeat("x", 201)} {
		c := someContent()
		c.Files = append(c.Files, seal.File{Name: name, Data: []byte("x")})
		_, err := seal.Sign(t.Context(), c, fixedKey(1), nil)
		assert.ErrorIs(t, err, seal.ErrBundle, "%q", name)
	}
	for _, again := range []string{"report.html", "REPORT.html"} {
		c := someContent()
		c.Files = append(c.Files, seal.File{Name: again, Data: []byte("x")})
		_, err := seal.Sign(t.Context(), c, fixedKey(1), nil)
		assert.ErrorIs(t, err, seal.ErrBundle, again)
	}
	c := someContent()
	c.Predicate.Record = json.RawMessage("{")
	_, err := seal.Sign(t.Context(), c, fixedKey(1), nil)
	require.ErrorIs(t, err, seal.ErrBundle)
	_, err = seal.Sign(t.Context(), someContent(), nil, nil)
	require.ErrorIs(t, err, keyfile.ErrKey)
	_, err = seal.Sign(t.Context(), someContent(), fixedKey(1), &seal.TSA{URL: "http://127.0.0.1:1"})
	require.ErrorIs(t, err, seal.ErrTSA)
}

// A signer that signs something else than it was given is noticed before anything is
// handed out.
func TestSealChecksItsSigner(t *testing.T) {
	_, err := seal.Sign(t.Context(), someContent(), wrongSigner{fixedKey(1)}, nil)
	require.ErrorIs(t, err, seal.ErrBundle)
}

// Who signs and stamps nothing else has the same bundle again, byte for byte.
func TestSealIsDeterministic(t *testing.T) {
	require.Equal(t, someBundle(t, nil).Files(), someBundle(t, nil).Files())
}

func TestFolderAndArchive(t *testing.T) {
	b := someBundle(t, newAuthority(t, nil).tsa(t))
	for _, name := range []string{"bundle", "bundle.zip"} {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, b.Write(path))
		got, err := seal.Read(path)
		require.NoError(t, err, name)
		require.True(t, equal(b.Files(), got.Files()), name)
		require.ErrorIs(t, b.Write(path), os.ErrExist, name)
		left, err := os.ReadDir(filepath.Dir(path))
		require.NoError(t, err)
		require.Len(t, left, 1, name)
	}
	empty := t.TempDir()
	require.NoError(t, b.Write(empty), "an empty folder is not in the way")
	require.NoError(t, os.WriteFile(filepath.Join(empty, ".DS_Store"), []byte("x"), 0o600))
	_, err := seal.Read(empty)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(empty, "more.html"), []byte("x"), 0o600))
	more, err := seal.Read(empty)
	require.NoError(t, err)
	require.False(t, more.Verify(seal.Trust{}).Holds())
}

// A bundle without a timestamp has one form for ever: every byte of it is in this digest.
func TestBundleVectors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b.zip")
	require.NoError(t, someBundle(t, nil).Write(path))
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "c63daac84266bb30bb309d214c18689c1bce4ccba7b2bd27dd52158e22fd6185", fmt.Sprintf("%x", sha256.Sum256(data)))
}
