package hooks

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	secret = []byte("a secret of ours and theirs")
	now    = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
)

// sum is written apart from the code under test.
func sum(algorithm func() hash.Hash, secret []byte, text string) string {
	m := hmac.New(algorithm, secret)
	m.Write([]byte(text))
	return hex.EncodeToString(m.Sum(nil))
}

// events have the shape that the vendors' documentation shows, with values of ours.
var events = map[string]struct {
	body   string
	header func(secret []byte, body string) http.Header
	want   Event
}{
	"sumsub": {
		`{"applicantId":"5cb56e8e0a975a35f333cb83","inspectionId":"5cb56e8e0a975a35f333cb84","correlationId":"req-a260b669","levelName":"basic-kyc-level",` +
			`"externalUserId":"customer-17","type":"applicantPending","sandboxMode":false,"reviewStatus":"pending","createdAtMs":"2026-11-27 11:59:30.250","clientId":"exchange"}`,
		func(secret []byte, body string) http.Header {
			return http.Header{"X-Payload-Digest-Alg": {"HMAC_SHA256_HEX"}, "X-Payload-Digest": {sum(sha256.New, secret, body)}}
		},
		Event{Kind: "applicantPending", Subject: "customer-17", Session: "5cb56e8e0a975a35f333cb83/5cb56e8e0a975a35f333cb84", At: time.Date(2026, 11, 27, 11, 59, 30, 250e6, time.UTC)},
	},
	"onfido": {
		`{"payload":{"resource_type":"workflow_run","action":"workflow_run.completed","object":{"id":"1b0b6fbb","status":"approved","completed_at_iso8601":"2026-11-27T11:58:00Z",` +
			`"href":"https://api.eu.onfido.com/v3.6/workflow_runs/1b0b6fbb"},"resource":{"id":"1b0b6fbb","applicant_id":"a9f2c0de-0001","customer_user_id":"customer-17","updated_at":"2026-11-27T11:57:00Z"}}}`,
		func(secret []byte, body string) http.Header {
			return http.Header{"X-Sha2-Signature": {sum(sha256.New, secret, body)}}
		},
		Event{Kind: "workflow_run.completed", Subject: "customer-17", Session: "a9f2c0de-0001", At: time.Date(2026, 11, 27, 11, 58, 0, 0, time.UTC)},
	},
	"veriff": {
		`{"status":"success","verification":{"id":"12df6045-3846","attemptId":"00bca969","code":9001,"status":"approved","vendorData":"customer-17",` +
			`"submissionTime":"2026-11-27T11:40:00.000Z","decisionTime":"2026-11-27T11:50:00.123Z","document":{"type":"PASSPORT"}},"technicalData":{"ip":"192.0.2.1"}}`,
		func(secret []byte, body string) http.Header {
			return http.Header{"X-Hmac-Signature": {sum(sha256.New, secret, body)}, "X-Auth-Client": {"token"}}
		},
		Event{Kind: "decision approved", Subject: "customer-17", Session: "12df6045-3846", At: time.Date(2026, 11, 27, 11, 50, 0, 123e6, time.UTC)},
	},
}

func TestEvents(t *testing.T) {
	require.Len(t, vendors, len(events))
	for name, x := range events {
		v, err := Of(name)
		require.NoError(t, err)
		got, err := v.Read(x.header(secret, x.body), []byte(x.body), secret, now)
		require.NoError(t, err, name)
		x.want.SHA256, x.want.Pictures = sha256.Sum256([]byte(x.body)), true
		assert.Equal(t, x.want, got, name)
	}
	sumsub, body := vendors[1], events["sumsub"].body
	_, err := sumsub.Read(http.Header{"X-Payload-Digest-Alg": {"HMAC_SHA512_HEX"}, "X-Payload-Digest": {sum(sha512.New, secret, body)}}, []byte(body), secret, now)
	assert.NoError(t, err)
	_, err = Of("jumio")
	assert.ErrorContains(t, err, `"jumio" is not known, want onfido, sumsub, veriff`)
}

