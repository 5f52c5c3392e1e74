package verify_test

import (
	"bytes"
	"image"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/sentencecheck"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
	"github.com/kycmark/kycmark/watermark"
)

// A brand is a registry with keys of its own.
type brand struct {
	name, path string
	registry.Config
	*registry.Issuer
}

func newBrand(t *testing.T, name string, vendors ...string) *brand {
	t.Helper()
	path := filepath.Join(t.TempDir(), "brand.db")
	r, err := registry.Create(t.Context(), sqlite.At(path), nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	b := &brand{name: name, path: path, Config: registry.Config{Registry: r, Key: watermark.GenerateKey(), SealKey: registry.GenerateSealKey(), Actor: "examiner"}}
	_, err = b.Registry.Ledger().AddMarkKey(t.Context(), b.Key)
	require.NoError(t, err)
	for _, v := range vendors {
		require.NoError(t, b.Registry.AddRecipient(t.Context(), registry.Recipient{Name: v, Kind: registry.KindVendor}))
	}
	b.Issuer = newIssuer(t, b.Config)
	return b
}

// copied is the brand with a copy of its registry.
func (b *brand) copied(t *testing.T) *brand {
	t.Helper()
	path := filepath.Join(t.TempDir(), "copied.db")
	_, _, err := registry.Clone(t.Context(), sqlite.At(b.path), sqlite.At(path), "", nil)
	require.NoError(t, err)
	out := *b
	out.Registry, err = registry.Open(t.Context(), sqlite.At(path))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, out.Registry.Close()) })
	return &out
}

// issue returns the picture of a new copy.
func (b *brand) issue(t *testing.T, of *registry.Submission, to string) (*image.NRGBA, *registry.Copy) {
	t.Helper()
	var out bytes.Buffer
	c, err := b.Issue(t.Context(), &out, of.ID, to, "request 7")
	require.NoError(t, err)
	pic, err := picture.Decode(out.Bytes(), picture.Limits{})
	require.NoError(t, err)
	return pic.Image, c
}

func (b *brand) holds(t *testing.T, vendor string, from, to time.Time) {
	t.Helper()
	require.NoError(t, b.Registry.AddCustody(t.Context(), registry.Custody{Recipient: vendor, From: from, To: to, Note: "contract"}))
}

// alone investigates a brand, as if there were no other.
func (b *brand) alone(t *testing.T) *verify.Investigator {
	return newInvestigator(t, investigating(b.Config))
}

// together is the configuration of an investigation of several brands.
func together(brands ...*brand) (cfg verify.Config) {
	for _, b := range brands {
		cfg.Sources = append(cfg.Sources, verify.Source{Name: b.name, Registry: b.Registry, Keys: []*watermark.Key{b.Key}, SealKey: b.SealKey})
	}
	cfg.Actor, cfg.References = "examiner", -1
	return cfg
}

// requireFindings requires that the findings follow from themselves, redacted and not, and returns the report.
func requireFindings(t *testing.T, v *verify.Investigator, d *verify.DumpVerdict) string {
	t.Helper()
	for _, reveal := range []bool{true, false} {
		var text bytes.Buffer
		require.NoError(t, v.WriteFindings(t.Context(), &text, d, reveal))
		require.NoError(t, valid(schema(t), text.String()))
		wrong, err := sentencecheck.Check(text.Bytes())
		require.NoError(t, err)
		require.Empty(t, wrong)
		f, err := verify.ReadFindings(&text)
		require.NoError(t, err)
		require.NoError(t, f.CheckLeaks())
		require.NoError(t, f.CheckVerdict())
	}
	var out bytes.Buffer
	require.NoError(t, v.WriteReport(t.Context(), &out, d, false))
	return out.String()
}

