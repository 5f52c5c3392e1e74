package service_test

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

// changing lists a call of each operation that changes something. Each makes new entries if it is made once.
func (w *world) changing() (list []call) {
	submission, copyID := w.stocked()
	second := w.must(call{method: "POST", path: "/v1/submissions/" + submission + "/copies",
		body: map[string]string{"recipient": "vendor-a", "request": "2"}}).head.Get("Kycmark-Copy")
	third := w.reserved(copyID)
	post := func(path string, body any) { list = append(list, call{method: "POST", path: path, body: body}) }
	post("/v1/recipients", map[string]string{"name": "vendor-b", "kind": "vendor"})
	post("/v1/submissions", small(w.t, "bruno_passport"))
	list[1].head = map[string]string{"Kycmark-Subject": "subject-2", "Kycmark-Held-By": "vendor-a"}
	post("/v1/submissions/"+submission+"/copies", map[string]string{"recipient": "vendor-a", "purpose": "once more"})
	post("/v1/copies/"+third+"/void", map[string]string{"note": "the client said so"})
	post("/v1/copies/"+second+"/receipts", w.receipt(second))
	post("/v1/custody", map[string]any{"facts": []any{map[string]any{"recipient": "vendor-a", "note": "contract",
		"submissions": []string{submission}}}})
	post("/v1/ledger/checkpoints", nil)
	post("/v1/erasures", map[string]any{"subject": "subject-1", "note": "asked for"})
	return list
}

// receipt returns the signature of a new key for a copy.
func (w *world) receipt(copyID string) map[string]string {
	w.t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(w.t, err)
	id, err := watermark.ParseCopyID(copyID)
	require.NoError(w.t, err)
	c, err := w.reg.Copy(w.t.Context(), id)
	require.NoError(w.t, err)
	return map[string]string{"public_key": hex.EncodeToString(public),
		"signature": hex.EncodeToString(ed25519.Sign(private, c.ReceiptMessage()))}
}

// reserved enters a copy as a process that was killed leaves it, and returns its ID.
func (w *world) reserved(like string) string {
	w.t.Helper()
	id, err := watermark.ParseCopyID(like)
	require.NoError(w.t, err)
	store := storeOf(w.reg)
	c, err := store.Copy(w.t.Context(), id)
	require.NoError(w.t, err)
	c.ID, c.State, c.Salt = 0x1234, books.CopyReserved, records.NewSalt()
	keys, err := store.MarkKeys(w.t.Context())
	require.NoError(w.t, err)
	require.NoError(w.t, store.AddCopy(w.t.Context(), c, keys[0]))
	return c.ID.String()
}

// The same request under the same key has the same answer and enters nothing more; another request under the key is
// refused and enters nothing.
func TestIdempotencyKey(t *testing.T) {
	w := begin(t)
	for i, c := range w.changing() {
		key := fmt.Sprintf("key-of-request-%04d", i)
		c.head = with(c.head, "Idempotency-Key", key)
		what := c.path
		before := w.size()
		first := w.must(c)
		if !strings.HasSuffix(c.path, "checkpoints") { // which is no entry
			require.Greater(t, w.size(), before, what)
		}
		w.settle()
		after := w.size()
		for range 2 {
			again := w.must(c)
			assert.Equal(t, string(first.body), string(again.body), what)
			assert.Equal(t, first.head.Get("Kycmark-Copy"), again.head.Get("Kycmark-Copy"), what)
		}
		assert.Equal(t, after, w.size(), "%s: nothing more was entered", what)
		other := c
		switch x := c.body.(type) {
		case []byte:
			other.body = small(t, "chidi_idcard")
		case nil:
			other.path, other.body = "/v1/recipients", map[string]string{"name": "vendor-c", "kind": "vendor"}
		default:
			other.body = map[string]any{"note": "another", "name": "vendor-c", "kind": "vendor",
				"recipient": "vendor-c", "was": x}
		}
		got := w.do(other)
		assert.Equal(t, 422, got.status, what)
		assert.Equal(t, "Idempotency-Key", got.problem(t).Object, what)
		assert.Equal(t, after, w.size(), "%s: another request entered nothing", what)
		stranger := w.token(fmt.Sprintf("stranger %d", i), "intake", "issue", "audit", "admin")
		w.tokens["stranger"], other.as = stranger, "stranger"
		assert.NotEqual(t, "Idempotency-Key", objectOf(w.do(other)), "%s: the key of one caller is no other's", what)
	}
	for _, key := range []string{"short", strings.Repeat("x", 201)} {
		got := w.do(call{method: "POST", path: "/v1/recipients", head: map[string]string{"Idempotency-Key": key},
			body: map[string]string{"name": "vendor-d", "kind": "vendor"}})
		assert.Equal(t, 422, got.status)
	}
	_, _, err := w.reg.Ledger().Check(t.Context())
	require.NoError(t, err)
}

