package verify

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed" // the schema
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// FindingsFormat names the meaning of the fields of findings. Each meaning has its own name, which
// never changes.
const FindingsFormat = "kycmark findings v1"

// MaxFindings is the maximum size of a findings file in bytes. A leak takes 2 to 5 kB.
const MaxFindings = 512 << 20

// FindingsSchema is the JSON Schema (draft 2020-12) of findings files.
//
//go:embed findings.schema.json
var FindingsSchema string

// ErrFindings is wrapped if a file holds no findings, or findings that do not follow from
// themselves.
var ErrFindings = errors.New("findings do not hold")

// Findings are all that an investigation found, for machines: what the report says in
// words, and all that this was computed from.
type Findings struct {
	Format   string            `json:"format"` // [FindingsFormat]
	Verdict  *Verdict          `json:"verdict"`
	Leaks    []*Finding        `json:"leaks"`
	Revealed bool              `json:"revealed"`           // Subjects are there, and every recipient by name
	Subjects map[string]string `json:"subjects,omitempty"` // references by submission
	// Hidden is how many recipients are called "recipient 1" and so on, since no finding
	// concerns them; 0 where they are revealed.
	Hidden int `json:"hidden"`
	// Thumbnails are, for each leak, SHA-256 in hex of the picture of it that the report
	// shows; "": it shows none. Uploads are the same for the original of the leak's submission.
	Thumbnails []string `json:"thumbnails"`
	Uploads    []string `json:"uploads"`
}

// ConfirmedCopies returns the copies that may name a recipient, each once, in the order of the leaks.
func (f *Findings) ConfirmedCopies() []registry.Copy { return confirmedCopies(f.Leaks) }

// CopiesTaken returns, for each submission that a leak was traced against or that the verdict weighs, how many
// issued copies of it the findings have. If parts of them have different numbers, it is the smallest.
func (f *Findings) CopiesTaken() map[watermark.Submission]int {
	out := make(map[watermark.Submission]int)
	take := func(of watermark.Submission, n int) {
		if had, ok := out[of]; !ok || n < had {
			out[of] = n
		}
	}
	for _, l := range f.Leaks {
		for _, t := range l.Traces {
			take(t.Submission, t.Issued+t.Unsought)
		}
	}
	for i := range f.Verdict.Case.Leaks {
		l := &f.Verdict.Case.Leaks[i]
		var of watermark.Submission
		if of.UnmarshalText([]byte(l.Submission)) == nil && l.Submission != "" {
			ids := make(map[string]bool)
			for _, c := range l.Copies {
				ids[c.ID] = true
			}
			take(of, len(ids))
		}
	}
	return out
}

// WriteFindings writes the verdict and its leaks as JSON, in the one form that [ReadFindings]
// takes. Without a picture that was examined it writes nothing: the error is a *[NothingError]. It
// writes subject references, and the names of recipients that no finding concerns, only
// with reveal. Nothing is written if the findings cannot be made; d is not changed.
func (v *Investigator) WriteFindings(ctx context.Context, w io.Writer, d *Verdict, reveal bool) error {
	f, _, err := v.findings(ctx, d, reveal)
	if err != nil {
		return err
	}
	text, err := f.encode()
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

// findings returns the findings that d is written as, and the pictures of the leaks by their SHA-256 in hex. Without
// reveal, pictures are mosaics, and recipients that no finding concerns are numbered.
func (v *Investigator) findings(ctx context.Context, d *Verdict, reveal bool) (*Findings, map[string][]byte, error) {
	if d.readable() == 0 {
		return nil, nil, &NothingError{d.Findings}
	}
	f := &Findings{Format: FindingsFormat, Verdict: d, Leaks: d.Findings, Revealed: reveal, Thumbnails: []string{}, Uploads: []string{}}
	if f.Leaks == nil {
		f.Leaks = []*Finding{}
	}
	shown := make(map[string][]byte)
	show := func(k look) string {
		picture := k.of(reveal)
		if len(picture) == 0 {
			return ""
		}
		digest := hexDigest(picture)
		shown[digest] = picture
		return digest
	}
	for _, l := range f.Leaks {
		f.Thumbnails, f.Uploads = append(f.Thumbnails, show(l.Private.leak)), append(f.Uploads, show(l.Private.upload))
	}
	if !reveal {
		return f, shown, f.redact()
	}
	f.Subjects = make(map[string]string)
	for _, l := range views(d.Findings) {
		if !l.matched() {
			continue
		}
		s, err := v.cfg.Registry.Submission(ctx, l.Submission)
		if err != nil && !errors.Is(err, registry.ErrErased) {
			return nil, nil, fmt.Errorf("findings: %w", err)
		}
		f.Subjects[l.Submission.String()] = s.Subject
	}
	return f, shown, nil
}

// hexDigest returns the SHA-256 of data in lower-case hex.
func hexDigest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// encode returns findings as JSON in their one form: indented, with a newline at the end. Bytes of
// strings that are not UTF-8 become U+FFFD. Characters that a terminal or a browser would obey are escapes.
func (f *Findings) encode() ([]byte, error) {
	text, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return nil, fmt.Errorf("findings: %w", err)
	}
	if bytes.Contains(text, []byte(`\ufffd`)) { // for bytes that are no UTF-8, as in names of files
		var again Findings
		if err := json.Unmarshal(text, &again); err != nil {
			return nil, fmt.Errorf("findings: %w", err)
		}
		if text, err = json.MarshalIndent(&again, "", " "); err != nil {
			return nil, fmt.Errorf("findings: %w", err)
		}
	}
	return append(intake.EscapedJSON(text), '\n'), nil
}

