package postgres

import (
	"context"
	"database/sql"
	"errors"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/sqldb"
)

// Connect opens the connections of a registry.
func Connect(ctx context.Context, dsn string) (write, read *sql.DB, done func() error, err error) {
	s, err := connect(ctx, dsn, nil, false)
	if err != nil {
		return nil, nil, nil, err
	}
	return s.write, s.read, s.close, nil
}

// CreateAnyway is Create on any server.
func CreateAnyway(ctx context.Context, dsn string, info records.Info) (*sqldb.DB, error) {
	s, err := connect(ctx, dsn, nil, false)
	if err != nil {
		return nil, err
	}
	d := s.dialect()
	s.unsummed = false
	if err := s.makeSchema(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return sqldb.Create(ctx, d, s.write, s.read, info)
}

// ObjectsOfSchema is the query of what an audit compares of the schema.
var ObjectsOfSchema = objectsOfSchema

// ParseDSN is tested alone because it stands between users and the driver.
func ParseDSN(dsn string) (schema string, err error) {
	_, schema, err = parseDSN(dsn)
	return schema, err
}
