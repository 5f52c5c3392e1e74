// Package buckets reads and writes objects of S3 servers.
package buckets

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/kycmark/kycmark/internal/objects"
	"github.com/kycmark/kycmark/verify/registry"
)

// A Bucket is what has a prefix in a bucket. It is safe for concurrent use.
type Bucket struct {
	Client       *minio.Client
	Name, Prefix string // Prefix is "" or ends with a slash
}

// Open opens the bucket of an address such as "s3://BUCKET/PREFIX?endpoint=https://s3.example&region=eu-1", as package
// verify/registry/s3 describes it. It sends nothing. The error wraps [registry.ErrInput].
func Open(address string) (*Bucket, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "s3" {
		return nil, fmt.Errorf("the address of a bucket: want s3://BUCKET/PREFIX, got another scheme: %w", registry.ErrInput)
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
	return &Bucket{client, u.Host, prefix}, nil
}

// Away reports whether the server gave no answer, or could not do now what it was asked for.
func Away(err error) bool {
	r := minio.ToErrorResponse(err)
	return r.StatusCode == 0 || r.StatusCode >= http.StatusInternalServerError && r.StatusCode != http.StatusNotImplemented || r.StatusCode == http.StatusTooManyRequests
}

// refusals are codes of errors that every object of the bucket would meet.
var refusals = []string{minio.NoSuchBucket, "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "AccessDenied"}

// Because describes an error of the server. A missing object wraps [fs.ErrNotExist], a missing bucket does
// not. What the server could not do now wraps [objects.ErrAway], what it would do for no object [objects.ErrRefused].
func (b *Bucket) Because(what string, err error) error {
	switch r := minio.ToErrorResponse(err); {
	case r.Code == minio.NoSuchKey || r.StatusCode == http.StatusNotFound && r.Code != minio.NoSuchBucket:
		err = fs.ErrNotExist
	case Away(err):
		err = fmt.Errorf("%w: %w", objects.ErrAway, err)
	case slices.Contains(refusals, r.Code):
		err = fmt.Errorf("%w: %w", objects.ErrRefused, err)
	}
	return fmt.Errorf("%s, bucket %s: %w", what, b.Name, err)
}

// Put writes an object, in the place of what its name had.
func (b *Bucket) Put(ctx context.Context, name, media string, body []byte) error {
	_, err := b.Client.PutObject(ctx, b.Name, b.Prefix+name, bytes.NewReader(body), int64(len(body)),
		minio.PutObjectOptions{ContentType: media, DisableMultipart: true})
	if err != nil {
		return b.Because("keep an object", err)
	}
	return nil
}

// Get reads an object.
func (b *Bucket) Get(ctx context.Context, name string) (io.ReadCloser, error) {
	o, err := b.Client.GetObject(ctx, b.Name, b.Prefix+name, minio.GetObjectOptions{})
	if err != nil {
		return nil, b.Because("read an object", err)
	}
	return object{o, b}, nil
}

// An object is being read.
type object struct {
	*minio.Object
	of *Bucket
}

func (o object) Read(p []byte) (n int, err error) {
	if n, err = o.Object.Read(p); err != nil && err != io.EOF {
		err = o.of.Because("read an object", err)
	}
	return n, err
}

// All lists the objects whose names begin with a text, by name. Keys lack the prefix of the bucket. An error comes last.
func (b *Bucket) All(ctx context.Context, begin string) iter.Seq2[minio.ObjectInfo, error] {
	return func(yield func(minio.ObjectInfo, error) bool) {
		for o := range b.Client.ListObjectsIter(ctx, b.Name, minio.ListObjectsOptions{Prefix: b.Prefix + begin, Recursive: true}) {
			if o.Err != nil {
				yield(o, b.Because("list the objects", o.Err))
				return
			}
			if o.Key = strings.TrimPrefix(o.Key, b.Prefix); !yield(o, nil) {
				return
			}
		}
	}
}
