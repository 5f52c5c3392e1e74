package postgres

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kycmark/kycmark/internal/records"
)

// IsDSN reports whether the address is one of a PostgreSQL server.
func IsDSN(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres:") || strings.HasPrefix(dsn, "postgresql:")
}

// plainName is a name of a schema that needs no quotes.
var plainName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

// maxReaders bounds the connections that read at a time. One more writes, since writers take turns anyway.
const maxReaders = 8

// parseDSN reads "postgres://USER@HOST:PORT/DATABASE?PARAMETER=VALUE&…" with the parameters of libpq. schema is that of
// the parameter search_path, or "" for the server's choice. cfg has maxReaders+1 connections unless pool_max_conns says
// otherwise. parseDSN connects to nothing. The error wraps [records.ErrSchema] and repeats no password.
func parseDSN(dsn string) (cfg *pgxpool.Config, schema string, err error) {
	u, err := url.Parse(dsn)
	if err != nil || !IsDSN(dsn) || u.Opaque != "" {
		return nil, "", fmt.Errorf("%w: the address must be postgres://USER@HOST/DATABASE", records.ErrSchema)
	}
	cfg, err = pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, "", fmt.Errorf("%w: the address of the PostgreSQL server: %s", records.ErrSchema, cause(err, u))
	}
	params := cfg.ConnConfig.RuntimeParams
	if schema = params["search_path"]; schema != "" && !plainName.MatchString(schema) {
		return nil, "", fmt.Errorf("%w: search_path must name one schema in small letters, digits and _", records.ErrSchema)
	}
	params["application_name"] = cmp.Or(params["application_name"], "kycmark")
	if !u.Query().Has("pool_max_conns") {
		cfg.MaxConns = maxReaders + 1
	}
	if cfg.MaxConns < 2 {
		return nil, "", fmt.Errorf("%w: pool_max_conns is %d: at least 2 are needed, to read while writing", records.ErrSchema, cfg.MaxConns)
	}
	return cfg, schema, nil
}

// cause returns why pgx refuses the address u, without the address, which holds a password. If
// the reason repeats a password, cause returns "it is malformed" instead.
func cause(err error, u *url.URL) string {
	text := err.Error()
	if _, after, ok := strings.Cut(text, "`: "); ok {
		text = after
	}
	secret, _ := u.User.Password()
	for _, s := range append(u.Query()["password"], secret, u.Query().Get("sslpassword")) {
		if s != "" && (strings.Contains(text, s) || strings.Contains(text, strconv.Quote(s))) {
			return "it is malformed"
		}
	}
	return text
}
