package unpack_test

import (
	"bytes"
	"database/sql"
	"encoding/base64"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/kycmark/kycmark/internal/dump"
	"github.com/kycmark/kycmark/internal/unpack"
)

// Opponent's story: the stolen database is a file of SQLite. Its pages cut each picture into pieces, and no picture is found.
func TestSQLite(t *testing.T) {
	picture := func(n uint64) []byte {
		rng := rand.New(rand.NewPCG(n, 1))
		p := image.NewGray(image.Rect(0, 0, 200, 200))
		for i := range p.Pix {
			p.Pix[i] = uint8(rng.Uint32())
		}
		var out bytes.Buffer
		require.NoError(t, jpeg.Encode(&out, p, nil))
		return out.Bytes()
	}
	path := filepath.Join(t.TempDir(), "kyc.db")
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = db.Exec(`CREATE TABLE "a ""quoted"" name" (id INTEGER, photo BLOB, note TEXT); CREATE TABLE t2 (k TEXT PRIMARY KEY, selfie TEXT) WITHOUT ROWID; CREATE VIEW v AS SELECT 1`)
	require.NoError(t, err)
	_, err = db.Exec(`INSERT INTO "a ""quoted"" name" VALUES (1, ?, 'x'), (2, NULL, 'y'), (3, ?, 'z')`, picture(1), picture(2))
	require.NoError(t, err)
	_, err = db.Exec(`INSERT INTO t2 VALUES ('k', ?)`, base64.StdEncoding.EncodeToString(picture(3)))
	require.NoError(t, err)
	require.NoError(t, db.Close())

	found := func(name string, data []byte) (out []string, errs []string) {
		at := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(at, data, 0o600))
		d := dump.New(dump.Options{MaxFiles: 100, MaxPDF: 1000, Unpack: unpack.Files})
		defer d.Close()
		require.NoError(t, d.Add(t.Context(), at))
		for _, f := range d.Files {
			if f.Err != nil {
				errs = append(errs, f.Err.Error())
				continue
			}
			r, err := f.Open(t.Context())
			require.NoError(t, err)
			data, err := io.ReadAll(r)
			require.NoError(t, err)
			require.NoError(t, r.Close())
			for n := uint64(1); n <= 3; n++ {
				if bytes.Equal(data, picture(n)) {
					out = append(out, fmt.Sprint(n))
				}
			}
		}
		return out, errs
	}
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, name := range []string{"kyc.db", "3f2a", "kyc.jpg"} {
		got, errs := found(name, whole)
		assert.Equal(t, []string{"1", "2", "3"}, got, name)
		assert.Empty(t, errs)
	}
	// A table of a module that this program lacks has no pictures of its own, and costs no other table.
	db, err = sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = db.Exec(`PRAGMA writable_schema = 1; INSERT INTO sqlite_master VALUES ('table', 'words', 'words', 0, 'CREATE VIRTUAL TABLE words USING fts4(body)')`)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	indexed, err := os.ReadFile(path)
	require.NoError(t, err)
	got, errs := found("kyc.db", indexed)
	assert.Equal(t, []string{"1", "2", "3"}, got)
	assert.Empty(t, errs)
	// A damaged database gives what can be read, and says that it is damaged.
	cut := bytes.Clone(whole[:len(whole)/2/4096*4096])
	_, errs = found("cut.db", cut)
	assert.NotEmpty(t, errs)
	for range 20 { // no crash of this process
		bad := bytes.Clone(whole)
		for range 20 {
			bad[rand.IntN(len(bad)-100)+100] = byte(rand.Uint32())
		}
		found("bad.db", bad)
	}
}
