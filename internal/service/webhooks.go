package service

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/internal/investigations"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/kept"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// The types of notices.
const (
	investigationDone   = "investigation.done"
	investigationFailed = "investigation.failed"
	markUnissued        = "mark.unissued" // a leaked picture has a mark under a key of the registry, which does not list the copy
	auditFailed         = "audit.failed"  // the ledger does not hold
	copyVoid            = "copy.void"
)

var noticeTypes = []string{investigationDone, investigationFailed, markUnissued, auditFailed, copyVoid}

// A Webhook is an address that gets notices. They are sent and signed as the specification Standard Webhooks says.
type Webhook = home.Webhook

const secretPrefix = "whsec_"

// signingKey returns the key that a secret is: "whsec_" and base64 of 24 to 64 bytes.
func signingKey(secret string) ([]byte, error) {
	text, has := strings.CutPrefix(secret, secretPrefix)
	key, err := base64.StdEncoding.DecodeString(text)
	if !has || err != nil || len(key) < 24 || len(key) > 64 {
		return nil, fmt.Errorf("%w: secret: want %q and base64 of 24 to 64 random bytes", registry.ErrInput, secretPrefix)
	}
	return key, nil
}

// checkWebhook reports what is wrong with the settings, by an error that wraps [registry.ErrInput].
func checkWebhook(h *Webhook) error {
	if u, err := url.Parse(h.URL); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return fmt.Errorf("%w: url: got %.200q, want https://HOST/PATH", registry.ErrInput, h.URL)
	}
	for _, e := range h.Events {
		if !slices.Contains(noticeTypes, e) {
			return fmt.Errorf("%w: event: got %.40q, want %s", registry.ErrInput, e, strings.Join(noticeTypes, ", "))
		}
	}
	_, err := signingKey(h.Secret)
	return err
}

// A notice is the body of a message.
type notice struct {
	Type string     `json:"type"`
	Time time.Time  `json:"timestamp"`
	Data noticeData `json:"data"`
}

// noticeData says what a notice is about. It has no personal data.
type noticeData struct {
	Investigation *kept.ID          `json:"investigation,omitempty" doc:"32 hex digits"`
	Pictures      int               `json:"pictures,omitempty" doc:"Leaked pictures with a mark that was never issued"`
	Copy          *watermark.CopyID `json:"copy,omitempty" doc:"16 hex digits"`
	Entries       int64             `json:"entries,omitempty" doc:"Of the ledger"`
	Problems      int               `json:"problems,omitempty" doc:"That the audit found"`
}

func (s *Service) describeNotices() {
	doc := s.api.OpenAPI()
	doc.Webhooks = map[string]*huma.PathItem{"notice": {Post: &huma.Operation{OperationID: "notice", Summary: "Tell what has happened",
		Description: "For addresses in kycmark.toml. Standard Webhooks states the headers webhook-id, webhook-timestamp and webhook-signature.",
		RequestBody: &huma.RequestBody{Content: contentOf(schemaOf[notice](s), "application/json")},
		Responses:   map[string]*huma.Response{"2XX": {Description: "Any such answer ends the tries"}}}}}
	for _, t := range noticeTypes {
		of := doc.Components.Schemas.Map()["Notice"].Properties["type"]
		of.Enum = append(of.Enum, t)
	}
}

// notify enters a notice of a kind, one of noticeTypes, for each webhook that wants it. After it returns nil, they get it even if this process dies.
func (s *Service) notify(ctx context.Context, kind string, data noticeData) error {
	about, err := json.Marshal(data)
	if err != nil {
		return err
	}
	now := records.Timestamp(time.Now())
	text, err := json.Marshal(notice{kind, now, data})
	if err != nil {
		return err
	}
	sum := sha256.Sum256(append([]byte(kind+"\n"), about...)) // without the time: the same event is entered once
	for name, h := range s.Webhooks {
		if len(h.Events) > 0 && !slices.Contains(h.Events, kind) {
			continue
		}
		n := records.Notice{ID: [16]byte(sum[:16]), Hook: name, Body: string(text), Made: now, Due: now}
		if err := s.store.AddNotice(ctx, n); err != nil {
			return fmt.Errorf("%w: %w", registry.ErrUnavailable, err)
		}
	}
	return nil
}