// A copy that is asked for several times at once, under one key, is one copy, and nothing fails.
func TestOneKeyAtOnce(t *testing.T) {
	w := begin(t)
	submission, _ := w.stocked()
	c := call{method: "POST", path: "/v1/submissions/" + submission + "/copies", head: map[string]string{"Idempotency-Key": "key-of-four-requests"},
		body: map[string]string{"recipient": "vendor-a", "purpose": "at once"}}
	var all [4]answered
	var asking sync.WaitGroup
	for i := range all {
		asking.Go(func() { all[i] = w.do(c) })
	}
	asking.Wait()
	again := w.must(c)
	for _, x := range all {
		assert.Equal(t, 200, x.status)
		assert.Equal(t, again.body, x.body)
	}
	assert.NotContains(t, w.logs.String(), `"ERROR"`)
	assert.Equal(t, []string{"1"}, w.query("SELECT count(*) FROM copy WHERE purpose = 'at once'"))
}

// A killing is the registry's store at which a request ends, without any clean-up, when its answer is to be kept.
type killing struct{ records.Access }

func (killing) SetAnswer(context.Context, [32]byte, string, string) error { panic("killed") }

// An investigation that is asked for under one key is one, however often and at once, also after a kill before its answer was
// kept. It is not made again after it was removed.
func TestOneInvestigation(t *testing.T) {
	w := begin(t)
	c := call{method: "POST", path: "/v1/investigations", body: map[string]string{"case": "1"}, head: map[string]string{"Idempotency-Key": "key-of-investigation-1"}}
	w.srv.SetStore(killing{w.srv.Store()})
	require.Equal(t, 500, w.do(c).status)
	w.srv.SetStore(storeOf(w.reg))
	var asking sync.WaitGroup
	for range 4 {
		asking.Go(func() { assert.Contains(t, []int{200, 409}, w.do(c).status) })
	}
	asking.Wait()
	id := w.must(c).field(t, "investigation")
	var all []struct{ Investigation string }
	require.NoError(t, json.Unmarshal(w.must(call{method: "GET", path: "/v1/investigations"}).body, &all))
	require.Len(t, all, 1)
	require.Equal(t, id, all[0].Investigation)
	w.must(call{method: "POST", path: "/v1/investigations/" + id + "/removal"})
	require.Equal(t, 404, w.do(c).status)
	c.head = map[string]string{"Idempotency-Key": "key-of-investigation-2"}
	require.NotEqual(t, id, w.must(c).field(t, "investigation"))
}

// A killedLater is the registry's store at which a request ends after its answer was kept.
type killedLater struct{ records.Access }

func (k killedLater) SetAnswer(ctx context.Context, id [32]byte, before, answer string) error {
	panic(errors.Join(k.Access.SetAnswer(ctx, id, before, answer), errors.New("killed")))
}

// An erasure of a subject that was killed, and is sent again, spares an upload that turned out to be another subject's meanwhile.
func TestErasureOfCorrectedSubject(t *testing.T) {
	w := begin(t)
	enter := func(name string) string {
		return w.must(call{method: "POST", path: "/v1/submissions", body: small(t, name), head: map[string]string{"Kycmark-Subject": "subject-1"}}).field(t, "submission")
	}
	for _, names := range [][]string{{"anna_passport"}, {"daria_idcard", "bruno_passport"}} {
		id, err := parseSubmission(enter(names[0]))
		require.NoError(t, err)
		want := "[]"
		if len(names) > 1 {
			want = `["` + enter(names[1]) + `"]`
		}
		erase := keyed("/v1/erasures", map[string]string{"subject": "subject-1", "note": "asked for"}, names[0])
		w.srv.SetStore(killedLater{w.srv.Store()})
		require.Equal(t, 500, w.do(erase).status)
		w.srv.SetStore(storeOf(w.reg))
		_, err = w.reg.SetSubjects(t.Context(), map[watermark.Submission]string{id: "subject-2"}, "")
		require.NoError(t, err)
		for range 2 {
			require.JSONEq(t, `{"erased":`+want+`,"investigations":[]}`, string(w.must(erase).body))
		}
		w.must(call{method: "GET", path: "/v1/submissions/" + id.String()})
	}
}

func objectOf(a answered) string {
	_, rest, _ := strings.Cut(string(a.body), `"object":"`)
	object, _, _ := strings.Cut(rest, `"`)
	return object
}

