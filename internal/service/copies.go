package service

import (
	"archive/zip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// A WantedCopy is what a copy is to be.
type WantedCopy struct {
	Recipient string `json:"recipient" minLength:"1" maxLength:"200" doc:"Who gets it: the name of a recipient that was entered"`
	Purpose   string `json:"purpose,omitempty" maxLength:"4000" doc:"What the copy is for, as written to the registry"`
	Request   string `json:"request,omitempty" maxLength:"4000" doc:"The same submission, recipient, purpose, request, size and format have one copy; another text has another"`
	MaxSide   int    `json:"max_side,omitempty" minimum:"0" maximum:"1000000" doc:"Pixels of the long side at most; 0: as the original"`
	MaxBytes  int64  `json:"max_bytes,omitempty" minimum:"0" doc:"Size of the file at most; 0: no limit"`
	Format    string `json:"format,omitempty" enum:"jpeg,png,webp" doc:"Default: like the original"`
	KeepEXIF  bool   `json:"keep_exif,omitempty" doc:"Pass on exposure, time, camera and lens"`
	AllowWeak bool   `json:"allow_weak,omitempty" doc:"Release a copy whose mark would not survive a messenger"`
}

// A Copy is a copy as answers have it: without its marking, which differs if the upload had a mark.
type Copy struct {
	ID            watermark.CopyID     `json:"copy"`
	Submission    watermark.Submission `json:"submission"`
	Recipient     string               `json:"recipient"`
	Reviewer      string               `json:"reviewer,omitempty"`
	Purpose       string               `json:"purpose,omitempty"`
	KeyID         string               `json:"key_id"`
	books.Marking `json:"-"`
	Format        string       `json:"format"`
	Width         int          `json:"width"`
	Height        int          `json:"height"`
	SHA256        books.Digest `json:"sha256"`
	Size          int64        `json:"size"`
	Issued        time.Time    `json:"issued"`
	books.Bound
	Actor string `json:"actor,omitempty"`
	State string `json:"state,omitempty"`
	books.Logged
}

// mediaTypes are the media types of the formats of copies.
var mediaTypes = map[string]string{"jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp",
	"tiff": "image/tiff", "bmp": "image/bmp", "pdf": "application/pdf"}

type inIssue struct {
	PathOfSubmission
	Body WantedCopy
}

type inIssueAll struct {
	Body struct {
		Submissions []watermark.Submission `json:"submissions" minItems:"1" maxItems:"10000" nullable:"false" doc:"Uploads, each once"`
		WantedCopy
	}
}

// copies serves the routes about copies.
type copies struct{ *Service }

func (s copies) routes() {
	if s.has(Issue) {
		media := slices.Collect(maps.Values(mediaTypes))
		one := answerOf("The marked copy. The same request has the same copy.", binarySchema, media...)
		one.Headers = map[string]*huma.Header{
			"Kycmark-Copy": {Description: "ID of the copy, 16 hex digits", Schema: textSchema},
			"Repr-Digest":  {Description: "SHA-256 of the bytes, as RFC 9530 writes it", Schema: textSchema},
		}
		stream(s.Service, "issue-copy", "copy", one, s.issue)
		stream(s.Service, "issue-copies", "copies", answerOf("A zip of the copies. Its last file, "+listName+
			", names the copy of each upload, or says why an upload has no copy. The same request has the same copies.",
			binarySchema, "application/zip"), s.issueAll)
		stream(s.Service, "deliver-copies", "copies", answerOf("A line for each upload: the object of its copy, or why "+
			"it has no copy. The same request has the same copies.", schemaOf[zipped](s.Service), linesType), s.deliver)
	}
	add(s.Service, "list-copies", "submission", of[PathOfSubmission](func(ctx context.Context, id watermark.Submission) ([]Copy, error) {
		if _, err := s.Registry.Submission(ctx, id); err != nil && !errors.Is(err, registry.ErrErased) {
			return nil, err
		}
		rows, err := s.Registry.Copies(ctx, id)
		return each.Of(rows, func(c books.Copy) Copy { return Copy(c) }), err
	}))
	add(s.Service, "get-copy", "copy", of[PathOfCopy](s.copy))
	add(s.Service, "void-copy", "copy", s.void)
	add(s.Service, "add-receipt", "receipt", s.addReceipt)
	add(s.Service, "list-receipts", "copy", of[PathOfCopy](func(ctx context.Context, id watermark.CopyID) ([]books.Receipt, error) {
		if _, err := s.Registry.Copy(ctx, id); err != nil {
			return nil, err
		}
		return s.Registry.Ledger().Receipts(ctx, id)
	}))
}

func (s copies) copy(ctx context.Context, id watermark.CopyID) (*Copy, error) {
	c, err := s.Registry.Copy(ctx, id)
	return (*Copy)(c), err
}

func (b *WantedCopy) options(ctx context.Context) *registry.IssueOptions {
	return &registry.IssueOptions{Actor: actor(ctx), Purpose: b.Purpose, Request: b.Request, MaxSide: b.MaxSide,
		MaxBytes: b.MaxBytes, Format: b.Format, KeepEXIF: b.KeepEXIF, AllowWeak: b.AllowWeak}
}

func (s copies) issue(ctx context.Context, in *inIssue) error {
	v, b, of := visitOf(ctx), in.Body, in.id()
	o := b.options(ctx)
	var err error
	if earlier := v.once.earlier(); earlier != "" {
		if o.ID, err = watermark.ParseCopyID(earlier); err != nil {
			return err
		}
	}
	_, err = s.Issuer.Issue(ctx, of, b.Recipient, func(c *books.Copy, file []byte) error {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%w: %w", registry.ErrNothingLeft, err)
		}
		handed := v.hand(c, file)
		kept := v.once.keep(ctx, c.ID.String()) // not before: the copy may become void
		if errors.As(kept, new(*Problem)) {     // the same request, sent twice, has handed it out meanwhile
			kept = nil
		}
		return errors.Join(handed, kept)
	}, o)
	if errors.Is(err, registry.ErrNotFound) {
		object := "recipient"
		if _, missing := s.Registry.Submission(ctx, of); missing != nil {
			object = "submission"
		}
		return problemOf(object, err)
	}
	return err
}

