// Package postgres keeps a registry in a schema of a PostgreSQL database:
//
//	r, err := registry.Open(ctx, postgres.At("postgres://kyc@db.example/kyc"))
//
// Several processes on several machines can write. A commit is on the server's disk before it returns: servers that run
// with fsync=off or full_page_writes=off are refused. A registry is made only where pages have checksums.
package postgres

import (
	"github.com/kycmark/kycmark/internal/store/postgres"
	"github.com/kycmark/kycmark/verify/registry"
)

// At names the registry in the database at dsn, "postgres://USER@HOST/DATABASE" with the
// parameters of libpq. The parameter search_path names a schema, so that several registries
// fit in one database. Leave passwords to PGPASSFILE or PGPASSWORD. A malformed address is
// an error of registry.Open, which wraps [registry.ErrRefused] and repeats no password.
//
// Originals may be kept outside of the database: see [registry.CreateOptions]. places open addresses
// that are no folders, as package s3 does.
func At(dsn string, places ...registry.OpenPlace) registry.Driver { return postgres.At(dsn, places...) }