func with(head map[string]string, name, value string) map[string]string {
	out := map[string]string{name: value}
	for k, v := range head {
		out[k] = v
	}
	return out
}

// What a row of a request keeps tells nobody who was sent or erased: neither the key nor digests of the request are
// in it.
func TestRequestRowsTellNothing(t *testing.T) {
	w := begin(t)
	const key = "6b1f2c9e-secret-key-of-a-client"
	w.must(call{method: "POST", path: "/v1/submissions", body: small(t, "anna_passport"),
		head: map[string]string{"Kycmark-Subject": "subject-1", "Idempotency-Key": key}})
	w.must(call{method: "POST", path: "/v1/erasures", body: map[string]any{"subject": "subject-1",
		"note": "asked for"}, head: map[string]string{"Idempotency-Key": key + "2"}})
	rows := w.query("SELECT hex(id) || ' ' || hex(digest) || ' ' || answer FROM request")
	require.Len(t, rows, 2)
	digest := fmt.Sprintf("%X", sha(small(t, "anna_passport")))
	for _, row := range rows {
		assert.NotContains(t, row, "subject-1")
		assert.NotContains(t, row, key)
		assert.NotContains(t, strings.ToUpper(row), digest)
	}
}

// A failing is the registry's store whose n-th answer is not kept: the process is killed there.
type failing struct {
	records.Access
	left int
}

func (f *failing) SetAnswer(ctx context.Context, id [32]byte, before, answer string) error {
	if f.left--; f.left == 0 {
		return errors.New("killed")
	}
	return f.Access.SetAnswer(ctx, id, before, answer)
}

// Wherever a request is cut off between its parts, the same request again completes it, and its answer is that of a
// request that was never cut off.
func TestRequestsThatAreCutOff(t *testing.T) {
	for cut := 1; cut <= 2; cut++ {
		w := begin(t)
		for i, c := range w.changing() {
			c.head = with(c.head, "Idempotency-Key", fmt.Sprintf("key-of-request-%04d", i))
			w.srv.SetStore(&failing{Access: w.srv.Store(), left: cut})
			first := w.do(c)
			w.srv.SetStore(storeOf(w.reg))
			again := w.must(c)
			w.settle()
			size := w.size()
			third := w.must(c)
			assert.Equal(t, string(again.body), string(third.body), c.path)
			assert.Equal(t, size, w.size(), "%s: nothing is doubled", c.path)
			if first.status == 200 {
				assert.Equal(t, string(first.body), string(again.body), c.path)
			} else {
				assert.Contains(t, []int{500, 503, 409}, first.status, c.path)
			}
			if strings.HasSuffix(c.path, "erasures") {
				assert.Contains(t, string(again.body), `"erased":["`, "it says what was erased")
			}
		}
		for of, n := range map[string]string{"recipient": "2", "submission": "2", "erasure": "1", "custody": "2",
			"receipt": "1"} {
			assert.Equal(t, []string{n}, w.query("SELECT count(*) FROM "+of), of)
		}
		_, _, err := w.reg.Ledger().Check(t.Context())
		require.NoError(t, err)
	}
}

// Each row that a request enters has the name of its token.
func TestActorsAreInTheLedger(t *testing.T) {
	w := begin(t)
	list := w.changing()
	for i, c := range list {
		name := fmt.Sprintf("client %d", i)
		w.tokens[name] = w.token(name, "intake", "issue", "investigate", "audit", "admin")
		c.as = name
		w.must(c)
	}
	for at, want := range map[int]string{
		0: "SELECT actor FROM recipient WHERE name = 'vendor-b'",
		1: "SELECT actor FROM submission WHERE subject = 'subject-2' UNION ALL SELECT actor FROM custody WHERE note = 'the sender of the upload said so'",
		2: "SELECT actor FROM copy WHERE purpose = 'once more' UNION ALL SELECT r.actor FROM release r JOIN copy c ON c.id = r.copy WHERE purpose = 'once more'",
		3: "SELECT actor FROM release WHERE state = 'void'",
		4: "SELECT actor FROM receipt",
		5: "SELECT actor FROM custody WHERE note = 'contract'",
		7: "SELECT actor FROM erasure",
	} {
		got := w.query(want)
		require.NotEmpty(t, got, want)
		for _, actor := range got {
			assert.Equal(t, fmt.Sprintf("client %d", at), actor, want)
		}
	}
	_, _, err := w.reg.Ledger().Check(t.Context())
	require.NoError(t, err, "the actors are what the ledger commits to")
}
