package experiments

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/specimen"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
	"github.com/kycmark/kycmark/watermark"
)

// scrubs are what a thief who knows of marks does to pictures, beside the attacks of
// everybody: smoothed, shrunk and saved.
var scrubs = []string{"median5+resize50+jpeg50", "nlm+resize75+jpeg50"}

// recordedAttacks are those that simulated leaks go through, by kind.
var recordedAttacks = map[string][]string{
	OutcomeCopy: append([]string{
		"none", "jpeg50", "jpeg20", "resize50", "telegram_low", "whatsapp_twice", "thumb320", "thumb160", "crop50", "crop25",
		"rot5", "rot17", "persp3", "blur2", "noise15", "redact50", "stamp", "screenshot", "screen_photo", "print_scan",
	}, scrubs...),
	OutcomeUnmarked:     append([]string{"none", "jpeg20", "whatsapp_twice", "thumb320", "crop50", "rot5", "redact50", "screenshot", "screen_photo"}, scrubs[0]),
	OutcomeStranger:     {"none", "whatsapp_twice", "thumb320", "screenshot", "screen_photo"},
	OutcomeTransplanted: {"none", "jpeg50", "whatsapp_twice", "screenshot"},
}

// A RecordConfig says what [RecordOutcomes] investigates. Its Config's Pictures are
// submitted beside the specimens; MaxSide 0 means RecordedSide.
type RecordConfig struct {
	Config
	Specimens int    // documents drawn, rendered, photographed and scanned in turn; 0 means 15
	Copies    int    // issued of each upload; 0 means 3
	Each      int    // uploads that go through each attack, in turn; 0 means 4
	Command   string // as the table repeats it
}

// specimenSeed sets the persons on these uploads apart from all that anything here was
// tuned on.
const specimenSeed = 0x5e7d << 32

// RecordOutcomes submits pictures to a registry in memory, issues copies, leaks uploads,
// copies, strangers' documents and transplanted marks through attacks, and has every leak
// investigated. Copy IDs are fresh: another recording differs in its digits.
func RecordOutcomes(ctx context.Context, cfg RecordConfig) (*OutcomeTable, error) {
	cfg.MaxSide, cfg.Specimens = cmp.Or(cfg.MaxSide, RecordedSide), cmp.Or(cfg.Specimens, 15)
	cfg.Copies, cfg.Each = cmp.Or(cfg.Copies, 3), cmp.Or(cfg.Each, 4)
	r, err := newPixelRegistry(ctx, &cfg.Config, cfg.Copies)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	rec := &recording{cfg: &cfg, pixelRegistry: r}
	if err := rec.submitAll(ctx); err != nil {
		return nil, err
	}
	rec.plan()
	rec.table = &OutcomeTable{Command: cfg.Command, Go: runtime.Version(), MaxSide: cfg.MaxSide, Seed: cfg.Seed, Copies: cfg.Copies,
		Outcomes: make([]Outcome, len(rec.tasks))}
	errs := make([]error, len(rec.tasks))
	j := &job{
		pictures: len(rec.tasks), tasks: 1, progress: cfg.Progress,
		prepare: func(context.Context, int) bool { return true }, release: func(int) {},
		task: func(ctx context.Context, i, _ int) {
			errs[i] = rec.investigate(ctx, rec.tasks[i], &rec.table.Outcomes[i])
		},
	}
	if err := j.run(ctx, cfg.workers()); err != nil {
		return nil, err
	}
	for _, u := range rec.uploads {
		rec.table.Uploads = append(rec.table.Uploads, u.name)
	}
	rec.table.sorted()
	return rec.table, errors.Join(errs...)
}

// A pixelRegistry is a registry in memory with pictures at hand.
type pixelRegistry struct {
	*registry.Registry
	issuer     *registry.Issuer
	cfg        verify.Config
	recipients []string
}

