package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"time"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/specimen"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
	"github.com/kycmark/kycmark/watermark"
)

// A memoryRegistry is a registry in memory with its recipients, named "recipient A" and on.
type memoryRegistry struct {
	*registry.Registry
	issuer     *registry.Issuer
	cfg        verify.Config // without control comparisons
	recipients []string
}

// newMemoryRegistry makes a registry with the given number of recipients and the key of env.
func newMemoryRegistry(ctx context.Context, env *ruler.Env, recipients int) (*memoryRegistry, error) {
	seal := registry.GenerateSealKey()
	store, err := registry.Create(ctx, sqlite.At(":memory:"), nil)
	if err != nil {
		return nil, err
	}
	r := &memoryRegistry{Registry: store, cfg: verify.Config{Registry: store, Keys: []*watermark.Key{env.Key}, SealKey: seal, References: -1}}
	r.issuer, err = registry.NewIssuer(registry.Config{Registry: store, Key: env.Key, SealKey: seal, AllowWeak: true})
	for i := 0; err == nil && i < recipients; i++ {
		name := "recipient " + string(rune('A'+i))
		r.recipients = append(r.recipients, name)
		err = store.AddRecipient(ctx, registry.Recipient{Name: name, Kind: registry.KindVendor})
	}
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return r, nil
}

// A submitted is a picture that was submitted, and its copies by recipient.
type submitted struct {
	name     string
	template specimen.Template // 0: a picture from a file
	path     string            // of the file
	medium   int
	seed     uint64
	image    *image.NRGBA
	id       watermark.Submission
	copies   map[string]*image.NRGBA
	ids      map[string]watermark.CopyID
}

// submit enters an upload of a subject at a time, the present if zero, and issues copies to the
// named recipients.
func (r *memoryRegistry) submit(ctx context.Context, u *submitted, subject string, at time.Time, to ...string) error {
	file, err := asPNG(u.image)
	if err != nil {
		return err
	}
	sub, _, err := r.issuer.Submit(ctx, bytes.NewReader(file), subject, at)
	if err != nil {
		return fmt.Errorf("%s: %w", u.name, err)
	}
	u.id = sub.ID
	if err := r.issue(ctx, u, to...); err != nil {
		return fmt.Errorf("%s: %w", u.name, err)
	}
	return nil
}

// issue makes copies of an upload for the named recipients.
func (r *memoryRegistry) issue(ctx context.Context, u *submitted, to ...string) error {
	u.copies, u.ids = make(map[string]*image.NRGBA), make(map[string]watermark.CopyID)
	if len(to) == 0 {
		return nil
	}
	prepared, err := r.issuer.Prepare(ctx, u.id)
	if err != nil {
		return err
	}
	for _, name := range to {
		var out bytes.Buffer
		c, err := prepared.Issue(ctx, &out, name, "request")
		if err != nil {
			return err
		}
		p, err := picture.Decode(out.Bytes(), picture.Limits{})
		if err != nil {
			return err
		}
		u.copies[name], u.ids[name] = picture.Flatten(p.Image), c.ID
	}
	return nil
}

// asPNG returns the file of a picture, without loss.
func asPNG(img image.Image) ([]byte, error) { return encoded(img, "png", 0) }

// asJPEG returns the file of a picture at quality 92.
func asJPEG(img image.Image) ([]byte, error) { return encoded(img, "jpeg", 92) }

func encoded(img image.Image, format string, quality int) ([]byte, error) {
	var b bytes.Buffer
	err := picture.Encode(&b, img, format, quality)
	return b.Bytes(), err
}

// Ways in which a document becomes an upload.
const (
	mediumDrawn = iota // the printer's file: nothing but the person's data differs
	mediumPhoto
	mediumScan
	media
)

var mediumNames = [media]string{"rendered", "photographed", "scanned"}

// takenBy returns a page as an upload of about side pixels; 1200 is what a page of 1100 pixels is
// drawn for.
func takenBy(page *image.NRGBA, side, medium int, seed uint64) *image.NRGBA {
	switch medium {
	case mediumPhoto:
		return specimen.Photograph(page, seed, side*16/15, side*4/5)
	case mediumScan:
		return specimen.Scan(page, seed, side, side*3/4)
	}
	return page
}

// drawUpload returns the upload of an invented person's document, its long side at most side pixels.
func drawUpload(template specimen.Template, medium int, seed uint64, side int) *image.NRGBA {
	page := specimen.Render(template, specimen.NewPerson(seed), 1100)
	return picture.Fit(picture.Flatten(takenBy(page, 1200, medium, seed)), side)
}
