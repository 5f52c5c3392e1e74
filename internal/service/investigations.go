package service

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/minio/minio-go/v7"

	"github.com/kycmark/kycmark/internal/buckets"
	"github.com/kycmark/kycmark/internal/investigations"
	"github.com/kycmark/kycmark/internal/objects"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/kept"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// wantedInvestigation is what is known of a dump.
type wantedInvestigation struct {
	Found     time.Time              `json:"found,omitzero" doc:"When the pictures were found; custody that was entered later counts against no holder"`
	Evidence  string                 `json:"found_evidence,omitempty" maxLength:"4000" doc:"How that is known: an address, a message"`
	Published bool                   `json:"published,omitempty" doc:"The files were public then, where found_evidence says"`
	Claimed   int                    `json:"claimed,omitempty" minimum:"0" doc:"Pictures that the leaker claims to have"`
	Examiner  string                 `json:"examiner,omitempty" maxLength:"200" doc:"Name of the person who examines, for the report"`
	Case      string                 `json:"case,omitempty" maxLength:"200" doc:"Number of the case, for the report"`
	Against   []watermark.Submission `json:"against,omitempty" maxItems:"1000" doc:"Compare with these submissions alone"`
	Reveal    bool                   `json:"reveal,omitempty" doc:"Results name subjects and all recipients, and show the pictures"`
}

// PathOfInvestigation is the path of routes about an investigation.
type PathOfInvestigation struct {
	ID string `path:"id" pattern:"^[0-9a-f]{32}$" patternDescription:"the ID of an investigation, 32 hex digits" doc:"ID of the investigation"`
}

func (in *PathOfInvestigation) id() kept.ID { return must(kept.ParseID(in.ID)) }

type investigation = answer[*investigations.State]

// examinations serves the routes about investigations.
type examinations struct{ *Service }

func (s examinations) routes() {
	if !s.has(Investigate) {
		return
	}
	o := s.Office
	add(s.Service, "create-investigation", "investigation", s.create)
	add(s.Service, "list-investigations", "investigation", func(ctx context.Context, in *struct {
		Limit int `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Investigations at most"`
	}) (*answer[[]investigations.State], error) {
		return reply(o.List(ctx, in.Limit))
	})
	add(s.Service, "get-investigation", "investigation", of[PathOfInvestigation](o.State))
	add(s.Service, "list-files", "investigation", of[PathOfInvestigation](o.Files))
	add(s.Service, "begin-investigation", "investigation", of[PathOfInvestigation](o.Begin))
	add(s.Service, "remove-investigation", "investigation", of[PathOfInvestigation](s.remove))
	s.raw("add-file", s.addFile, func(op *huma.Operation) {
		op.Parameters = append(op.Parameters, &huma.Param{Name: headFile, In: "header", Required: true, Schema: lengths(1, 3000),
			Description: "Name of the file, such as chats/7.jpg, percent-encoded. The same name again must have the same bytes."})
		op.RequestBody = &huma.RequestBody{Required: true, Description: "The file as it was found",
			Content: contentOf(binarySchema, "*/*")}
		op.Responses["200"] = answerOf("The file is kept, sealed, until the investigation is over",
			schemaOf[investigations.File](s.Service), "application/json")
	})
	stream(s.Service, "add-bucket", "bucket", answerOf("A line for each object that was added, or cannot be. "+
		"If the answer is cut off, send the same again.", schemaOf[addedObject](s.Service), linesType), s.addBucket)
	s.raw("watch-investigation", s.watch, func(op *huma.Operation) {
		op.Responses["200"] = answerOf("Events named state, whose data are as GET /v1/investigations/{id} "+
			"answers; at last one named removed if it was removed", binarySchema, "text/event-stream")
	})
	for id, x := range map[string]struct{ part, media, says string }{
		"get-findings": {investigations.Findings, "application/json", "All findings, for \"kycmark verify-report\""},
		"get-report":   {investigations.Report, "text/html", "One page that needs nothing else"},
		"get-bundle":   {investigations.Bundle, "application/zip", "Made when it is first asked for"},
	} {
		s.raw(id, func(w http.ResponseWriter, r *http.Request, id kept.ID) error {
			return s.part(w, r, id, x.part, x.media)
		}, func(op *huma.Operation) { op.Responses["200"] = answerOf(x.says, binarySchema, x.media) })
	}
}