// InvestigationOver is the Over of [investigations.Config].
func (s *Service) InvestigationOver(ctx context.Context, x *investigations.State) error {
	of := investigationDone
	if x.Stage == investigations.Failed {
		of = investigationFailed
	}
	err := s.notify(ctx, of, noticeData{Investigation: &x.ID})
	if err == nil && x.Unissued > 0 {
		err = s.notify(ctx, markUnissued, noticeData{Investigation: &x.ID, Pictures: x.Unissued})
	}
	return err
}

// How notices are sent. All chosen.
const (
	noticesAtOnce = 100
	noticeTime    = 15 * time.Second   // for one answer
	maxPause      = 6 * time.Hour      // between two tries
	pauseGrows    = 4                  // times, from one try to the next
	keptNotices   = 3 * 24 * time.Hour // a week-end
)

// tell sends notices until ctx ends. Each webhook waits for itself alone.
func (s *Service) tell(ctx context.Context) {
	client := &http.Client{Timeout: noticeTime, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	var telling sync.WaitGroup
	for name, h := range s.Webhooks {
		telling.Go(func() {
			for ctx.Err() == nil {
				if err := s.tellDue(ctx, client, name, &h); err != nil && ctx.Err() == nil {
					s.Log.Error("notices are not sent", "webhook", name, "error", Cause(err))
				}
				select {
				case <-time.After(s.Times.Notice):
				case <-ctx.Done():
				}
			}
		})
	}
	telling.Wait()
}

// tellDue sends the notices of a webhook that are due, until one is not taken. What is older than three days is given up.
func (s *Service) tellDue(ctx context.Context, client *http.Client, name string, h *Webhook) error {
	now := time.Now()
	due, err := s.store.DueNotices(ctx, name, now, noticesAtOnce)
	if err != nil {
		return err
	}
	for _, n := range due {
		pause := s.Times.Notice
		for range n.Tries {
			pause = min(pauseGrows*pause, maxPause)
		}
		mine, err := s.store.TryNotice(ctx, &n, now.Add(pause))
		if err != nil {
			return err
		}
		if !mine {
			continue
		}
		told := s.tellOne(ctx, client, &n, h)
		if told != nil && now.Before(n.Made.Add(keptNotices)) {
			s.metrics.notices.WithLabelValues(name, "again").Inc()
			return told
		}
		result := "taken"
		if told != nil {
			result = "given up"
			s.Log.Error("notice is given up", "webhook", name, "notice", noticeID(&n))
		}
		s.metrics.notices.WithLabelValues(name, result).Inc()
		if err := s.store.RemoveNotice(ctx, &n); err != nil {
			return err
		}
	}
	return nil
}

// noticeID is the ID of a notice as receivers see it. It is the same in each try, and of the same event later.
func noticeID(n *records.Notice) string { return fmt.Sprintf("msg_%x", n.ID) }

// tellOne sends a notice. An error says that it was not taken.
func (s *Service) tellOne(ctx context.Context, client *http.Client, n *records.Notice, h *Webhook) error {
	key, err := signingKey(h.Secret)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, strings.NewReader(n.Body))
	if err != nil {
		return err
	}
	id, at := noticeID(n), strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", id, at, n.Body)
	r.Header = http.Header{"Content-Type": {"application/json"}, "User-Agent": {"kycmark"}, "Webhook-Id": {id}, "Webhook-Timestamp": {at},
		"Webhook-Signature": {"v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))}}
	return post(client, r)
}

func post(client *http.Client, r *http.Request) error {
	got, err := client.Do(r)
	if err != nil {
		return err
	}
	defer got.Body.Close()
	_, _ = io.CopyN(io.Discard, got.Body, maxJSON) // so that the connection can be used again
	if got.StatusCode < 200 || got.StatusCode > 299 {
		return fmt.Errorf("%w: %w", registry.ErrUnavailable, fmt.Errorf("got %d, want 2xx", got.StatusCode))
	}
	return nil
}