func newPixelRegistry(ctx context.Context, cfg *Config, recipients int) (*pixelRegistry, error) {
	key, err := cfg.key()
	if err != nil {
		return nil, err
	}
	seal := registry.GenerateSealKey()
	store, err := registry.Create(ctx, sqlite.At(":memory:"), nil)
	if err != nil {
		return nil, err
	}
	r := &pixelRegistry{Registry: store, cfg: verify.Config{Registry: store, Keys: []*watermark.Key{key}, SealKey: seal, References: -1}}
	r.issuer, err = registry.NewIssuer(registry.Config{Registry: store, Key: key, SealKey: seal, AllowWeak: true})
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

// A pixelUpload is a picture that was submitted, and copies of it by recipient.
type pixelUpload struct {
	name     string
	template specimen.Template // 0: a picture of the caller's
	medium   int
	seed     uint64
	image    *image.NRGBA
	id       watermark.Submission
	copies   map[string]*image.NRGBA
	ids      map[string]watermark.CopyID
}

// submit enters an upload and issues copies of it.
func (r *pixelRegistry) submit(ctx context.Context, u *pixelUpload, subject string, at time.Time, to ...string) error {
	var file bytes.Buffer
	if err := picture.Encode(&file, u.image, "png", 0); err != nil {
		return err
	}
	sub, _, err := r.issuer.Submit(ctx, &file, subject, at)
	if err != nil {
		return fmt.Errorf("%s: %w", u.name, err)
	}
	u.id, u.copies, u.ids = sub.ID, make(map[string]*image.NRGBA), make(map[string]watermark.CopyID)
	if len(to) == 0 {
		return nil
	}
	prepared, err := r.issuer.Prepare(ctx, sub.ID)
	if err != nil {
		return fmt.Errorf("%s: %w", u.name, err)
	}
	for _, name := range to {
		var out bytes.Buffer
		c, err := prepared.Issue(ctx, &out, name, "request")
		if err != nil {
			return fmt.Errorf("%s: %w", u.name, err)
		}
		p, err := picture.Decode(out.Bytes(), picture.Limits{})
		if err != nil {
			return err
		}
		u.copies[name], u.ids[name] = picture.Flatten(p.Image), c.ID
	}
	return nil
}

// drawUpload makes a document's upload.
func drawUpload(template specimen.Template, medium int, seed uint64, side int) *image.NRGBA {
	page := specimen.Render(template, specimen.NewPerson(seed), 1100)
	return picture.Fit(picture.Flatten(taken(page, 1200, medium, seed)), side)
}

// encoded is the file of a leak without loss.
func encoded(img image.Image) ([]byte, error) {
	var b bytes.Buffer
	err := picture.Encode(&b, img, "png", 0)
	return b.Bytes(), err
}

// through applies attacks, their names joined by "+".
func through(img *image.NRGBA, names string, seed uint64) (*image.NRGBA, error) {
	for i, name := range strings.Split(names, "+") {
		a, err := attack.Find(name)
		if err != nil {
			return nil, err
		}
		img = a.Apply(img, seed+uint64(i))
	}
	return img, nil
}

// transplanted lays the difference between a copy and its upload onto another picture,
// pixel on pixel, again and again.
func transplanted(onto, upload, marked *image.NRGBA) *image.NRGBA {
	out := image.NewNRGBA(onto.Rect)
	copy(out.Pix, onto.Pix)
	w, h := min(upload.Rect.Dx(), marked.Rect.Dx()), min(upload.Rect.Dy(), marked.Rect.Dy())
	for y := range onto.Rect.Dy() {
		for x := range onto.Rect.Dx() {
			o, p, q := out.PixOffset(x, y), upload.PixOffset(x%w, y%h), marked.PixOffset(x%w, y%h)
			for c := range 3 {
				v := int(onto.Pix[o+c]) + int(marked.Pix[q+c]) - int(upload.Pix[p+c])
				out.Pix[o+c] = uint8(min(max(v, 0), 255))
			}
		}
	}
	return out
}

type recording struct {
	*pixelRegistry
	cfg     *RecordConfig
	uploads []*pixelUpload
	tasks   []recordTask
	table   *OutcomeTable
	finder  *verify.Investigator
}

type recordTask struct {
	kind, attack string
	upload       int
	n            int // the how manieth of its attack
}

// submitAll enters all uploads and opens the investigation after the last of them.
func (r *recording) submitAll(ctx context.Context) error {
	templates := specimen.Templates()
	for i := range r.cfg.Specimens {
		t, medium := templates[i%len(templates)], i/len(templates)%media
		seed := specimenSeed + r.cfg.Seed<<16 + uint64(i)
		r.uploads = append(r.uploads, &pixelUpload{
			name: fmt.Sprintf("%s %d, %s", t, i, mediumNames[medium]), template: t, medium: medium, seed: seed,
			image: drawUpload(t, medium, seed, r.cfg.MaxSide),
		})
	}
	for i, path := range r.cfg.Pictures {
		p, err := r.cfg.load(path)
		if err != nil {
			return err
		}
		r.uploads = append(r.uploads, &pixelUpload{name: short(path), seed: uint64(i), image: p.Image})
	}
	var mu sync.Mutex
	var failed error
	j := &job{
		pictures: len(r.uploads), tasks: 1,
		prepare: func(context.Context, int) bool { return true }, release: func(int) {},
		task: func(ctx context.Context, i, _ int) {
			err := r.submit(ctx, r.uploads[i], fmt.Sprint("customer ", i), time.Time{}, r.recipients...)
			mu.Lock()
			defer mu.Unlock()
			failed = errors.Join(failed, err)
		},
	}
	if err := j.run(ctx, r.cfg.workers()); err != nil || failed != nil {
		return errors.Join(err, failed)
	}
	cfg := r.pixelRegistry.cfg
	cfg.Found = time.Now().Add(time.Hour)
	var err error
	r.finder, err = verify.NewInvestigator(cfg)
	return err
}

// plan lists the leaks: each attack on some of the uploads, others for each attack.
func (r *recording) plan() {
	next := 0
	for _, kind := range []string{OutcomeCopy, OutcomeUnmarked, OutcomeStranger, OutcomeTransplanted} {
		for _, a := range recordedAttacks[kind] {
			for n := range r.cfg.Each {
				for range r.uploads {
					next = (next + 1) % len(r.uploads)
					if kind != OutcomeStranger || r.uploads[next].template != 0 {
						break
					}
				}
				r.tasks = append(r.tasks, recordTask{kind, a, next, n})
			}
		}
	}
}

// investigate makes a leak, has it investigated, and keeps what the case of a dump of it
// alone would say.
func (r *recording) investigate(ctx context.Context, t recordTask, out *Outcome) error {
	u := r.uploads[t.upload]
	name := r.recipients[t.n%len(r.recipients)]
	*out = Outcome{Attack: t.attack, Kind: t.kind, Upload: t.upload}
	img := u.image
	leaked := u.ids[name]
	switch t.kind {
	case OutcomeCopy:
		img = u.copies[name]
	case OutcomeStranger:
		img = drawUpload(u.template, u.medium, u.seed+specimenSeed, r.cfg.MaxSide)
	case OutcomeTransplanted:
		from := r.uploads[(t.upload+1)%len(r.uploads)]
		img = transplanted(u.image, from.image, from.copies[name])
		leaked = from.ids[name]
	}
	img, err := through(img, t.attack, r.cfg.Seed+u.seed+uint64(t.n))
	if err != nil {
		return err
	}
	file, err := encoded(img)
	if err != nil {
		return err
	}
	v, err := r.finder.Investigate(ctx, fmt.Sprintf("%s %s %d.png", t.kind, t.attack, t.upload), file)
	if err != nil {
		return err
	}
	d, err := r.finder.Weigh(ctx, []*verify.Verdict{v})
	if err != nil {
		return err
	}
	out.take(d, v, u.id, leaked, name)
	return nil
}

// take reads an outcome from the verdict on a dump of one leak.
func (o *Outcome) take(d *verify.DumpVerdict, v *verify.Verdict, of watermark.Submission, leaked watermark.CopyID, recipient string) {
	o.Finding = v.Label()
	if len(d.Case.Leaks) == 0 {
		o.LeftOut = true
		return
	}
	l := &d.Case.Leaks[0]
	o.Recall, o.FalseMatch = l.Recall, l.FalseMatch
	o.Marked = slices.Contains(l.Transplanted, recipient)
	o.Read = d.Case.MarkTrials == verify.ReadTrials
	switch l.Submission {
	case "":
		return
	case of.String():
		o.Shows = ShowsOwn
	default:
		o.Shows = ShowsOther
	}
	for _, c := range l.Copies {
		e := Evidence{LnE: c.LnE, Miss: c.Miss, Confirmed: c.Confirmed}
		if o.Kind == OutcomeCopy && c.ID == leaked.String() {
			o.Own = &e
			continue
		}
		o.Innocent = append(o.Innocent, e)
	}
}
