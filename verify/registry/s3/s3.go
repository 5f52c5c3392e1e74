// Package s3 keeps the sealed originals of a registry in a bucket of an S3 server:
//
//	r, err := registry.Open(ctx, postgres.At("postgres://kyc@db.example/kyc", s3.Open))
//
// The address of such a place is "s3://BUCKET/PREFIX?endpoint=https://s3.example&region=eu-1". Without
// endpoint it is that of the variable AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL, else Amazon's. The keys
// come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, from the file ~/.aws/credentials, or from the
// machine's role. An address with a key in it is refused: the registry stores the address.
//
// The bucket must not keep versions: an erasure would leave the old ones. Originals come here encrypted.
package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"strings"
	"sync"

	"github.com/minio/minio-go/v7"

	"github.com/kycmark/kycmark/internal/buckets"
	"github.com/kycmark/kycmark/internal/objects"
	"github.com/kycmark/kycmark/verify/registry"
)

// Open opens the place at an address, and sends nothing. The first original kept or read shows an unreachable server.
var Open registry.OpenPlace = open

func open(_ context.Context, address, id string) (objects.Place, error) {
	if scheme, _, _ := strings.Cut(address, ":"); scheme != "s3" {
		return nil, errors.ErrUnsupported
	}
	b, err := buckets.Open(address)
	if err != nil {
		return nil, err
	}
	b.Prefix += id + "/"
	return &bucket{Bucket: b}, nil
}

type bucket struct {
	*buckets.Bucket

	mu      sync.Mutex
	checked bool // keeps no versions
}

// keepsNone checks once that the bucket keeps no versions. A server that refuses the question has none.
func (b *bucket) keepsNone(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.checked {
		return nil
	}
	v, err := b.Client.GetBucketVersioning(ctx, b.Name)
	if err == nil && v.Enabled() {
		return fmt.Errorf("bucket %s keeps versions, so that an erasure would leave the old ones; suspend versioning", b.Name)
	}
	if err != nil && buckets.Away(err) {
		return b.Because("ask for versions", err)
	}
	b.checked = true
	return nil
}

func (b *bucket) Put(ctx context.Context, name objects.Name, body []byte) error {
	if err := b.keepsNone(ctx); err != nil {
		return err
	}
	return b.Bucket.Put(ctx, name.String(), "application/octet-stream", body)
}

func (b *bucket) Open(ctx context.Context, name objects.Name) (io.ReadCloser, error) {
	return b.Get(ctx, name.String())
}

func (b *bucket) Size(ctx context.Context, name objects.Name) (int64, error) {
	o, err := b.Client.StatObject(ctx, b.Name, b.Prefix+name.String(), minio.StatObjectOptions{})
	if err != nil {
		return 0, b.Because("find an object", err)
	}
	return o.Size, nil
}

func (b *bucket) Remove(ctx context.Context, name objects.Name) error {
	err := b.Client.RemoveObject(ctx, b.Name, b.Prefix+name.String(), minio.RemoveObjectOptions{})
	if err == nil {
		return nil
	}
	if err = b.Because("remove an object", err); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (b *bucket) All(ctx context.Context) iter.Seq2[objects.Object, error] {
	return func(yield func(objects.Object, error) bool) {
		for o, err := range b.Bucket.All(ctx, "") {
			if err != nil {
				yield(objects.Object{}, err)
				return
			}
			name, ok := objects.ParseName(o.Key)
			if ok && !yield(objects.Object{Name: name, Size: o.Size, Written: o.LastModified}, nil) {
				return
			}
		}
	}
}
