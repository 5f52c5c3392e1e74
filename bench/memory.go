package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"time"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
	"github.com/kycmark/kycmark/watermark"
)

// A memoryRegistry is a registry in memory with its recipients, named "recipient A" and on, and
// what was submitted to it.
type memoryRegistry struct {
	*registry.Registry
	env        *ruler.Env
	issuer     *registry.Issuer
	cfg        verify.Config
	how        verify.Options // without control comparisons
	recipients []string
	uploads    []*submitted
	finder     *verify.Investigation // made by investigateFrom
}

// open makes an empty registry with the given number of recipients and the key of env. An error ends
// the case.
func (r *memoryRegistry) open(ctx context.Context, env *ruler.Env, recipients int) {
	seal := registry.GenerateSealKey()
	r.env, r.Registry = env, ruler.Must(registry.Create(ctx, sqlite.At(":memory:"), nil))
	ruler.Must(r.Registry.Ledger().AddMarkKey(ctx, env.Key))
	r.cfg, r.how.References = verify.Config{Registry: r.Registry, Keys: []*watermark.Key{env.Key}, SealKey: seal}, -1
	r.issuer = ruler.Must(registry.NewIssuer(registry.Config{Registry: r.Registry, Key: env.Key, SealKey: seal}))
	for i := range recipients {
		name := "recipient " + string(rune('A'+i))
		r.recipients = append(r.recipients, name)
		ruler.Check(r.AddRecipient(ctx, books.Recipient{Name: name, Kind: books.KindVendor}))
	}
}

// investigateFrom makes the investigator of leaks that were found at a time; the zero time is the
// present.
func (r *memoryRegistry) investigateFrom(found time.Time) {
	r.how.Found = found
	r.finder = ruler.Must(ruler.Must(verify.NewInvestigator(r.cfg)).Begin(&r.how))
}

// A submitted is a picture that is submitted, and its copies by recipient.
type submitted struct {
	name     string
	template specimen.Template // 0: a picture from a file
	path     string            // of the file
	medium   int
	seed     uint64
	image    *image.NRGBA // made when it is submitted
	id       watermark.Submission
	copies   map[string]*image.NRGBA
	ids      map[string]watermark.CopyID
}

// drawnUpload returns upload i of a run: the document of an invented person. name is a format for the
// template, i and the medium. offset keeps the persons of two experiments apart.
func drawnUpload(env *ruler.Env, i int, offset uint64, name string) *submitted {
	templates := specimen.Templates()
	u := &submitted{template: templates[i%len(templates)], medium: i / len(templates) % media, seed: specimenSeed + env.Seed<<16 + offset + uint64(i)}
	u.name = fmt.Sprintf(name, u.template, i, mediumNames[u.medium])
	return u
}

// draw makes the picture of an upload, its long side at most side pixels.
func (u *submitted) draw(env *ruler.Env, side int) {
	if u.path != "" {
		u.image = ruler.Must(env.Load(u.path)).Image
		return
	}
	u.image = drawUpload(u.template, u.medium, u.seed, side)
}

// submit enters a file of an upload for a subject, at a time or the present if zero, and issues copies
// to the named recipients.
func (r *memoryRegistry) submit(ctx context.Context, u *submitted, file []byte, subject string, at time.Time, to ...string) {
	sub, _, err := r.issuer.Submit(ctx, bytes.NewReader(file), subject, at, nil)
	if err != nil {
		ruler.Check(fmt.Errorf("%s: %w", u.name, err))
	}
	u.id, u.copies, u.ids = sub.ID, make(map[string]*image.NRGBA), make(map[string]watermark.CopyID)
	if len(to) == 0 {
		return
	}
	how := &registry.IssueOptions{Purpose: "request", AllowWeak: true, Opened: new(registry.Opened)}
	for _, name := range to {
		var out bytes.Buffer
		c := ruler.Must(r.issuer.Issue(ctx, u.id, name, registry.WriteTo(&out), how))
		u.copies[name], u.ids[name] = picture.Flatten(ruler.Must(picture.Decode(out.Bytes(), picture.Limits{})).Image), c.ID
	}
}

// asPNG returns the file of a picture, without loss.
func asPNG(img image.Image) []byte { return encoded(img, "png", 0) }

// encoded returns the file of a picture. quality is that of JPEG, 1 to 100; 0 for formats without loss.
func encoded(img image.Image, format string, quality int) []byte {
	var b bytes.Buffer
	ruler.Check(picture.Encode(&b, img, format, quality))
	return b.Bytes()
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
