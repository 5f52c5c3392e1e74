package service_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/internal/hooks"
	"github.com/kycmark/kycmark/internal/service"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// A vendor is a capture vendor with an interface as its documentation states it. It has two pictures and a video of
// each session.
type vendor struct {
	name    string
	secret  []byte
	at      *httptest.Server
	mu      sync.Mutex
	down    bool   // answers 503
	nothing bool   // answers with a page
	lost    bool   // the first file
	says    string // in place of the third file
	asked   int
}

func newVendor(t *testing.T, name string, pictures ...[]byte) *vendor {
	v := &vendor{name: name, says: "\x00\x00\x00\x18ftypmp42", secret: []byte("of " + name)}
	v.at = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.asked++
		uri := r.URL.RequestURI()
		switch {
		case v.down:
			w.WriteHeader(http.StatusServiceUnavailable)
		case v.lost && strings.Contains(uri, "/f0"):
			w.WriteHeader(http.StatusNotFound)
		case v.nothing && strings.Contains(uri, "/f"):
			io.WriteString(w, "<html>sign in</html>")
		case strings.Contains(uri, "/metadata/resources"): // sumsub
			io.WriteString(w, `{"items":[{"id":"f0"},{"id":"f1"},{"id":"f2"}]}`)
		case strings.HasPrefix(uri, "/v3.6/documents?"): // onfido
			io.WriteString(w, `{"documents":[{"id":"f0"},{"id":"f1"}]}`)
		case strings.HasPrefix(uri, "/v3.6/live_photos?"):
			io.WriteString(w, `{"live_photos":[{"id":"f2"}]}`)
		case strings.HasSuffix(uri, "/media"): // veriff
			io.WriteString(w, `{"images":[{"id":"f0"},{"id":"f1"},{"id":"f2"}]}`)
		case strings.Contains(uri, "f2"):
			io.WriteString(w, v.says)
		default:
			var k int
			_, err := fmt.Sscanf(uri[strings.LastIndex(strings.TrimSuffix(uri, "/download"), "/"):], "/f%d", &k)
			assert.NoError(t, err, uri)
			w.Write(pictures[k])
		}
	}))
	t.Cleanup(v.at.Close)
	return v
}

// event makes a signed event of a session.
func (v *vendor) event(session, subject string, at time.Time) call {
	var body, header string
	switch v.name {
	case "sumsub":
		header = "X-Payload-Digest"
		body = fmt.Sprintf(`{"type":"applicantReviewed","applicantId":%q,"inspectionId":"i1","externalUserId":%q,"createdAtMs":%q}`, session, subject, at.UTC().Format("2006-01-02 15:04:05.000"))
	case "onfido":
		header = "X-SHA2-Signature"
		body = fmt.Sprintf(`{"payload":{"action":"workflow_run.completed","object":{"completed_at_iso8601":%q},"resource":{"applicant_id":%q,"customer_user_id":%q}}}`, at.Format(time.RFC3339), session, subject)
	case "veriff":
		header = "X-HMAC-SIGNATURE"
		body = fmt.Sprintf(`{"verification":{"id":%q,"status":"approved","vendorData":%q,"decisionTime":%q,"person":{"lastName":"Planted-Lastname"}}}`, session, subject, at.Format(time.RFC3339Nano))
	}
	mac := hmac.New(sha256.New, v.secret)
	io.WriteString(mac, body)
	return call{method: "POST", path: "/v1/hooks/" + v.name, as: "-", body: body,
		head: map[string]string{header: hex.EncodeToString(mac.Sum(nil)), "X-Payload-Digest-Alg": "HMAC_SHA256_HEX"}}
}

// hooked makes a world with three vendors.
func hooked(t *testing.T) (*world, map[string]*vendor) {
	t.Helper()
	vendors := make(map[string]*vendor)
	w := begin(t, func(cfg *service.Config) {
		cfg.Hooks = make(map[string]service.Hook)
		for i, name := range []string{"onfido", "sumsub", "veriff"} {
			v := newVendor(t, name, small(t, []string{"anna_passport", "anna_passport_again", "anna_selfie"}[i]), small(t, []string{"bruno_passport", "bruno_selfie", "chidi_idcard"}[i]))
			kind, err := hooks.Of(name)
			require.NoError(t, err)
			vendors[name] = v
			cfg.Hooks[name] = service.Hook{Vendor: kind, Recipient: name, Secret: v.secret, Account: hooks.Account{Base: v.at.URL, Token: "planted-token", Secret: []byte("planted-secret")}}
			require.NoError(t, cfg.Registry.AddRecipient(t.Context(), books.Recipient{Name: name, Kind: books.KindVendor}))
		}
	})
	return w, vendors
}