// Nobody without the secret makes an event, and nobody with one changes what it says or when it came.
func TestForgedEvents(t *testing.T) {
	replace := func(old, new string) func(string) string {
		return func(body string) string { return strings.ReplaceAll(body, old, new) }
	}
	for name, x := range events {
		v, err := Of(name)
		require.NoError(t, err)
		read := func(h http.Header, body string, key []byte, at time.Time) error {
			_, err := v.Read(h, []byte(body), key, at)
			return err
		}
		genuine := x.header(secret, x.body)
		for what, altered := range map[string]string{
			"another customer":   strings.Replace(x.body, "customer-17", "customer-18", 1),
			"one byte":           strings.Replace(x.body, "2026", "2025", 1),
			"a space at the end": x.body + " ",
			"cut":                x.body[:len(x.body)-1],
			"empty":              "",
		} {
			assert.ErrorIs(t, read(genuine, altered, secret, now), ErrSignature, "%s, %s", name, what)
		}
		assert.ErrorIs(t, read(x.header([]byte("guessed"), x.body), x.body, secret, now), ErrSignature, "%s, another secret", name)
		assert.ErrorIs(t, read(x.header(nil, x.body), x.body, nil, now), ErrSignature, "%s, no secret on either side", name)
		assert.ErrorIs(t, read(http.Header{}, x.body, secret, now), ErrSignature, "%s, no signature", name)
		for header, values := range genuine {
			if len(values[0]) != 64 {
				continue
			}
			for what, value := range map[string]string{
				"half": values[0][:32], "nothing": "", "no hex": strings.Repeat("z", 64), "doubled": values[0] + values[0],
				"of SHA-1": sum(sha1.New, secret, x.body), "of no secret": hex.EncodeToString(x.want.SHA256[:]),
			} {
				h := genuine.Clone()
				h.Set(header, value)
				assert.ErrorIs(t, read(h, x.body, secret, now), ErrSignature, "%s, signature %s", name, what)
			}
		}
		for other, y := range events { // the vendors share a secret by mistake: an event of one is none of another
			if other != name {
				assert.Error(t, read(y.header(secret, y.body), y.body, secret, now), "%s as %s", other, name)
			}
		}
		// Signed with the secret, as a vendor's mistake or by a person who has the secret.
		for what, change := range map[string]func(string) string{
			"two objects":         func(body string) string { return body + body },
			"a name twice":        func(body string) string { return `{"status":"x","status":"y",` + body[1:] },
			"a name in two cases": func(body string) string { return `{"Type":"x","type":"y",` + body[1:] },
			"an array":            func(body string) string { return "[" + body + "]" },
			"no time":             replace("2026-11-27", ""),
			"a path as reference": func(body string) string {
				return strings.NewReplacer("5cb56e8e0a975a35f333cb83", "../../admin", "a9f2c0de-0001", "a?b=c", "12df6045-3846", "..%2f").Replace(body)
			},
			"deep": func(body string) string {
				return `{"x":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + "," + body[1:]
			},
		} {
			body := change(x.body)
			require.NotEqual(t, x.body, body)
			assert.ErrorIs(t, read(x.header(secret, body), body, secret, now), ErrEvent, "%s, %s", name, what)
		}
		assert.ErrorIs(t, read(genuine, x.body, secret, x.want.At.Add(maxAge+time.Second)), ErrTime, "%s, late", name)
		assert.ErrorIs(t, read(genuine, x.body, secret, x.want.At.Add(-maxAhead-time.Second)), ErrTime, "%s, of the future", name)
		assert.NoError(t, read(genuine, x.body, secret, x.want.At.Add(maxAge)), name)
	}
}

// Events without pictures are genuine and ask for nothing.
func TestEventsWithoutPictures(t *testing.T) {
	for name, body := range map[string]string{
		"sumsub": `{"type":"applicantCreated","applicantId":"x"}`,
		"onfido": `{"payload":{"resource_type":"check","action":"check.started"}}`,
		"veriff": `{"id":"12df6045","feature":"selfid","code":7001,"action":"started"}`,
	} {
		v, err := Of(name)
		require.NoError(t, err)
		e, err := v.Read(events[name].header(secret, body), []byte(body), secret, now)
		assert.NoError(t, err, name)
		assert.False(t, e.Pictures, name)
		assert.NotEmpty(t, e.Kind, name)
	}
}

// The vendors' interfaces, as their documentation states them: addresses, proofs of who asks, lists, pictures.
func TestPictures(t *testing.T) {
	account := Account{Token: "our-token", Secret: []byte("our secret")}
	answers := map[string]string{
		"/resources/applicants/5cb56e8e0a975a35f333cb83/metadata/resources":    `{"items":[{"id":"1367935172","idDocDef":{"country":"USA","idDocType":"ID_CARD","idDocSubType":"FRONT_SIDE"}}],"totalItems":1}`,
		"/resources/inspections/5cb56e8e0a975a35f333cb84/resources/1367935172": "\x00 picture",
		"/v3.6/documents?applicant_id=a9f2c0de-0001":                           `{"documents":[{"id":"7568415-123","type":"passport","side":"front","href":"https://elsewhere.example/x"}]}`,
		"/v3.6/live_photos?applicant_id=a9f2c0de-0001":                         `{"live_photos":[]}`,
		"/v3.6/documents/7568415-123/download":                                 "\x00 picture",
		"/v1/sessions/12df6045-3846/media":                                     `{"status":"success","videos":[{"id":"v"}],"images":[{"context":"document-front","id":"7a6b-1","url":"https://elsewhere.example/v1/media/7a6b-1"}]}`,
		"/v1/media/7a6b-1":                                                     "\x00 picture",
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		uri, h := r.URL.RequestURI(), r.Header
		ok := false
		switch {
		case strings.HasPrefix(uri, "/resources/"):
			ok = h.Get("X-App-Token") == "our-token" && h.Get("X-App-Access-Sig") == sum(sha256.New, []byte("our secret"), h.Get("X-App-Access-Ts")+"GET"+uri)
		case strings.HasPrefix(uri, "/v3.6/"):
			ok = h.Get("Authorization") == "Token token=our-token"
		case uri == "/v1/sessions/12df6045-3846/media":
			ok = h.Get("X-Auth-Client") == "our-token" && h.Get("X-Hmac-Signature") == sum(sha256.New, []byte("our secret"), "12df6045-3846")
		case uri == "/v1/media/7a6b-1":
			ok = h.Get("X-Auth-Client") == "our-token" && h.Get("X-Hmac-Signature") == sum(sha256.New, []byte("our secret"), "7a6b-1")
		}
		body, found := answers[uri]
		switch {
		case !ok:
			w.WriteHeader(http.StatusUnauthorized)
		case !found:
			w.WriteHeader(http.StatusNotFound)
		}
		io.WriteString(w, body)
	}))
	defer server.Close()
	account.Base = server.URL + "/"
	for name, x := range events {
		v, err := Of(name)
		require.NoError(t, err)
		pictures, err := v.Pictures(t.Context(), server.Client(), account, x.want.Session)
		require.NoError(t, err, name)
		require.Len(t, pictures, 1, name)
		body, err := v.Fetch(t.Context(), server.Client(), account, pictures[0])
		require.NoError(t, err, name)
		data, err := io.ReadAll(body)
		require.NoError(t, err)
		assert.NoError(t, body.Close())
		assert.Equal(t, "\x00 picture", string(data))

		_, err = v.Pictures(t.Context(), server.Client(), Account{Base: server.URL, Token: "wrong"}, x.want.Session)
		assert.ErrorContains(t, err, name+": answer 401 Unauthorized, want 200")
		_, err = v.Pictures(t.Context(), server.Client(), Account{Base: "http://127.0.0.1:1"}, x.want.Session)
		require.Error(t, err)
		assert.NotContains(t, err.Error(), x.want.Session, "no reference of a person in an error")
	}
}

// A list that a vendor sends decides nothing about where we ask: a reference that is a path is refused.
func TestHostileLists(t *testing.T) {
	for name, list := range map[string]string{
		"sumsub": `{"items":[{"id":"../../../x"}]}`,
		"onfido": `{"documents":[{"id":"a?b"}]}`,
		"veriff": `{"images":[{"id":""}]}`,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, list) }))
		v, err := Of(name)
		require.NoError(t, err)
		_, err = v.Pictures(t.Context(), server.Client(), Account{Base: server.URL}, events[name].want.Session)
		assert.ErrorContains(t, err, "reference", name)
		server.Close()
	}
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range maxList>>16 + 2 {
			w.Write(make([]byte, 1<<16))
		}
	}))
	defer endless.Close()
	_, err := vendors[0].Pictures(t.Context(), endless.Client(), Account{Base: endless.URL}, "x")
	assert.ErrorContains(t, err, "more than")
}

func FuzzRead(f *testing.F) {
	for _, x := range events {
		f.Add([]byte(x.body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for name, x := range events {
			v, err := Of(name)
			require.NoError(t, err)
			e, err := v.Read(x.header(secret, string(body)), body, secret, now)
			if err == nil && e.Pictures {
				assert.True(t, references(e.Session))
				assert.WithinRange(t, e.At, now.Add(-maxAge), now.Add(maxAhead))
			}
			_, err = v.Read(x.header([]byte("guessed"), string(body)), body, secret, now)
			assert.ErrorIs(t, err, ErrSignature)
		}
	})
}
