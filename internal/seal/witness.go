package seal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// ErrWitness is wrapped by errors about a witness that did not sign.
var ErrWitness = errors.New("not signed by the witness")

const (
	typeSize     = "text/x.tlog.size" // C2SP tlog-witness
	maxSignature = 1 << 16            // bytes of an answer. Chosen
)

// A Witness signs checkpoints that continue the checkpoint which it signed last. It is asked by HTTP (C2SP tlog-witness).
type Witness struct {
	URL       string            // before "/add-checkpoint"; http or https; user and password in it are never printed
	Transport http.RoundTripper // nil: http.DefaultTransport
}

// Sign returns the lines of signatures that the witness answers with, unchecked. request returns what it is asked with, if
// it signed so many entries last. It has 30 s. The error wraps [ErrWitness], or is of request.
func (w *Witness) Sign(ctx context.Context, request func(signed int64) ([]byte, error)) ([]byte, error) {
	address, err := url.Parse(strings.TrimSuffix(w.URL, "/") + "/add-checkpoint")
	if err != nil || address.Scheme != "http" && address.Scheme != "https" || address.Host == "" {
		return nil, fmt.Errorf("%w: it has no address by http or https", ErrWitness)
	}
	ctx, cancel := context.WithTimeout(ctx, defaultTimeout)
	defer cancel()
	signed := int64(0) // by a new witness, or as it answers
	for range 3 {      // others may have it sign meanwhile
		body, err := request(signed)
		if err != nil {
			return nil, err
		}
		answer, now, err := w.ask(ctx, address, body)
		if err != nil {
			return nil, fmt.Errorf("%w %s: %w", ErrWitness, address.Redacted(), err)
		}
		if answer != nil {
			return answer, nil
		}
		signed = now
	}
	return nil, fmt.Errorf("%w %s: others have it sign all the time", ErrWitness, address.Redacted())
}

// ask posts a request. If the answer is nil, the witness last signed the number of entries that ask returns.
func (w *Witness) ask(ctx context.Context, address *url.URL, body []byte) (answer []byte, signed int64, err error) {
	resp, answer, err := post(ctx, w.Transport, address, body, maxSignature, http.Header{})
	switch {
	case err != nil:
		return nil, 0, err
	case resp.StatusCode == http.StatusOK && len(answer) > 0:
		return answer, 0, nil
	case resp.StatusCode == http.StatusConflict && resp.Header.Get("Content-Type") == typeSize:
		if signed, err = strconv.ParseInt(strings.TrimSuffix(string(answer), "\n"), 10, 64); err == nil {
			return nil, signed, nil
		}
	}
	return nil, 0, fmt.Errorf("it answers %.100s", resp.Status)
}
