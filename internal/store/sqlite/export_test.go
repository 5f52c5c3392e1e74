package sqlite

import "database/sql"

// ParseDSN is tested alone because it stands between users and the driver.
func ParseDSN(dsn string) (string, error) { return parseDSN(dsn) }

// Memory is what ParseDSN returns for a registry in memory.
const Memory = memory

// SetCommit replaces the end of every transaction.
func (d *DB) SetCommit(f func(*sql.Tx) error) { d.commit = f }

// Exec runs raw SQL behind the ledger's back.
func (d *DB) Exec(query string, args ...any) error {
	_, err := d.write.Exec(query, args...)
	return err
}

// Pragma returns a setting of the writing connection.
func (d *DB) Pragma(name string) (v string, err error) {
	err = d.write.QueryRow("PRAGMA " + name).Scan(&v)
	return v, err
}
