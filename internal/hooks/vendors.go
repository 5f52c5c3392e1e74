package hooks

import (
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"net/http"
	"slices"
	"strings"
	"time"
)

// vendors are read as their public documentation of 2026 states: docs.sumsub.com, documentation.onfido.com and
// devdocs.veriff.com. Jumio signs no callbacks (docs.jumio.com: addresses of its servers are listed instead), so that
// its events show nothing.
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
	if err := object(body, &x); err != nil {
		return err
	}
	e.Kind, e.Subject = x.Type, x.ExternalUserID
	e.Pictures = slices.Contains([]string{"applicantPending", "applicantPrechecked", "applicantOnHold", "applicantReviewed"}, x.Type)
	if !e.Pictures {
		return nil
	}
	if x.ApplicantID != "" && x.InspectionID != "" {
		e.Session = x.ApplicantID + "/" + x.InspectionID
	}
	var err error
	e.At, err = timeOf(x.CreatedAtMs, "2006-01-02 15:04:05.000", time.RFC3339Nano)
	return err
}

func onfido(body []byte, e *Event) error {
	var x struct {
		Payload struct {
			ResourceType string `json:"resource_type"`
			Action       string `json:"action"`
			Object       struct {
				CompletedAt string `json:"completed_at_iso8601"`
			} `json:"object"`
			Resource struct {
				ApplicantID    string `json:"applicant_id"`
				CustomerUserID string `json:"customer_user_id"`
				UpdatedAt      string `json:"updated_at"`
			} `json:"resource"`
		} `json:"payload"`
	}
	if err := object(body, &x); err != nil {
		return err
	}
	p := x.Payload
	e.Kind, e.Subject, e.Session = p.Action, p.Resource.CustomerUserID, p.Resource.ApplicantID
	e.Pictures = slices.Contains([]string{"check.completed", "workflow_run.completed"}, p.Action)
	if !e.Pictures {
		return nil
	}
	at := p.Object.CompletedAt
	if at == "" {
		at = p.Resource.UpdatedAt
	}
	var err error
	e.At, err = timeOf(at, time.RFC3339Nano)
	return err
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
	if err := object(body, &x); err != nil {
		return err
	}
	v := x.Verification
	if v == nil {
		e.Kind = strings.TrimSpace("event " + x.Action)
		return nil
	}
	e.Kind, e.Subject, e.Session = "decision "+v.Status, v.VendorData, v.ID
	e.Pictures = slices.Contains([]string{"approved", "declined", "resubmission_requested", "review"}, v.Status)
	if !e.Pictures {
		return nil
	}
	at := v.DecisionTime
	if at == "" {
		at = v.SubmissionTime
	}
	var err error
	e.At, err = timeOf(at, time.RFC3339Nano)
	return err
}
