package hooks

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/kycmark/kycmark/internal/each"
)

// An Account is ours at a vendor.
type Account struct {
	Base   string // address of the vendor's API, such as https://api.example.com; from settings, never from an event
	Token  string // names the account
	Secret []byte // signs requests; not used by vendors that take the token alone
}

// A Picture is a file that a vendor has of a session.
type Picture struct {
	id   string
	path string // below the address of the API, with id
}

// media says how a vendor is asked for pictures.
type media struct {
	lists func(session string) []string                        // the paths of the lists of pictures
	read  func(session string, list []byte) ([]Picture, error) // what such a list holds
	auth  func(*http.Request, Account)
	Signs bool // with [Account].Secret
}

// maxList is how long a list of pictures may be, bytes. Chosen.
const maxList = 4 << 20

// Pictures asks the vendor which pictures it has of a session.
func (v Vendor) Pictures(ctx context.Context, c *http.Client, a Account, session string) (out []Picture, err error) {
	for _, path := range v.lists(session) {
		body, err := v.get(ctx, c, a, path)
		if err != nil {
			return nil, err
		}
		list, err := io.ReadAll(io.LimitReader(body, maxList+1))
		body.Close()
		if err == nil && len(list) > maxList {
			err = fmt.Errorf("more than %d bytes", maxList)
		}
		var pictures []Picture
		if err == nil {
			pictures, err = v.media.read(session, list)
		}
		if err != nil {
			return nil, fmt.Errorf("list of pictures of %s: %w", v.Name, err)
		}
		for _, p := range pictures {
			if !references(p.id) {
				return nil, fmt.Errorf("list of pictures of %s: reference %.40q: want letters, digits, - and _", v.Name, p.id)
			}
		}
		out = append(out, pictures...)
	}
	return out, nil
}

// Fetch opens a picture. The caller closes it and limits how much is read. Text in its place, or nothing, is an error: some
// servers say so, with state 200, that they are too busy.
func (v Vendor) Fetch(ctx context.Context, c *http.Client, a Account, p Picture) (io.ReadCloser, error) {
	body, err := v.get(ctx, c, a, p.path)
	if err != nil {
		return nil, err
	}
	file := bufio.NewReader(body)
	if head, _ := file.Peek(512); strings.HasPrefix(http.DetectContentType(head), "text/") { // also of no bytes
		body.Close()
		return nil, fmt.Errorf("%s: got text or nothing in place of a picture", v.Name)
	}
	return struct {
		io.Reader
		io.Closer
	}{file, body}, nil
}

// get asks for a path below the account's address. The error shows no path: it has references of persons.
func (v Vendor) get(ctx context.Context, c *http.Client, a Account, path string) (io.ReadCloser, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(a.Base, "/")+path, nil)
	if err != nil {
		return nil, fmt.Errorf("address of %s: %w", v.Name, err)
	}
	v.auth(r, a)
	answer, err := c.Do(r)
	if err != nil {
		if wrapped, ok := err.(*url.Error); ok { // it shows the address
			err = wrapped.Err
		}
		return nil, fmt.Errorf("%s: %w", v.Name, err)
	}
	if answer.StatusCode != http.StatusOK {
		answer.Body.Close()
		return nil, fmt.Errorf("%s: answer %s, want 200", v.Name, answer.Status)
	}
	return answer.Body, nil
}

func signed(secret []byte, text string) string {
	mac := hmac.New(sha256.New, secret)
	io.WriteString(mac, text)
	return hex.EncodeToString(mac.Sum(nil))
}

var sumsubMedia = media{
	Signs: true,
	lists: func(session string) []string {
		applicant, _, _ := strings.Cut(session, "/")
		return []string{"/resources/applicants/" + applicant + "/metadata/resources"}
	},
	read: func(session string, list []byte) (out []Picture, err error) {
		var x struct {
			Items []struct {
				ID string `json:"id"`
			} `json:"items"`
		}
		if err := json.Unmarshal(list, &x); err != nil {
			return nil, err
		}
		_, inspection, _ := strings.Cut(session, "/")
		for _, item := range x.Items {
			out = append(out, Picture{item.ID, "/resources/inspections/" + inspection + "/resources/" + item.ID})
		}
		return out, nil
	},
	auth: func(r *http.Request, a Account) {
		now := strconv.FormatInt(time.Now().Unix(), 10)
		r.Header.Set("X-App-Token", a.Token)
		r.Header.Set("X-App-Access-Ts", now)
		r.Header.Set("X-App-Access-Sig", signed(a.Secret, now+r.Method+r.URL.RequestURI()))
	},
}

var onfidoMedia = media{
	lists: func(session string) []string {
		of := "?applicant_id=" + session
		return []string{"/v3.6/documents" + of, "/v3.6/live_photos" + of}
	},
	read: func(_ string, list []byte) (out []Picture, err error) {
		type item struct{ ID string }
		var x struct {
			Documents  []item `json:"documents"`
			LivePhotos []item `json:"live_photos"`
		}
		if err := json.Unmarshal(list, &x); err != nil {
			return nil, err
		}
		documents := each.Of(x.Documents, func(d item) Picture {
			return Picture{d.ID, "/v3.6/documents/" + d.ID + "/download"}
		})
		return append(documents, each.Of(x.LivePhotos, func(p item) Picture {
			return Picture{p.ID, "/v3.6/live_photos/" + p.ID + "/download"}
		})...), nil
	},
	auth: func(r *http.Request, a Account) { r.Header.Set("Authorization", "Token token="+a.Token) },
}

var veriffMedia = media{
	Signs: true,
	lists: func(session string) []string { return []string{"/v1/sessions/" + session + "/media"} },
	read: func(_ string, list []byte) (out []Picture, err error) {
		var x struct {
			Images []struct{ ID string } `json:"images"`
		}
		if err := json.Unmarshal(list, &x); err != nil {
			return nil, err
		}
		for _, i := range x.Images {
			out = append(out, Picture{i.ID, "/v1/media/" + i.ID})
		}
		return out, nil
	},
	auth: func(r *http.Request, a Account) {
		parts := strings.Split(strings.TrimSuffix(r.URL.Path, "/media"), "/")
		r.Header.Set("X-AUTH-CLIENT", a.Token)
		r.Header.Set("X-HMAC-SIGNATURE", signed(a.Secret, parts[len(parts)-1]))
	},
}