func (s examinations) remove(ctx context.Context, id kept.ID) (removed, error) {
	return removed{id}, visitOf(ctx).once.destroy(ctx, func() error { _, err := s.Office.State(ctx, id); return err },
		func() error { return s.Office.Remove(ctx, id) })
}

// removed is the answer to the removal of an investigation.
type removed struct {
	ID kept.ID `json:"investigation" doc:"32 hex digits"`
}

// raw serves a route about an investigation whose bytes package huma does not touch.
func (s examinations) raw(id string, handle func(http.ResponseWriter, *http.Request, kept.ID) error, describe func(*huma.Operation)) {
	r := s.serves(id)
	s.mux.HandleFunc(r.pattern(), func(w http.ResponseWriter, r *http.Request) {
		of, err := kept.ParseID(r.PathValue("id"))
		if err == nil {
			err = handle(w, r, of)
		}
		if err != nil {
			visitOf(r.Context()).refuse("investigation", err)
		}
	})
	op := s.operation(r)
	op.Parameters = append(op.Parameters, &huma.Param{Name: "id", In: "path", Required: true, Description: "ID of the investigation",
		Schema: &huma.Schema{Type: huma.TypeString, Pattern: "^[0-9a-f]{32}$"}})
	describe(op)
	s.api.OpenAPI().AddOperation(op)
}

func (s examinations) create(ctx context.Context, in *struct{ Body wantedInvestigation }) (*investigation, error) {
	o, b := visitOf(ctx).once, in.Body
	if earlier := o.earlier(); earlier != "" {
		id, err := kept.ParseID(earlier)
		if err != nil {
			return nil, err
		}
		return reply(s.Office.State(ctx, id))
	}
	r := investigations.Request{ID: o.name(), Actor: actor(ctx), Command: []string{"POST", "/v1/investigations"}, Against: b.Against, Reveal: b.Reveal,
		Circumstances: findings.Circumstances{Found: b.Found, Evidence: b.Evidence, Published: b.Published,
			Claimed: b.Claimed, Examiner: b.Examiner, Case: b.Case}}
	state, err := s.Office.Create(ctx, r)
	if err != nil {
		return nil, err
	}
	return reply(state, o.keep(ctx, state.ID.String()))
}

// addFile keeps a file as it comes.
func (s examinations) addFile(w http.ResponseWriter, r *http.Request, id kept.ID) error {
	ctx := r.Context()
	name, err := url.PathUnescape(r.Header.Get(headFile))
	if err != nil {
		return fmt.Errorf("%w: %s: %w", registry.ErrInput, headFile, err)
	}
	file, err := s.Office.Add(ctx, id, name, &claiming{r.Body, ctx, visitOf(ctx).once, r.ContentLength})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(file) // the client is gone, and may send the same again
	return nil
}

// An addedObject is an object of a bucket that was added, or cannot be.
type addedObject struct {
	Name    string        `json:"name"`
	Size    int64         `json:"size" doc:"Bytes"`
	SHA256  *books.Digest `json:"sha256,omitempty" doc:"Hex"`
	Problem *Problem      `json:"problem,omitempty" doc:"Why it was not added"`
}

type inBucket struct {
	PathOfInvestigation
	Body struct {
		Bucket string `json:"bucket" minLength:"1" maxLength:"200" doc:"Its name in kycmark.toml, [buckets.dumps]"`
		Prefix string `json:"prefix,omitempty" maxLength:"1000" doc:"What the names of the objects begin with"`
	}
}