// A copy of B that leaked shows a picture that A has as well, as the same file or as one of its own. A alone
// calls it unmarked; A together with B finds the copy, and nothing counts against those who held it at A.
func TestACopyOfAnotherRegistry(t *testing.T) {
	for name, format := range map[string]string{"the same file": "jpeg", "a file of its own": "png"} {
		t.Run(name, func(t *testing.T) {
			a, b := newBrand(t, "A", "vendor-x"), newBrand(t, "B", "vendor-x")
			a.holds(t, "vendor-x", feb, feb.AddDate(0, 1, 0))
			submit(t, a.Issuer, file(t, passport(1), "jpeg"), "a-1", feb)
			of := submit(t, b.Issuer, file(t, passport(1), format), "b-9", feb.AddDate(0, 2, 0))
			submit(t, b.Issuer, file(t, billOf(2), "jpeg"), "b-8", feb.AddDate(0, 3, 0))
			marked, c := b.issue(t, of, "vendor-x")
			leak := leaked(t, marked, "telegram")

			single := examine(t, quiet(a.alone(t)), leak)
			require.Contains(t, []verify.Finding{verify.FoundUnmarked, verify.FoundUnreadable}, single.Finding, "A has no such copy")
			require.NotEmpty(t, single.Custody)

			v := newInvestigator(t, together(a, b))
			got := examine(t, v, leak)
			require.Equal(t, "copy", got.Label(), got.Note)
			require.Equal(t, c.ID, got.Copy)
			require.Equal(t, "B/vendor-x", got.Recipient)
			require.Equal(t, of.ID, got.Submission)
			d, err := v.Weigh(t.Context(), []*verify.Verdict{got})
			require.NoError(t, err)
			for _, h := range d.Hypotheses {
				if strings.Contains(h.Name, "A/vendor-x") {
					assert.LessOrEqual(t, h.LogLR, 0.0, h.Name)
				}
			}
			page := requireFindings(t, v, d)
			assert.Contains(t, page, "2 registries were searched as one: A and B.")
			assert.Contains(t, page, "entered in the ledger of A as")
			if name == "the same file" {
				require.Len(t, got.In, 2)
				require.True(t, got.Submitted.Equal(feb))
				assert.Contains(t, page, "A/vendor-x and B/vendor-x count as different parties")
				assert.Contains(t, page, "1 of these pictures shows an upload that several registries have: one file, or files of one capture. It counts once")
				assert.Equal(t, 2, sum(d, "A")+sum(d, "B")-1, "one in A, two in B, of which A has one")
				erased, err := b.Registry.Erase(t.Context(), "b-9", "examiner", "asked for it")
				require.NoError(t, err)
				require.Len(t, erased, 1)
				again := newInvestigator(t, together(a, b))
				got = examine(t, again, leak)
				require.Equal(t, "copy", got.Label(), "A still has the file: %s", got.Note)
				require.Equal(t, "B/vendor-x", got.Recipient)
				d, err = again.Weigh(t.Context(), []*verify.Verdict{got})
				require.NoError(t, err)
				requireFindings(t, again, d)
			} else {
				require.Equal(t, "B", got.In[0].Registry)
				require.Len(t, got.Matches, 2)
			}
			for _, x := range []*brand{a, b} {
				all, err := x.Registry.Ledger().Investigations(t.Context())
				require.NoError(t, err)
				require.NotEmpty(t, all)
				checkLedger(t, x.Registry)
			}
		})
	}
}

// sum returns the uploads of a registry in the case.
func sum(d *verify.DumpVerdict, name string) (n int) {
	for _, r := range d.Case.Registries {
		for _, k := range r.Submissions {
			if r.Name == name {
				n += k
			}
		}
	}
	return n
}

// If B cannot open its upload of a picture, its copies of it are not ruled out: A does not say unmarked.
func TestAnUploadThatOneRegistryCannotOpen(t *testing.T) {
	a, b := newBrand(t, "A", "vendor-x"), newBrand(t, "B", "vendor-x")
	submit(t, a.Issuer, file(t, passport(1), "jpeg"), "", feb)
	of := submit(t, b.Issuer, file(t, passport(1), "png"), "", feb)
	b.issue(t, of, "vendor-x")
	leak := passport(1)
	require.Equal(t, verify.FoundUnmarked, examine(t, quiet(a.alone(t)), leak).Finding)
	cfg := together(a, b)
	require.Equal(t, verify.FoundUnmarked, examine(t, quiet(newInvestigator(t, cfg)), leak).Finding, "neither copy is in it")

	lost := newInvestigator(t, cfg)
	lost.LoseOriginal(of.ID)
	got := examine(t, quiet(lost), leak)
	require.Equal(t, verify.FoundUnreadable, got.Finding, got.Note)
	require.Contains(t, got.Note, "It may also show 1 upload whose original is missing, altered or not readable.")
	d, err := lost.Weigh(t.Context(), []*verify.Verdict{got})
	require.NoError(t, err)
	requireFindings(t, lost, d)

	cfg.Sources[1].Keys = []*watermark.Key{watermark.GenerateKey()} // B's key is not at hand
	keyless := quiet(newInvestigator(t, cfg))
	got = examine(t, keyless, leak)
	require.Equal(t, verify.FoundUnreadable, got.Finding, got.Note)
	require.Contains(t, got.Note, "It may also show another upload, of B, whose copies could not be ruled out.")
	d, err = keyless.Weigh(t.Context(), []*verify.Verdict{got})
	require.NoError(t, err)
	requireFindings(t, keyless, d)
}

