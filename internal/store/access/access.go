// Package access keeps in a SQL database who may call a service over the registry, and which requests were made.
package access

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/schema"
)

// Tables has the tables token and request. Interface [records.Access] says what its methods do. Each writes one
// statement, and waits for no ledger.
type Tables struct {
	Write, Read *sql.DB // may be the same
	Conflict    func(error) bool
	ReadOnly    bool // the registry is open for investigation only
}

// mayChange returns an error that wraps [records.ErrReadOnly] if tokens may not be changed. what names the deed.
func (d Tables) mayChange(what string) error {
	if d.ReadOnly {
		return fmt.Errorf("%s: %w", what, records.ErrReadOnly)
	}
	return nil
}

func (d Tables) AddToken(ctx context.Context, t records.Token) error {
	if err := d.mayChange("add a token"); err != nil {
		return err
	}
	_, err := d.Write.ExecContext(ctx, schema.Tokens.Insert(nil), schema.Tokens.Bind(&t)...)
	if err != nil && d.Conflict(err) {
		err = fmt.Errorf("token %q: %w", t.Name, records.ErrConflict)
	}
	return err
}

func (d Tables) Tokens(ctx context.Context) ([]records.Token, error) {
	return schema.Tokens.Rows(ctx, d.Read, " ORDER BY name")
}

func (d Tables) Token(ctx context.Context, id string) (*records.Token, error) {
	return schema.Tokens.One(ctx, d.Read, " WHERE id = $1", id)
}

func (d Tables) RevokeToken(ctx context.Context, name string, at time.Time) error {
	if err := d.mayChange("revoke a token"); err != nil {
		return err
	}
	never := time.Time{}
	_, err := d.Write.ExecContext(ctx, "UPDATE token SET revoked = $1 WHERE name = $2 AND revoked = $3",
		schema.Micros(&at), name, schema.Micros(&never))
	if err != nil {
		return err
	}
	if _, err = schema.Tokens.One(ctx, d.Read, " WHERE name = $1", name); errors.Is(err, records.ErrNotFound) {
		err = fmt.Errorf("token %q: %w", name, err)
	}
	return err
}

func (d Tables) Claim(ctx context.Context, r records.Request) (*records.Request, error) {
	_, err := d.Write.ExecContext(ctx, schema.Requests.Insert(nil)+" ON CONFLICT (id) DO NOTHING",
		schema.Requests.Bind(&r)...)
	if err != nil {
		return nil, err
	}
	return schema.Requests.One(ctx, d.Read, " WHERE id = $1", r.ID[:])
}

func (d Tables) SetAnswer(ctx context.Context, id [32]byte, answer string) error {
	_, err := d.Write.ExecContext(ctx, "UPDATE request SET answer = $1 WHERE id = $2", answer, id[:])
	return err
}

func (d Tables) ForgetRequests(ctx context.Context, before time.Time) error {
	_, err := d.Write.ExecContext(ctx, "DELETE FROM request WHERE made < $1", schema.Micros(&before))
	return err
}