// addBucket adds objects of a bucket as files, under their names. A name that no file can have is percent-encoded.
func (s examinations) addBucket(ctx context.Context, in *inBucket) error {
	from := s.dumps[in.Body.Bucket]
	if from == nil {
		return &Problem{Status: http.StatusNotFound, Object: "bucket", Problem: "there is no bucket of this name",
			Todo: "name it in kycmark.toml, [buckets.dumps]"}
	}
	found, refused := false, (*Problem)(nil)
	for o, err := range from.All(ctx, in.Body.Prefix) {
		if err != nil {
			return err
		}
		found = true
		if err := s.authorize(visitOf(ctx)); err != nil {
			return err
		}
		if strings.HasSuffix(o.Key, "/") && o.Size == 0 {
			continue // a folder, as consoles make them
		}
		x := addedObject{Name: o.Key, Size: o.Size}
		if !investigations.CanName(o.Key) {
			x.Name = url.PathEscape(o.Key)
		}
		file, err := s.addObject(ctx, in.id(), x.Name, from, o)
		switch {
		case err == nil:
			x.Size, x.SHA256 = file.Size, &file.SHA256
		case errors.Is(err, fs.ErrNotExist):
			x.Problem = (&Problem{Status: http.StatusNotFound, Object: "object", Problem: "it was removed since it was listed", Todo: "nothing, or put it back and send the same again"}).ready("")
		case errors.Is(err, registry.ErrLimit), errors.Is(err, registry.ErrInput), errors.Is(err, registry.ErrConflict):
			x.Problem = problemOf("object", err).ready("")
		case errors.As(err, &refused):
			x.Problem = refused.ready("")
		default:
			return err
		}
		if err := visitOf(ctx).line(x); err != nil {
			return err
		}
	}
	if !found {
		return &Problem{Status: http.StatusNotFound, Object: "object", Problem: "no name in the bucket begins with the prefix", Todo: "check the prefix"}
	}
	return nil
}

func (s examinations) addObject(ctx context.Context, id kept.ID, name string, from *buckets.Bucket, o minio.ObjectInfo) (*investigations.File, error) {
	if o.Size > s.MaxDump {
		return nil, fmt.Errorf("%w: got %d bytes, want at most %d", registry.ErrLimit, o.Size, s.MaxDump)
	}
	r, err := from.Get(ctx, o.Key)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return s.Office.Add(ctx, id, name, &listed{foreign{r, refusedObject}, o.Size})
}

// A listed object is read in the size that its list said, or not at all.
type listed struct {
	io.Reader
	left int64 // bytes
}

func (l *listed) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	if l.left -= int64(n); l.left < 0 || l.left > 0 && (err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF)) {
		err = &Problem{Status: http.StatusBadGateway, Object: "object", Problem: "it was cut off, or replaced since it was listed", Todo: "send the same again"}
	}
	return n, err
}

// refusedObject is a problem of this object alone, unless err is that its server is away, or that it is gone.
func refusedObject(err error) error {
	if errors.Is(err, objects.ErrAway) || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return &Problem{Status: http.StatusBadGateway, Object: "object", Problem: "the server of the bucket refuses it", Got: Cause(err),
		Todo: "have the operator make it readable, and send the same again"}
}

// How often a watcher gets a state that changed, and a sign that the connection lives. Chosen.
const (
	tellEvery  = time.Second
	aliveEvery = 15 * time.Second
)

// watch tells how far an investigation is, until it is over or the service ends.
func (s examinations) watch(w http.ResponseWriter, r *http.Request, id kept.ID) error {
	ctx, v := r.Context(), visitOf(r.Context())
	last, said := "", time.Now()
	for !s.draining.Load() {
		state, err := s.Office.State(ctx, id)
		if errors.Is(err, registry.ErrNotFound) && last != "" {
			_ = v.send([]byte("event: removed\ndata: {}\n\n")) // the client is gone
			return nil
		}
		if err != nil {
			return err // after the first event, the end of the answer says it
		}
		text, err := json.Marshal(state)
		if err != nil {
			return err
		}
		line := ": alive\n\n"
		if string(text) != last {
			last, line = string(text), "event: state\ndata: "+string(text)+"\n\n"
			w.Header().Set("Content-Type", "text/event-stream")
		} else if time.Since(said) < aliveEvery {
			line = ""
		}
		if line != "" {
			if said, err = time.Now(), v.send([]byte(line)); err != nil {
				return nil // the client is gone
			}
			if err := s.authorize(v); err != nil {
				return err
			}
		}
		if state.Stage.Over() {
			return nil
		}
		select {
		case <-time.After(tellEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (s examinations) part(w http.ResponseWriter, r *http.Request, id kept.ID, part, media string) error {
	v := visitOf(r.Context())
	body, p, err := s.Office.Read(r.Context(), id, part)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:")
	h.Set("Repr-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(p.SHA256[:])+":")
	h.Set("Content-Length", fmt.Sprint(p.Size))
	_, err = io.CopyBuffer(sender{v}, body, make([]byte, sendBytes))
	return err // the answer is cut off
}

// sendBytes is how many bytes of a result are sent at a time. Chosen.
const sendBytes = 256 << 10
