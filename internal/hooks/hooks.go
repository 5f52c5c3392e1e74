// Package hooks reads the signed events with which capture vendors say that they have a customer's pictures, and asks
// these vendors for the pictures. It keeps nothing and decides nothing: what follows from an event is the registry's.
package hooks

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Errors of [Vendor.Read].
var (
	ErrSignature = errors.New("signature of the event is wrong") // altered, or signed with another secret
	ErrTime      = errors.New("time of the event is not acceptable")
	ErrEvent     = errors.New("event cannot be read")
)

const (
	// maxAge is how old an event may be. The longest documented series of deliveries is Sumsub's: the last of its
	// repetitions comes 24 hours and 5 minutes after the event.
	maxAge = 25 * time.Hour
	// maxAhead is how far a vendor's clock may be ahead of ours. Chosen.
	maxAhead = 5 * time.Minute
)

// An Event says that a vendor had pictures of a customer at a time.
type Event struct {
	Kind    string    // the vendor's name of what happened
	At      time.Time // by the vendor's clock, UTC
	Subject string    // our reference of the customer, as the vendor was given it; "": none
	Session string    // the vendor's reference, with which it is asked for the pictures
	SHA256  [32]byte  // of the body: repeated deliveries of one event have the same

	// Pictures says that the vendor has pictures when this event is sent. Other events need no answer.
	Pictures bool
}

// A Vendor is a company that captures pictures, and how its events are signed and read.
type Vendor struct {
	Name string

	// sign returns the hash and the signature of the headers. A nil hash: the headers name no known algorithm.
	sign func(http.Header) (func() hash.Hash, string)
	// event fills in an event from its body.
	event func(body []byte, e *Event) error

	media
}

// Of returns the vendor of a name.
func Of(name string) (Vendor, error) {
	var names []string
	for _, v := range vendors {
		if v.Name == name {
			return v, nil
		}
		names = append(names, v.Name)
	}
	return Vendor{}, fmt.Errorf("vendor of events: %q is not known, want %s", name, strings.Join(names, ", "))
}

// Read returns the event that a vendor sent. Its error wraps [ErrSignature], [ErrEvent] or [ErrTime]. The signature is
// compared before anything is read. Vendors sign with a secret that the receiver has too: an event convinces the receiver alone.
func (v Vendor) Read(header http.Header, body, secret []byte, now time.Time) (Event, error) {
	e := Event{SHA256: sha256.Sum256(body)}
	if len(secret) == 0 {
		return e, fmt.Errorf("%w: no secret is given for events of %s", ErrSignature, v.Name)
	}
	algorithm, signature := v.sign(header)
	got, err := hex.DecodeString(signature)
	if algorithm == nil || err != nil || signature == "" {
		return e, fmt.Errorf("%w: %s sent no signature of a known algorithm in hex digits", ErrSignature, v.Name)
	}
	mac := hmac.New(algorithm, secret)
	mac.Write(body)
	if !hmac.Equal(got, mac.Sum(nil)) {
		return e, ErrSignature
	}
	if err := v.event(body, &e); err != nil {
		return e, fmt.Errorf("%w: body: %w", ErrEvent, err)
	}
	if !e.Pictures {
		return e, nil
	}
	if e.At.IsZero() || !references(e.Session) {
		return e, fmt.Errorf("%w: %.40q without a time or a reference for its pictures", ErrEvent, e.Kind)
	}
	if e.At.Before(now.Add(-maxAge)) || e.At.After(now.Add(maxAhead)) {
		return e, fmt.Errorf("%w: %s, want at most %s before and %s after %s", ErrTime, e.At.Format(time.RFC3339), maxAge, maxAhead, now.UTC().Format(time.RFC3339))
	}
	return e, nil
}

// references reports whether s is one or several of a vendor's references, divided by slashes. They become part of
// an address, so that nothing else may be in them.
func references(s string) bool { return reference().MatchString(s) }

var reference = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}(/[A-Za-z0-9_-]{1,100})*$`) })

// Object reads a JSON object into x. More after it is an error, and a name twice in it: readers differ in which they take.
func Object(body []byte, x any) error {
	if err := unique(body); err != nil {
		return err
	}
	return json.Unmarshal(body, x)
}

// happened fills in the kind of an event, and its time if it is one of the kinds that have pictures. Without a zone it is UTC.
func (e *Event) happened(kind string, pictures []string, at string, layouts ...string) error {
	e.Kind, e.Pictures = kind, slices.Contains(pictures, kind)
	if !e.Pictures {
		return nil
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, at); err == nil {
			e.At = t.UTC()
			return nil
		}
	}
	return fmt.Errorf("time %.40q: want one like %q", at, layouts[0])
}

// maxDepth is how deep an event may be nested. Chosen: these vendors' have five levels.
const maxDepth = 50

// unique checks that body is one JSON object in which no object has a name twice, in any case of letters.
func unique(body []byte) error {
	d := json.NewDecoder(bytes.NewReader(body))
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		return errors.New("want a JSON object")
	}
	open := []map[string]bool{{}} // names of each open object; nil: an array
	name := true                  // the next token of an object is a name
	for len(open) > 0 {
		if len(open) > maxDepth {
			return fmt.Errorf("nested deeper than %d levels", maxDepth)
		}
		token, err := d.Token()
		if err != nil {
			return err
		}
		names := open[len(open)-1]
		switch token {
		case json.Delim('{'):
			open, name = append(open, map[string]bool{}), true
			continue
		case json.Delim('['):
			open = append(open, nil)
			continue
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
			name = true
			continue
		}
		if names == nil {
			continue
		}
		if key, ok := token.(string); ok && name {
			if key = strings.ToLower(key); names[key] {
				return fmt.Errorf("name %.40q twice", key)
			}
			names[key], name = true, false
			continue
		}
		name = true
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one JSON object")
	}
	return nil
}
