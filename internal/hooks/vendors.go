package hooks

import (
	"cmp"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"net/http"
	"strings"
	"time"
)

// vendors are read as their public documentation of 2026 states: docs.sumsub.com, documentation.onfido.com and
// devdocs.veriff.com. Jumio signs no callbacks (docs.jumio.com), so that its events show nothing.
var vendors = []Vendor{
	{Name: "onfido", sign: signature("X-SHA2-Signature"), event: onfido, media: onfidoMedia},
	{Name: "sumsub", sign: sumsubSignature, event: sumsub, media: sumsubMedia},
	{Name: "veriff", sign: signature("X-HMAC-SIGNATURE", "VRF-HMAC-SIGNATURE"), event: veriff, media: veriffMedia},
}

// signature takes an HMAC-SHA256 from the first of these headers that is there.
func signature(headers ...string) func(http.Header) (func() hash.Hash, string) {
	return func(h http.Header) (func() hash.Hash, string) {
		for _, name := range headers {
			if s := h.Get(name); s != "" {
				return sha256.New, s
			}
		}
		return nil, ""
	}
}

// sumsubSignature takes the algorithm that the sender states, except SHA-1, which Sumsub has only for old receivers.
func sumsubSignature(h http.Header) (func() hash.Hash, string) {
	algorithms := map[string]func() hash.Hash{"HMAC_SHA256_HEX": sha256.New, "HMAC_SHA512_HEX": sha512.New}
	return algorithms[h.Get("X-Payload-Digest-Alg")], h.Get("X-Payload-Digest")
}

func sumsub(body []byte, e *Event) error {
	var x struct {
		Type           string `json:"type"`
		ApplicantID    string `json:"applicantId"`
		InspectionID   string `json:"inspectionId"`
		ExternalUserID string `json:"externalUserId"`
		CreatedAtMs    string `json:"createdAtMs"`
	}
	if err := Object(body, &x); err != nil {
		return err
	}
	e.Subject, e.Session = x.ExternalUserID, x.ApplicantID+"/"+x.InspectionID
	pictures := []string{"applicantPending", "applicantPrechecked", "applicantOnHold", "applicantReviewed"}
	return e.happened(x.Type, pictures, x.CreatedAtMs, "2006-01-02 15:04:05.000", time.RFC3339Nano)
}

func onfido(body []byte, e *Event) error {
	var x struct {
		Payload struct {
			Action string `json:"action"`
			Object struct {
				CompletedAt string `json:"completed_at_iso8601"`
			} `json:"object"`
			Resource struct {
				ApplicantID    string `json:"applicant_id"`
				CustomerUserID string `json:"customer_user_id"`
				UpdatedAt      string `json:"updated_at"`
			} `json:"resource"`
		} `json:"payload"`
	}
	if err := Object(body, &x); err != nil {
		return err
	}
	p := x.Payload
	e.Subject, e.Session = p.Resource.CustomerUserID, p.Resource.ApplicantID
	at := cmp.Or(p.Object.CompletedAt, p.Resource.UpdatedAt)
	return e.happened(p.Action, []string{"check.completed", "workflow_run.completed"}, at, time.RFC3339Nano)
}

// veriff reads decision webhooks. Event webhooks, which have a code and no time, need no answer.
func veriff(body []byte, e *Event) error {
	var x struct {
		Action       string `json:"action"`
		Verification *struct {
			ID             string `json:"id"`
			VendorData     string `json:"vendorData"`
			Status         string `json:"status"`
			SubmissionTime string `json:"submissionTime"`
			DecisionTime   string `json:"decisionTime"`
		} `json:"verification"`
	}
	if err := Object(body, &x); err != nil {
		return err
	}
	v := x.Verification
	if v == nil {
		e.Kind = strings.TrimSpace("event " + x.Action)
		return nil
	}
	e.Subject, e.Session = v.VendorData, v.ID
	pictures := []string{"decision approved", "decision declined", "decision resubmission_requested", "decision review"}
	return e.happened("decision "+v.Status, pictures, cmp.Or(v.DecisionTime, v.SubmissionTime), time.RFC3339Nano)
}