// Each picture of a genuine event is entered, and that the vendor held it, with the event as it was received. The
// same event again enters nothing.
func TestVendorEvents(t *testing.T) {
	w, vendors := hooked(t)
	for name, v := range vendors {
		at := time.Now().Add(-time.Minute).UTC().Truncate(time.Millisecond)
		event := v.event("s-1", "customer-"+name, at)
		var entered struct {
			Submissions []watermark.Submission
			Refused     int
		}
		for _, busy := range []string{"<html>Too many requests</html>", "", `{"error":"try again"}`} { // an answer 200 would lose that picture
			v.says = busy
			require.Equal(t, http.StatusServiceUnavailable, w.do(event).problem(t).Status, busy)
		}
		v.says = "\x00\x00\x00\x18ftypmp42"
		for range 3 {
			got := w.do(event)
			require.Equal(t, 200, got.status, string(got.body))
			require.NoError(t, json.Unmarshal(got.body, &entered))
			require.Len(t, entered.Submissions, 2, name)
			require.Equal(t, 1, entered.Refused, "the video")
		}
		for _, id := range entered.Submissions {
			row, err := w.reg.Submission(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, "customer-"+name, row.Subject)
			require.WithinDuration(t, at, row.Submitted, time.Second)
			facts, err := w.reg.Custody(t.Context(), registry.CustodyFilter{Submission: id})
			require.NoError(t, err)
			require.Len(t, facts, 1, "once")
			require.Equal(t, name, facts[0].Recipient)
			require.Equal(t, "hook "+name, facts[0].Actor)
			require.Equal(t, books.Digest(sha256.Sum256([]byte(event.body.(string)))), facts[0].Event)
			path := fmt.Sprintf("/v1/submissions/%s/custody-event?entry=", id)
			kept := w.must(call{method: "GET", path: path + strconv.FormatInt(facts[0].Seq, 10), as: "investigate"})
			require.Equal(t, event.body, string(kept.body), "as it was received")
			kept = w.must(call{method: "GET", path: strings.TrimSuffix(path, "?entry="), as: "investigate"})
			require.Equal(t, event.body, string(kept.body), "the only one")
			require.Equal(t, 404, w.do(call{method: "GET", path: path + "1"}).problem(t).Status)
		}
	}
	for _, planted := range []string{"customer-", "Planted-Lastname", "planted-", "s-1", "of sumsub"} {
		assert.NotContains(t, w.logs.String(), planted)
	}
}

// What is not a vendor's event enters nothing, and the vendor is not asked.
func TestForgedVendorEvents(t *testing.T) {
	w, vendors := hooked(t)
	size := w.size()
	for name, v := range vendors {
		good := v.event("s-1", "customer-1", time.Now())
		altered := good
		altered.body = strings.Replace(good.body.(string), "customer-1", "customer-2", 1)
		unsigned := good
		unsigned.head = nil
		other := good
		other.path = "/v1/hooks/" + map[string]string{"onfido": "veriff", "sumsub": "onfido", "veriff": "sumsub"}[name]
		nowhere := good
		nowhere.path = "/v1/hooks/nobody"
		for what, x := range map[string]struct {
			call   call
			status int
		}{
			"altered": {altered, 401}, "unsigned": {unsigned, 401}, "to another hook": {other, 401}, "to no hook": {nowhere, 404},
			"late": {v.event("s-1", "customer-1", time.Now().Add(-26*time.Hour)), 422}, "of the future": {v.event("s-1", "customer-1", time.Now().Add(time.Hour)), 422},
			"no session": {v.event("", "customer-1", time.Now()), 422}, "a path": {v.event("../x", "customer-1", time.Now()), 422},
		} {
			got := w.do(x.call)
			assert.Equal(t, x.status, got.status, "%s, %s: %s", name, what, got.body)
			got.problem(t)
		}
		assert.Zero(t, v.asked, name)
	}
	assert.Equal(t, size, w.size(), "nothing is entered")
}

// Opponent's story: the vendor has lost one of a customer's pictures. The others were not fetched, however often the event came,
// and their custody was not entered.
func TestVendorThatLostAPicture(t *testing.T) {
	w, vendors := hooked(t)
	for name, v := range vendors {
		v.lost = true
		require.Equal(t, http.StatusServiceUnavailable, w.do(v.event("s-1", "customer-"+name, time.Now())).problem(t).Status)
		rows, err := w.reg.SubmissionsOf(t.Context(), "customer-"+name)
		require.NoError(t, err)
		require.Len(t, rows, 1, name)
		facts, err := w.reg.Custody(t.Context(), registry.CustodyFilter{Submission: rows[0].ID})
		require.NoError(t, err)
		require.Len(t, facts, 1, name)
	}
}