func quiet(v *verify.Investigator) *verify.Investigator {
	v.SetDetect(noMark)
	return v
}

// A registry that cannot be reached, or whose uploads the key does not open, ends the investigation before
// anything is entered: nothing is called unknown.
func TestARegistryThatCannotBeSearched(t *testing.T) {
	a, b := newBrand(t, "A"), newBrand(t, "B")
	submit(t, b.Issuer, file(t, passport(1), "jpeg"), "", feb)
	cfg := together(a, b)
	cfg.Sources[1].SealKey = registry.GenerateSealKey()
	_, err := newInvestigator(t, cfg).Investigate(t.Context(), "leak.jpg", file(t, passport(1), "jpeg"))
	require.ErrorIs(t, err, registry.ErrSealed)
	require.ErrorContains(t, err, "registry B: ")

	require.NoError(t, b.Registry.Close())
	_, err = newInvestigator(t, together(a, b)).Investigate(t.Context(), "leak.jpg", file(t, passport(3), "jpeg"))
	require.ErrorContains(t, err, "registry B: ")
	all, err := a.Registry.Ledger().Investigations(t.Context())
	require.NoError(t, err)
	require.Empty(t, all, "nothing was begun")
}

// A registry that could not be opened leaves open what it could have answered. Nothing is called unknown, unmarked,
// unissued or alike for want of it, confirmed copies of the other stand, and whoever reads the findings sees its name.
func TestARegistryThatIsNotOpened(t *testing.T) {
	a, b := newBrand(t, "A", "vendor-x"), newBrand(t, "B", "vendor-x")
	b.Config.Key = a.Key // one mark key for both brands: A reads the marks of B
	_, err := b.Registry.Ledger().AddMarkKey(t.Context(), a.Key)
	require.NoError(t, err)
	b.Issuer = newIssuer(t, b.Config)
	both := submit(t, a.Issuer, file(t, passport(1), "jpeg"), "a-1", feb)
	submit(t, b.Issuer, file(t, passport(1), "jpeg"), "b-1", feb)
	own := submit(t, a.Issuer, file(t, billOf(2), "jpeg"), "a-2", feb)
	far := submit(t, b.Issuer, file(t, passport(3), "jpeg"), "b-3", feb)
	ofA, copyA := a.issue(t, own, "vendor-x")
	ofB, _ := b.issue(t, far, "vendor-x")
	leaks := []*image.NRGBA{passport(1), leaked(t, ofA, "telegram"), passport(3), leaked(t, ofB, "telegram")}

	alone, got := a.alone(t), []*verify.Verdict(nil)
	unread := quiet(a.alone(t)) // for what carries no mark
	var before []string
	for i, l := range leaks {
		before = append(before, examine(t, []*verify.Investigator{unread, alone}[i%2], l).Label())
	}
	require.Equal(t, []string{"unmarked", "copy", "unknown", "unissued"}, before, "what A says if it is asked alone")

	cfg := together(a, b)
	cfg.Sources[1] = verify.Source{Name: "B", Unopened: true}
	v := newInvestigator(t, cfg)
	unread = quiet(newInvestigator(t, cfg))
	var after []string
	for i, l := range leaks {
		got = append(got, examine(t, []*verify.Investigator{unread, v}[i%2], l))
		after = append(after, got[len(got)-1].Label())
	}
	require.Equal(t, []string{"unreadable", "copy", "incomplete", "incomplete"}, after)
	require.Equal(t, both.ID, got[0].Submission)
	require.Equal(t, copyA.ID, got[1].Copy)
	require.Equal(t, "A/vendor-x", got[1].Recipient)
	for _, i := range []int{0, 2, 3} {
		require.Contains(t, got[i].Note, "The registry B could not be opened", i)
	}
	d, err := v.Weigh(t.Context(), got)
	require.NoError(t, err)
	require.Equal(t, 2, d.Matched)
	require.Len(t, d.Record.Registries, 1)
	page := requireFindings(t, v, d)
	require.Contains(t, page, "The registry B could not be opened, and was not searched.")
	require.NotContains(t, page, "registries were searched as one")

	var text bytes.Buffer
	require.NoError(t, v.WriteFindings(t.Context(), &text, d, true))
	require.Contains(t, text.String(), `"unopened": [`)
	whole := strings.Replace(text.String(), `"unopened": [`, `"unopened_": [`, 1)
	_, err = verify.ReadFindings(strings.NewReader(whole))
	require.Error(t, err, "no such field")
	f, err := verify.ReadFindings(strings.NewReader(text.String()))
	require.NoError(t, err)
	f.Verdict.Record.Unopened = nil
	require.ErrorIs(t, f.CheckLeaks(), verify.ErrFindings, "what follows from it is noticed")

	cfg.Sources[0] = verify.Source{Name: "A", Unopened: true}
	_, err = verify.NewInvestigator(cfg)
	require.ErrorContains(t, err, "no registry could be opened")
}