// listName is the file of a zip that says what the others are.
const listName = "copies.json"

// A zipped copy is an upload of a list, with the file of its copy, or why it has no copy.
type zipped struct {
	Submission watermark.Submission `json:"submission"`
	Copy       string               `json:"copy,omitempty"` // ID
	File       string               `json:"file,omitempty"` // in the zip or the bucket
	SHA256     *books.Digest        `json:"sha256,omitempty"`
	Problem    *Problem             `json:"problem,omitempty"`
}

// issueAll hands out a copy of each upload of a list, as a zip that grows as they are marked. Its end says that all of it came.
func (s copies) issueAll(ctx context.Context, in *inIssueAll) error {
	v := visitOf(ctx)
	v.Header().Set("Content-Type", "application/zip")
	z, list := zip.NewWriter(sender{v}), []zipped{}
	err := s.each(ctx, in, func(name string, _ *books.Copy, file []byte) error {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err == nil {
			_, err = w.Write(file)
		}
		return errors.Join(err, z.Flush())
	}, func(x zipped) error { list = append(list, x); return nil })
	if err != nil {
		return err
	}
	w, err := z.Create(listName)
	if err == nil {
		err = json.NewEncoder(w).Encode(list)
	}
	return errors.Join(err, z.Close())
}

// deliver writes a copy of each upload of a list to the bucket of their recipient. No copy can get to the bucket of another.
func (s copies) deliver(ctx context.Context, in *inIssueAll) error {
	to := s.deliveries[in.Body.Recipient]
	if to == nil {
		return &Problem{Status: http.StatusNotFound, Object: "bucket", Problem: "the recipient has none",
			Todo: "name it in kycmark.toml, [buckets.copies]; or hand the copies out: POST /v1/copies"}
	}
	return s.each(ctx, in, func(name string, c *books.Copy, file []byte) error {
		return to.Put(ctx, name, mediaTypes[c.Format], file)
	}, func(x zipped) error { return visitOf(ctx).line(x) })
}