// Opponent's story: one picture of an event is known by its hash alone, so that no signed event can be kept with it. That the vendor
// had it was lost: the event was refused, however often it came. The fact is entered without the event.
func TestVendorWithAHashOnlyDuplicate(t *testing.T) {
	w, vendors := hooked(t)
	_, _, err := w.srv.Issuer.Submit(t.Context(), bytes.NewReader(small(t, "anna_passport_again")), "customer-1", time.Time{}, &registry.SubmitOptions{HashOnly: true})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, w.do(vendors["sumsub"].event("s-1", "customer-1", time.Now())).status)
	rows, err := w.reg.SubmissionsOf(t.Context(), "customer-1")
	require.NoError(t, err)
	require.Len(t, rows, 2)
	for _, row := range rows {
		facts, err := w.reg.Custody(t.Context(), registry.CustodyFilter{Submission: row.ID})
		require.NoError(t, err)
		require.Len(t, facts, 1)
		require.Equal(t, row.Kept, facts[0].Scheme != "")
	}
}

// Opponent's story: a picture takes more memory than this process may take. The event was answered 200, so that the vendor did not send it again.
func TestVendorWithALargePicture(t *testing.T) {
	v, w := newVendor(t, "sumsub", small(t, "anna_passport"), small(t, "bruno_passport")), begin(t)
	h, err := home.Open(w.dir)
	require.NoError(t, err)
	cfg := w.config(h, service.Roles()...)
	keys, err := service.KeysOf(h, service.Roles())
	require.NoError(t, err)
	cfg.Issuer, err = registry.NewIssuer(registry.Config{Registry: w.reg, SealKey: keys.Seal, MaxMemory: 1})
	require.NoError(t, err)
	kind, err := hooks.Of(v.name)
	require.NoError(t, err)
	require.NoError(t, w.reg.AddRecipient(t.Context(), books.Recipient{Name: v.name, Kind: books.KindVendor}))
	cfg.Hooks = map[string]service.Hook{v.name: {Vendor: kind, Recipient: v.name, Secret: v.secret, Account: hooks.Account{Base: v.at.URL, Token: "t", Secret: []byte("s")}}}
	s, err := service.New(cfg)
	require.NoError(t, err)
	w.at = httptest.NewServer(s)
	t.Cleanup(w.at.Close)
	p := w.do(v.event("s-1", "customer-1", time.Now())).problem(t)
	assert.Equal(t, http.StatusServiceUnavailable, p.Status)
	assert.Contains(t, p.Got, "memory")
}

// Opponent's story: customers have references of another form than ours, such as Auth0's. Each event was refused, and all custody lost.
func TestVendorWithOtherReferences(t *testing.T) {
	w, vendors := hooked(t)
	var entered struct{ Submissions []watermark.Submission }
	got := w.must(vendors["sumsub"].event("s-1", "planted|5f7c8ec7", time.Now()))
	require.NoError(t, json.Unmarshal(got.body, &entered))
	require.Len(t, entered.Submissions, 2)
	for _, id := range entered.Submissions {
		row, err := w.reg.Submission(t.Context(), id)
		require.NoError(t, err)
		assert.Empty(t, row.Subject)
		facts, err := w.reg.Custody(t.Context(), registry.CustodyFilter{Submission: id})
		require.NoError(t, err)
		assert.Len(t, facts, 1)
	}
	assert.Contains(t, w.logs.String(), "its uploads have none")
	assert.NotContains(t, w.logs.String(), "planted")
}

// A vendor that does not answer is asked again with the next delivery of its event, and nothing is lost or doubled. Nor
// is anything if the sender goes before the answer.
func TestVendorThatIsAway(t *testing.T) {
	w, vendors := hooked(t)
	v := vendors["sumsub"]
	event := v.event("s-1", "customer-1", time.Now())
	v.down = true
	got := w.do(event)
	require.Equal(t, 503, got.status)
	require.NotEmpty(t, got.head.Get("Retry-After"))
	v.down = false
	give, ok := w.srv.BodyMemory(1 << 40)
	require.True(t, ok)
	got = w.do(event)
	require.Equal(t, 503, got.status, "pictures are read when there is memory for them")
	require.Contains(t, got.problem(t).Got, "memory")
	give()
	var wg sync.WaitGroup
	for range 4 { // deliveries at once
		wg.Go(func() {
			client := &http.Client{Timeout: 20 * time.Millisecond}
			if answer, err := client.Do(w.request(w.at.URL, event)); err == nil {
				answer.Body.Close()
			}
		})
	}
	wg.Wait()
	require.Eventually(t, func() bool { return w.do(event).status == 200 }, 30*time.Second, 50*time.Millisecond)
	rows, err := w.reg.SubmissionsOf(t.Context(), "customer-1")
	require.NoError(t, err)
	require.Len(t, rows, 2)
	for _, row := range rows {
		facts, err := w.reg.Custody(t.Context(), registry.CustodyFilter{Submission: row.ID})
		require.NoError(t, err)
		assert.Len(t, facts, 1)
	}
}
