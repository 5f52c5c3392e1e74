package service

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/kycmark/kycmark/internal/hooks"
	"github.com/kycmark/kycmark/watermark"
)

// apiVersion is that of the API. It changes with the path /v1.
const apiVersion = "1.0.0"

func init() { huma.ValidateStrictCasing = true } // names of JSON are as the document writes them

// apiConfig returns the configuration of package huma: no pages of its own, JSON alone, and its errors as a [Problem].
func apiConfig() huma.Config {
	cfg := huma.DefaultConfig("kycmark", apiVersion)
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath, cfg.CreateHooks = "", "", "", nil
	cfg.RejectUnknownQueryParameters = true
	once := huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: hooks.Object}
	cfg.Formats = map[string]huma.Format{"application/json": once, "json": once}
	cfg.Info.Description = "Uploads come in, marked copies go out, and the ledger says who got which. Texts that may be personal data come in headers " +
		"and bodies, never in paths or queries. Send a random Idempotency-Key with each call that changes something: " +
		"the same key with the same request has the same answer, for seven days."
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer",
		Description: `From "kycmark token add", or a JWT of the OpenID provider in kycmark.toml.`}}
	cfg.Transformers = []huma.Transformer{func(ctx huma.Context, _ string, x any) (any, error) {
		if m, ok := x.(*huma.ErrorModel); ok {
			return fromHuma(m).ready(visitOf(ctx.Context()).id), nil
		}
		return x, nil
	}}
	return cfg
}

func (s *Service) operation(r *route) *huma.Operation {
	op := &huma.Operation{
		OperationID: r.id, Method: r.method, Path: r.path, Summary: r.summary,
		MaxBodyBytes: maxJSON + 1, BodyReadTimeout: -1, // the door limits both
		Responses: map[string]*huma.Response{},
	}
	op.Responses["default"] = answerOf("What is wrong, and what to do", schemaOf[Problem](s), problemType)
	if len(r.roles) > 0 {
		op.Description = "Roles: " + JoinRoles(r.roles) + "."
		op.Security = []map[string][]string{{"token": {}}}
	}
	if r.changes() {
		op.Parameters = append(op.Parameters, &huma.Param{Name: "Idempotency-Key", In: "header", Schema: lengths(minKey, maxKey),
			Description: "A random text for each new request, such as a UUID"})
	}
	return op
}

func lengths(low, high int) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, MinLength: &low, MaxLength: &high}
}

var (
	textSchema   = &huma.Schema{Type: huma.TypeString}
	binarySchema = &huma.Schema{Type: huma.TypeString, Format: "binary"}
	objectSchema = &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
)

func schemaOf[T any](s *Service) *huma.Schema {
	return s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[T](), true, "")
}

func contentOf(schema *huma.Schema, types ...string) map[string]*huma.MediaType {
	all := make(map[string]*huma.MediaType)
	for _, t := range types {
		all[t] = &huma.MediaType{Schema: schema}
	}
	return all
}

func answerOf(description string, schema *huma.Schema, types ...string) *huma.Response {
	return &huma.Response{Description: description, Content: contentOf(schema, types...)}
}

// serves notes that a route is served, if the roles of the process allow it.
func (s *Service) serves(id string) *route {
	r := routeOf(id)
	if !r.may(s.Roles) {
		return nil
	}
	s.served[r.pattern()] = r
	return r
}

// plain serves a route without a body by its handler alone.
func (s *Service) plain(id string, handle http.HandlerFunc) {
	r := s.serves(id)
	if r == nil {
		return
	}
	s.mux.HandleFunc(r.pattern(), handle)
	op := s.operation(r)
	switch id {
	case "openapi":
		op.Responses["200"] = answerOf("OpenAPI 3.1", &huma.Schema{Type: huma.TypeObject}, "application/openapi+json")
	case "readyz":
		op.Responses["503"] = answerOf("Not ready: draining, or the registry does not answer", textSchema, "text/plain")
		fallthrough
	default:
		op.Responses["200"] = answerOf("It is so", textSchema, "text/plain")
	}
	s.api.OpenAPI().AddOperation(op)
}

// add serves a route of JSON. object is what its errors are about.
func add[In, Out any](s *Service, id, object string, do func(context.Context, *In) (*Out, error)) {
	r := s.serves(id)
	if r == nil {
		return
	}
	huma.Register(s.api, *s.operation(r), func(ctx context.Context, in *In) (*Out, error) {
		out, err := do(ctx, in)
		if err == nil {
			return out, nil
		}
		v := visitOf(ctx)
		v.failed = err
		return nil, problemOf(object, err).ready(v.id)
	})
}

// stream serves a route whose request is JSON. Package huma reads that, and do writes the bytes of the answer.
func stream[In any](s *Service, id, object string, answer *huma.Response, do func(context.Context, *In) error) {
	r := s.serves(id)
	if r == nil {
		return
	}
	op := s.operation(r)
	op.Responses["200"] = answer
	huma.Register(s.api, *op, func(ctx context.Context, in *In) (*huma.StreamResponse, error) {
		return &huma.StreamResponse{Body: func(huma.Context) {
			if err := do(ctx, in); err != nil {
				visitOf(ctx).refuse(object, err)
			}
		}}, nil
	})
}

const linesType = "application/x-ndjson"

func (v *visit) line(x any) error {
	text, err := json.Marshal(x)
	if err != nil {
		return err
	}
	v.Header().Set("Content-Type", linesType)
	return v.send(append(text, '\n'))
}

// An answer is a body of JSON.
type answer[T any] struct{ Body T }

func reply[T any](x T, err error) (*answer[T], error) {
	if err != nil {
		return nil, err
	}
	return &answer[T]{x}, nil
}

// of makes a handler of what do does with the ID in a path.
func of[P any, In interface {
	*P
	id() ID
}, ID, T any](do func(context.Context, ID) (T, error)) func(context.Context, In) (*answer[T], error) {
	return func(ctx context.Context, in In) (*answer[T], error) { return reply(do(ctx, in.id())) }
}

// PathOfSubmission is the path of routes about an upload.
type PathOfSubmission struct {
	ID string `path:"id" pattern:"^[0-9a-f]{32}$" patternDescription:"the ID of a submission, 32 hex digits" doc:"ID of the submission"`
}

func (in *PathOfSubmission) id() watermark.Submission { return must(watermark.ParseSubmission(in.ID)) }

// PathOfCopy is the path of routes about a copy.
type PathOfCopy struct {
	ID string `path:"id" pattern:"^[0-9a-f]{16}$" patternDescription:"the ID of a copy, 16 hex digits" doc:"ID of the copy"`
}

func (in *PathOfCopy) id() watermark.CopyID { return must(watermark.ParseCopyID(in.ID)) }

// must returns an ID whose pattern package huma has checked.
func must[ID any](id ID, err error) ID {
	if err != nil {
		panic("service: " + err.Error())
	}
	return id
}
