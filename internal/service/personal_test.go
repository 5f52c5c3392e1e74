package service_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/service"
)

// Names and secrets that tests plant, and that no log, metric or error may have.
const (
	plantedSubject  = "subject-Xq7-of-Erika"
	plantedReviewer = "Erika Mustermann"
	plantedPurpose  = "checks of Wilhelmine"
	plantedNote     = "letter of Friederike"
	plantedKey      = "idempotency-of-Gudrun-1"
	plantedFile     = "Erika-passport.jpg"
)

// plant makes requests that have what is planted, and returns the IDs of the upload and of its copy. do makes a request.
func (w *world) plant(do func(call) answered) (submission, id string) {
	t := w.t
	t.Helper()
	post := func(path string, body any, head map[string]string) answered {
		return do(call{method: "POST", path: path, body: body, head: head})
	}
	post("/v1/recipients", map[string]string{"name": plantedReviewer, "kind": "reviewer"}, nil)
	post("/v1/recipients", map[string]string{"name": plantedReviewer, "kind": "vendor"}, nil)
	post("/v1/recipients", map[string]string{"name": plantedReviewer + "\u202e", "kind": "vendor"}, nil)
	post("/v1/recipients", map[string]string{"name": plantedReviewer, "kind": plantedPurpose}, nil)
	post("/v1/recipients", `{"name":"`+plantedReviewer+`","kind":`, nil)
	post("/v1/recipients", `{"name":7,"kind":{"`+"x"+`":"`+plantedReviewer+`"}}`, nil)
	head := map[string]string{"Kycmark-Subject": plantedSubject, "Kycmark-Held-By": plantedReviewer,
		"Idempotency-Key": plantedKey}
	sent := post("/v1/submissions", small(t, "anna_passport"), head)
	require.Equal(t, http.StatusOK, sent.status, string(sent.body))
	submission = sent.field(t, "submission")
	post("/v1/submissions", small(t, "bruno_passport"), head)
	post("/v1/submissions", []byte(plantedReviewer), map[string]string{"Kycmark-Subject": plantedSubject + "\t"})
	post("/v1/submissions", small(t, "bruno_passport"),
		map[string]string{"Kycmark-Subject": strings.Repeat(plantedSubject, 20)})
	post("/v1/submissions", small(t, "bruno_passport"), map[string]string{"Kycmark-Held-By": plantedReviewer + " II"})
	post("/v1/submissions", small(t, "bruno_passport"), map[string]string{"Kycmark-Submitted": plantedReviewer})
	copies := "/v1/submissions/" + submission + "/copies"
	made := post(copies, map[string]string{"recipient": plantedReviewer, "purpose": plantedPurpose}, nil)
	require.Equal(t, http.StatusOK, made.status, string(made.body))
	id = made.head.Get("Kycmark-Copy")
	post(copies, map[string]string{"recipient": plantedReviewer + " II", "purpose": plantedPurpose}, nil)
	post(copies, map[string]any{"recipient": plantedReviewer, "purpose": plantedPurpose, "max_side": 16}, nil)
	post("/v1/copies/"+id+"/void", map[string]string{"note": plantedNote}, nil)
	fact := map[string]any{"recipient": plantedReviewer + " II", "note": plantedNote,
		"submissions": []string{submission}}
	post("/v1/custody", map[string]any{"facts": []any{fact}}, nil)
	fact["recipient"], fact["through"] = plantedReviewer, plantedReviewer
	post("/v1/custody", map[string]any{"facts": []any{fact}}, nil)
	do(call{method: "GET", path: "/v1/submissions?subject=" + plantedSubject})
	do(call{method: "GET", path: "/v1/submissions/" + plantedSubject})
	do(call{method: "GET", path: "/v1/submissions",
		head: map[string]string{"Kycmark-Subject": strings.Repeat(plantedSubject, 20)}})
	do(call{method: "GET", path: "/" + plantedSubject})
	do(call{method: "GET", path: "/v1/custody", head: map[string]string{"Kycmark-Recipient": plantedReviewer + " II"}})
	asks := map[string]any{"found_evidence": plantedNote, "examiner": plantedReviewer}
	post("/v1/investigations", asks, nil)
	asks["found"] = "2018-03-01T00:00:00Z"
	asked := post("/v1/investigations", asks, nil)
	require.Equal(t, http.StatusOK, asked.status, string(asked.body))
	at := "/v1/investigations/" + asked.field(t, "investigation")
	for _, name := range []string{plantedFile, plantedFile + "%0", "../" + plantedFile, plantedFile} {
		post(at+"/files", []byte(plantedReviewer+name[:1]), map[string]string{"Kycmark-File": name})
	}
	post(at+"/begin", nil, nil)
	post(at+"/files", []byte(plantedReviewer), map[string]string{"Kycmark-File": plantedFile})
	do(call{method: "GET", path: at + "/report"})
	do(call{method: "GET", path: "/v1/investigations/" + plantedSubject})
	post("/v1/erasures", map[string]string{"subject": plantedSubject + "?", "note": plantedNote}, nil)
	post("/v1/erasures", map[string]string{"subject": plantedSubject, "note": plantedNote + "\x07"}, nil)
	post("/v1/erasures", map[string]string{"subject": plantedSubject, "note": plantedNote}, nil)
	post(copies, map[string]string{"recipient": plantedReviewer}, nil)
	return submission, id
}

// Logs, metrics and errors have no subject, no name, no token, no ID of an upload or a copy, and no path of the home.
func TestNoPersonalDataInLogs(t *testing.T) {
	w := begin(t)
	var errors []string
	do := func(c call) answered {
		got := w.do(c)
		if got.status >= 400 {
			errors = append(errors, string(got.body)+fmt.Sprint(got.head))
		}
		return got
	}
	submission, id := w.plant(do)
	copies := "/v1/submissions/" + submission + "/copies"
	w.tokens["wrong"] = w.tokens["all"][:len(w.tokens["all"])-1] + "_"
	do(call{method: "GET", path: "/v1/recipients", as: "wrong"})
	w.tokens["named"] = w.token(plantedReviewer+" at work", service.Audit)
	do(call{method: "POST", path: "/v1/recipients", as: "named", body: "{}"})
	metrics := string(w.must(call{method: "GET", path: "/metrics"}).body)
	require.NoError(t, w.reg.Close()) // what fails inside says no more
	require.GreaterOrEqual(t, do(call{method: "GET", path: copies}).status, 500)
	require.Contains(t, w.logs.String(), `"level":"ERROR"`)

	require.Greater(t, len(errors), 20)
	secret := w.tokens["all"][len("kycmark_00000000_"):]
	for _, planted := range []string{"Erika", "Mustermann", "Wilhelmine", "Friederike", "Gudrun", "Xq7", secret,
		submission, id, "Bearer " + secret, w.dir} {
		assert.NotContains(t, w.logs.String(), planted, "logs")
		assert.NotContains(t, metrics, planted, "metrics")
		for _, e := range errors {
			assert.NotContains(t, e, planted, "errors")
		}
	}
	require.Contains(t, metrics, `http_route="/v1/submissions/{id}/copies"`)
}
