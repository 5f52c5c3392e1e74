// Package s3 keeps the sealed originals of a registry in a bucket of an S3 server:
//
//	r, err := registry.Open(ctx, postgres.At("postgres://kyc@db.example/kyc", s3.Open))
//
// The address of such a place is "s3://BUCKET/PREFIX?endpoint=https://s3.example&region=eu-1". Without
// endpoint it is that of the variable AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL, else Amazon's. The keys
// come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, from the file ~/.aws/credentials, or from the
// machine's role. An address with a key in it is refused: the registry stores the address.
//
// The bucket must not keep versions: an erasure would leave the old ones. Originals are encrypted before
// they come here.
package s3

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/kycmark/kycmark/internal/objects"
	"github.com/kycmark/kycmark/verify/registry"
)

// Open opens the place at an address. It sends nothing: an unreachable server is an error of the first
// original that is kept or read.
var Open registry.OpenPlace = open

func open(_ context.Context, address, id string) (objects.Place, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "s3" {
		return nil, errors.ErrUnsupported
	}
	q := u.Query()
	endpoint := cmp.Or(q.Get("endpoint"), os.Getenv("AWS_ENDPOINT_URL_S3"), os.Getenv("AWS_ENDPOINT_URL"), "https://s3.amazonaws.com")
	server, err := url.Parse(endpoint)
	region := cmp.Or(q.Get("region"), os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"))
	q.Del("endpoint")
	q.Del("region")
	switch {
	case u.User != nil || err == nil && server.User != nil:
		return nil, fmt.Errorf("the address of a bucket, got one with a key in it: %w", registry.ErrInput)
	case u.Host == "" || len(q) > 0 || u.Fragment != "":
		return nil, fmt.Errorf("the address of a bucket: want s3://BUCKET/PREFIX?endpoint=URL&region=NAME, got %q: %w", address, registry.ErrInput)
	case err != nil || server.Host == "" || server.Scheme != "http" && server.Scheme != "https" || strings.Trim(server.Path, "/") != "":
		return nil, fmt.Errorf("the address of an S3 server: want https://HOST, got %q: %w", endpoint, registry.ErrInput)
	}
	client, err := minio.New(server.Host, &minio.Options{Secure: server.Scheme == "https", Region: region,
		Creds: credentials.NewChainCredentials([]credentials.Provider{&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}, &credentials.IAM{}})})
	if err != nil {
		return nil, fmt.Errorf("s3: %w: %w", registry.ErrInput, err)
	}
	prefix := strings.Trim(u.Path, "/")
	if prefix != "" {
		prefix += "/"
	}
	prefix += id + "/"
	return &bucket{client: client, name: u.Host, prefix: prefix}, nil
}

type bucket struct {
	client       *minio.Client
	name, prefix string

	mu      sync.Mutex
	checked bool // keeps no versions
}

// away reports whether the server gave no answer, or could not do now what it was asked for.
func away(r minio.ErrorResponse) bool {
	return r.StatusCode == 0 || r.StatusCode >= http.StatusInternalServerError && r.StatusCode != http.StatusNotImplemented || r.StatusCode == http.StatusTooManyRequests
}

// refusals are codes of errors that every object of the bucket would meet.
var refusals = []string{minio.NoSuchBucket, "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"}

// because describes an error of the server. A missing object wraps [fs.ErrNotExist], a missing bucket does
// not. What the server could not do now wraps [objects.ErrAway], what it would do for no object [objects.ErrRefused].
func (b *bucket) because(what string, err error) error {
	switch r := minio.ToErrorResponse(err); {
	case r.Code == minio.NoSuchKey || r.StatusCode == http.StatusNotFound && r.Code != minio.NoSuchBucket:
		err = fs.ErrNotExist
	case away(r):
		err = fmt.Errorf("%w: %w", objects.ErrAway, err)
	case slices.Contains(refusals, r.Code):
		err = fmt.Errorf("%w: %w", objects.ErrRefused, err)
	}
	return fmt.Errorf("%s, bucket %s: %w", what, b.name, err)
}

// keepsNone checks once that the bucket keeps no versions. A server that does not know the question, or
// refuses it, has none.
func (b *bucket) keepsNone(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.checked {
		return nil
	}
	v, err := b.client.GetBucketVersioning(ctx, b.name)
	if err == nil && v.Enabled() {
		return fmt.Errorf("bucket %s keeps versions, so that an erasure would leave the old ones; suspend versioning", b.name)
	}
	if r := minio.ToErrorResponse(err); err != nil && away(r) {
		return b.because("ask for versions", err)
	}
	b.checked = true
	return nil
}

func (b *bucket) Put(ctx context.Context, name objects.Name, body []byte) error {
	if err := b.keepsNone(ctx); err != nil {
		return err
	}
	_, err := b.client.PutObject(ctx, b.name, b.prefix+name.String(), bytes.NewReader(body), int64(len(body)),
		minio.PutObjectOptions{ContentType: "application/octet-stream", DisableMultipart: true})
	if err != nil {
		return b.because("keep an object", err)
	}
	return nil
}

func (b *bucket) Open(ctx context.Context, name objects.Name) (io.ReadCloser, error) {
	o, err := b.client.GetObject(ctx, b.name, b.prefix+name.String(), minio.GetObjectOptions{})
	if err != nil {
		return nil, b.because("read an object", err)
	}
	return object{o, b}, nil
}

// An object is being read.
type object struct {
	*minio.Object
	of *bucket
}

func (o object) Read(p []byte) (n int, err error) {
	if n, err = o.Object.Read(p); err != nil && err != io.EOF {
		err = o.of.because("read an object", err)
	}
	return n, err
}

func (b *bucket) Size(ctx context.Context, name objects.Name) (int64, error) {
	o, err := b.client.StatObject(ctx, b.name, b.prefix+name.String(), minio.StatObjectOptions{})
	if err != nil {
		return 0, b.because("find an object", err)
	}
	return o.Size, nil
}

func (b *bucket) Remove(ctx context.Context, name objects.Name) error {
	err := b.client.RemoveObject(ctx, b.name, b.prefix+name.String(), minio.RemoveObjectOptions{})
	if err == nil {
		return nil
	}
	if err = b.because("remove an object", err); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (b *bucket) All(ctx context.Context) iter.Seq2[objects.Object, error] {
	return func(yield func(objects.Object, error) bool) {
		for o := range b.client.ListObjectsIter(ctx, b.name, minio.ListObjectsOptions{Prefix: b.prefix, Recursive: true}) {
			if o.Err != nil {
				yield(objects.Object{}, b.because("list the objects", o.Err))
				return
			}
			name, ok := objects.ParseName(strings.TrimPrefix(o.Key, b.prefix))
			if ok && !yield(objects.Object{Name: name, Size: o.Size, Written: o.LastModified}, nil) {
				return
			}
		}
	}
}