// each issues a copy of each upload of a list. put hands a copy out under a name; its failure ends the list. told is called
// after each upload. An upload without a copy does not end the list.
func (s copies) each(ctx context.Context, in *inIssueAll, put func(name string, c *books.Copy, file []byte) error, told func(zipped) error) error {
	if _, err := s.Registry.Recipient(ctx, in.Body.Recipient); err != nil {
		return problemOf("recipient", err)
	}
	if list := in.Body.Submissions; len(records.Ascending(list)) < len(list) { // package huma panics if it checks objects for that
		return &Problem{Status: http.StatusUnprocessableEntity, Object: "submissions", Problem: "one is there twice", Wanted: "each once", Todo: "leave the second out"}
	}
	for _, id := range in.Body.Submissions {
		if err := s.authorize(visitOf(ctx)); err != nil {
			return err
		}
		x := zipped{Submission: id}
		_, err := s.Issuer.Issue(ctx, id, in.Body.Recipient, func(c *books.Copy, file []byte) error {
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("%w: %w", registry.ErrNothingLeft, err)
			}
			x.Copy, x.File, x.SHA256 = c.ID.String(), c.ID.String()+"."+c.Format, &c.SHA256
			return put(x.File, c, file)
		}, in.Body.options(ctx))
		if err != nil && (ctx.Err() != nil || x.File != "") {
			return err
		}
		if err != nil {
			x.Problem = problemOf("submission", err).ready("") // the same each time
		}
		if err := told(x); err != nil {
			return err
		}
	}
	return nil
}

func (v *visit) hand(c *books.Copy, file []byte) error {
	h := v.Header()
	h.Set("Content-Type", mediaTypes[c.Format])
	h.Set("Content-Length", strconv.Itoa(len(file)))
	h.Set("Kycmark-Copy", c.ID.String())
	h.Set("Repr-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(c.SHA256[:])+":")
	return v.send(file)
}

type inVoid struct {
	PathOfCopy
	Body struct {
		Note string `json:"note" minLength:"1" maxLength:"4000" doc:"How it is known that no byte left; no names"`
	}
}

func (s copies) void(ctx context.Context, in *inVoid) (*answer[*Copy], error) {
	id := in.id()
	if _, err := s.Registry.Ledger().AddRelease(ctx, books.Release{Copy: id, State: books.CopyVoid, Note: in.Body.Note, Actor: actor(ctx)}); err != nil {
		return nil, err
	}
	if err := s.notify(ctx, copyVoid, noticeData{Copy: &id}); err != nil {
		return nil, err
	}
	return reply(s.copy(ctx, id))
}

type inReceipt struct {
	PathOfCopy
	Body struct {
		PublicKey books.Digest    `json:"public_key" pattern:"^[0-9a-f]{64}$" doc:"Ed25519, 64 hex digits"`
		Signature books.Signature `json:"signature" pattern:"^[0-9a-f]{128}$" doc:"Of three lines, each ended by a line feed: \"kycmark receipt v1\", the SHA-256 of the bytes and the copy's ID, both lower-case hex"`
	}
}

func (s copies) addReceipt(ctx context.Context, in *inReceipt) (*answer[[]books.Receipt], error) {
	id := in.id()
	x := books.Receipt{Copy: id, PublicKey: in.Body.PublicKey, Signature: in.Body.Signature, Actor: actor(ctx)}
	if _, err := s.Registry.Ledger().AddReceipt(ctx, x); err != nil {
		return nil, err
	}
	return reply(s.Registry.Ledger().Receipts(ctx, id))
}
