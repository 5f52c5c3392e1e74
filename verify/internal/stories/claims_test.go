package stories_test

import (
	"strings"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/internal/stories"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
	"github.com/kycmark/kycmark/watermark/markfile"
)

// claimsOn returns the answers to claims on one leak.
func claimsOn(t *testing.T, with stories.Setup, leak []byte) string {
	t.Helper()
	v := stories.Investigation(t, with)
	return strings.Join(stories.StandsUp(t, v, stories.ExamineFile(t, v, leak)).Public, "\n")
}

// An authority's copy comes back through a vendor, which had it unmarked. With the first upload named alone, "from a vendor" was refuted.
func TestNamedUploadsRefuteNoVendor(t *testing.T) {
	t.Parallel()
	cfg, s, _ := stories.TwoVendors(t)
	require.NoError(t, cfg.Registry.AddRecipient(t.Context(), books.Recipient{Name: "authority C", Kind: books.KindAuthority}))
	a := stories.Submit(t, s, stories.File(t, stories.Photo(161, 640, 480), "jpeg"), "customer a", stories.Feb)
	_, marked, _ := stories.Issued(t, s, a.ID, "authority C")
	back := stories.Submit(t, s, stories.Saved(t, marked, "jpeg", 92), "customer a", stories.Feb.AddDate(0, 1, 0))
	held := books.Custody{Recipient: "vendor A", Submissions: []watermark.Submission{back.ID}, To: books.Always, Note: "app"}
	require.NoError(t, cfg.Registry.AddCustody(t.Context(), held))
	with := stories.Investigating(cfg)
	with.Against = []watermark.Submission{a.ID}
	claims := claimsOn(t, with, stories.File(t, imaging.Resize(marked, 600, 0, imaging.Lanczos), "jpeg"))
	assert.Contains(t, claims, "“These pictures come from a vendor”: not supported")
	assert.Contains(t, claims, "“All these pictures are of one month”: not supported")
}

// A leak has a mark under an old key of the registry that is not at hand, and that is not listed. "No watermark" was supported, and a
// picture spoke against "not breached". A key of another deployment, whose marks this registry never lists, is refused.
func TestKeysThatAreNotAtHand(t *testing.T) {
	t.Parallel()
	cfg, s, _ := stories.TwoVendors(t)
	data := stories.File(t, stories.Photo(181, 640, 480), "jpeg")
	stories.Submit(t, s, data, "customer a", stories.Feb)
	old := watermark.GenerateKey()
	made, err := markfile.Mark(t.Context(), old, watermark.NewCopyID(), data, nil)
	require.NoError(t, err)
	with := stories.Investigating(cfg)
	with.Keys = []*watermark.Key{cfg.Key, old}
	_, err = stories.Investigation(t, with).File(t.Context(), "leak.jpg", made.File)
	require.ErrorIs(t, err, registry.ErrMarkKey)
	require.ErrorContains(t, err, "the registry does not know "+old.ID()+", want "+cfg.Key.ID())
	_, err = cfg.Registry.Ledger().AddMarkKey(t.Context(), old)
	require.NoError(t, err)
	assert.Contains(t, claimsOn(t, with, made.File), "carries our watermark”: refuted")
	with.Keys = with.Keys[:1]
	claims := claimsOn(t, with, made.File)
	assert.Contains(t, claims, "carries our watermark”: not supported")
	assert.NotContains(t, claims, "speaks against it")
}