// ReadFindings reads what [Investigator.WriteFindings] wrote. Any other way of writing the same
// values is refused, so that two readers cannot see different things in a file with a repeated
// field. Whether the findings follow from each other is not checked: see [Findings.CheckLeaks] and
// [Findings.CheckVerdict]. The error wraps [ErrFindings], [registry.ErrLimit] above [MaxFindings]
// bytes, or is the reader's.
func ReadFindings(r io.Reader) (*Findings, error) {
	data, err := intake.ReadAll(r, 0, MaxFindings)
	if err != nil {
		return nil, err
	}
	var f Findings
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return nil, fmt.Errorf("%w: %w%s", ErrFindings, err, writtenByOther(data))
	}
	if f.Format != FindingsFormat {
		return nil, fmt.Errorf("%w: the format is %.40q, want %q", ErrFindings, f.Format, FindingsFormat)
	}
	if f.Verdict == nil || f.Verdict.Case == nil || f.Verdict.Odds == nil {
		return nil, fmt.Errorf("%w: there is no verdict with its odds and its case", ErrFindings)
	}
	if len(f.Thumbnails) != len(f.Leaks) || len(f.Uploads) != len(f.Leaks) {
		return nil, fmt.Errorf("%w: %d thumbnails and %d uploads of %d leaks", ErrFindings, len(f.Thumbnails), len(f.Uploads), len(f.Leaks))
	}
	for i, l := range f.Leaks {
		if l == nil {
			return nil, fmt.Errorf("%w: leak %d is null", ErrFindings, i)
		}
		for _, x := range l.views() {
			if _, has := f.Subjects[x.Submission.String()]; x.matched() && has != f.Revealed {
				return nil, fmt.Errorf("%w: findings mix revealed and redacted subject references", ErrFindings)
			}
		}
	}
	if again, err := f.encode(); err != nil || !bytes.Equal(again, intake.EscapedJSON(data)) { // earlier versions wrote no such escapes
		return nil, fmt.Errorf("%w: not written as this program writes findings%s", ErrFindings, writtenByOther(data))
	}
	f.Verdict.Findings = f.Leaks
	return &f, nil
}

// writtenByOther returns, for the end of an error, which other version wrote the findings in data; "" if this one
// did, or if data does not say.
func writtenByOther(data []byte) string {
	var f struct {
		Verdict struct {
			Record findings.Record `json:"record"`
		} `json:"verdict"`
	}
	if json.Unmarshal(data, &f) != nil || f.Verdict.Record.Version == "" {
		return ""
	}
	other := otherVersion(&f.Verdict.Record)
	if other == "" {
		return ""
	}
	return " (" + other + ": check them with that version)"
}

// FindingsInReport returns the findings in a report that [Investigator.WriteReport] wrote, as bytes
// for [ReadFindings]. It checks neither the findings nor the rest of the report. The error wraps
// [ErrFindings] if the report does not have exactly one block of findings.
func FindingsInReport(report []byte) ([]byte, error) {
	const begin, end = `<pre id="findings" hidden>`, `</pre>`
	if bytes.Count(report, []byte(begin)) != 1 {
		return nil, fmt.Errorf("%w: no findings block found, or more than one", ErrFindings)
	}
	_, rest, _ := bytes.Cut(report, []byte(begin))
	text, _, ended := bytes.Cut(rest, []byte(end))
	if !ended {
		return nil, fmt.Errorf("%w: the findings block does not end", ErrFindings)
	}
	return []byte(html.UnescapeString(string(text))), nil
}