// Two copies with one ID, issued by two registries, cannot be told apart: that is refused, not guessed.
func TestOneCopyIDInTwoRegistries(t *testing.T) {
	a, b := newBrand(t, "A", "vendor-x"), newBrand(t, "B", "vendor-y")
	data := file(t, passport(1), "jpeg")
	x, y := submit(t, a.Issuer, data, "", feb), submit(t, b.Issuer, data, "", feb)
	require.Equal(t, x.ID, y.ID)
	marked, c := a.issue(t, x, "vendor-x")
	b.issue(t, y, "vendor-y")
	v := newInvestigator(t, together(a, b))
	require.Equal(t, "copy", examine(t, v, marked).Label())
	require.NoError(t, verify.OwnTwice(v, c.ID, 0))
	err := verify.OwnTwice(v, c.ID, 1)
	require.ErrorIs(t, err, registry.ErrConflict)
	require.ErrorContains(t, err, "both A and B issued a copy with this ID")
}

// What does not go together is refused.
func TestSourcesThatAreRefused(t *testing.T) {
	a, b := newBrand(t, "A", "vendor-x"), newBrand(t, "B", "vendor-x")
	for want, change := range map[string]func(*verify.Config){
		"beside several registries":    func(c *verify.Config) { c.Registry = a.Registry },
		"1 registries":                 func(c *verify.Config) { c.Sources = c.Sources[:1] },
		"registry 1: name":             func(c *verify.Config) { c.Sources[0].Name = "A/B" },
		"registries A and A":           func(c *verify.Config) { c.Sources[1].Name = "A" },
		"or one registry, twice":       func(c *verify.Config) { c.Sources[1].Registry = a.Registry },
		"its sealing key":              func(c *verify.Config) { c.Sources[1].SealKey = nil },
		"and want its name alone":      func(c *verify.Config) { c.Sources[1].Unopened = true },
		"a mark key is nil":            func(c *verify.Config) { c.Sources[1].Keys = []*watermark.Key{nil} },
		"want two names or more":       func(c *verify.Config) { c.Parties = [][]string{{"A/vendor-x"}} },
		"want REGISTRY/RECIPIENT":      func(c *verify.Config) { c.Parties = [][]string{{"vendor-x", "B/vendor-x"}} },
		"of two registries or more":    func(c *verify.Config) { c.Parties = [][]string{{"A/vendor-x", "A/vendor-z"}} },
		`name "A/vendor-x" is there t`: func(c *verify.Config) { c.Parties = [][]string{{"A/vendor-x", "A/vendor-x"}} },
		"one name each":                func(c *verify.Config) { *c = investigating(a.Config); c.Parties = [][]string{{"A/a", "B/b"}} },
	} {
		cfg := together(a, b)
		change(&cfg)
		_, err := verify.NewInvestigator(cfg)
		require.ErrorIs(t, err, registry.ErrInput, want)
		require.ErrorContains(t, err, want)
	}
}
