// Package access keeps in a SQL database who may call a service over the registry. It also keeps which requests were
// made, and which notices are not delivered.
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

// Tables has the tables token, request and notice. Interface [records.Access] says what its methods do. Each writes one
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
	_, err := d.Write.ExecContext(ctx, schema.Requests.Insert(nil)+" ON CONFLICT (id) DO NOTHING", schema.Requests.Bind(&r)...)
	if err != nil {
		return nil, err
	}
	return schema.Requests.One(ctx, d.Read, " WHERE id = $1", r.ID[:])
}

func (d Tables) SetAnswer(ctx context.Context, id [32]byte, before, answer string) error {
	n, err := schema.Changed(d.Write.ExecContext(ctx, "UPDATE request SET answer = $1 WHERE id = $2 AND answer = $3",
		answer, id[:], before))
	if err == nil && n == 0 {
		err = records.ErrConflict
	}
	return err
}

func (d Tables) ForgetRequests(ctx context.Context, before time.Time) error {
	_, err := d.Write.ExecContext(ctx, "DELETE FROM request WHERE made < $1", schema.Micros(&before))
	return err
}

func (d Tables) AddNotice(ctx context.Context, n records.Notice) error {
	_, err := d.Write.ExecContext(ctx, schema.Notices.Insert(nil)+" ON CONFLICT (id, hook) DO NOTHING", schema.Notices.Bind(&n)...)
	return err
}

func (d Tables) DueNotices(ctx context.Context, hook string, at time.Time, limit int) ([]records.Notice, error) {
	return schema.Notices.Rows(ctx, d.Read, " WHERE hook = $1 AND due <= $2 ORDER BY made, id LIMIT $3", hook, schema.Micros(&at), limit)
}

func (d Tables) TryNotice(ctx context.Context, n *records.Notice, again time.Time) (bool, error) {
	const query = "UPDATE notice SET due = $1, tries = tries + 1 WHERE id = $2 AND hook = $3 AND due = $4"
	due := schema.Micros(&n.Due)
	rows, err := schema.Changed(d.Write.ExecContext(ctx, query, schema.Micros(&again), n.ID[:], n.Hook, due))
	return rows == 1, err
}

func (d Tables) RemoveNotice(ctx context.Context, n *records.Notice) error {
	_, err := d.Write.ExecContext(ctx, "DELETE FROM notice WHERE id = $1 AND hook = $2", n.ID[:], n.Hook)
	return err
}
