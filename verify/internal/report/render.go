package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the template, its style sheet and its script
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"html/template"
	"io"
	"regexp"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/recheck"
)

//go:embed report.html.tmpl
var ReportHTML string

//go:embed report.css
var reportCSS string

//go:embed report.js
var reportJS string

// Render writes the report of the findings as HTML. It depends on f, this program's templates and pictures alone, so
// that [Check] can repeat it. pictures are the thumbnails by their SHA-256 in hex, and must have all of f.Thumbnails.
func Render(f *findings.File, w io.Writer, pictures map[string][]byte) error {
	text, err := recheck.Encode(f)
	if err != nil {
		return err
	}
	script := sha256.Sum256([]byte(reportJS))
	view := ReportView{Verdict: f.Verdict, Written: f, Digest: recheck.HexDigest(text), CSS: template.CSS(reportCSS), JSON: string(text), Script: template.JS(reportJS),
		ScriptHash: template.HTMLAttr("sha256-" + base64.StdEncoding.EncodeToString(script[:]))}
	view.Folder = commonFolder(f.Leaks)
	view.charted()
	for i, l := range f.Leaks {
		picture, err := thumbnailURL(pictures, f.Thumbnails[i], f.Revealed)
		if err != nil {
			return fmt.Errorf("leak %d: %w", i+1, err)
		}
		row := reportRow{Finding: l, Number: i + 1, Thumbnail: picture, Subject: f.Subjects[l.Submission.String()], Name: l.File[len(view.Folder):]}
		if row.Upload, err = thumbnailURL(pictures, f.Uploads[i], f.Revealed); err != nil {
			return fmt.Errorf("leak %d: %w", i+1, err)
		}
		view.Rows = append(view.Rows, row)
	}
	t, err := template.New("report").Funcs(reportFuncs).Funcs(template.FuncMap{"say": isolate(f)}).Parse(ReportHTML)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if err := t.Execute(escaper{w}, view); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// thumbnailURL returns the picture with a SHA-256 in hex as a data URL: JPEG with reveal, else PNG; "" for "".
func thumbnailURL(pictures map[string][]byte, digest string, reveal bool) (template.URL, error) {
	if digest == "" {
		return "", nil
	}
	data := pictures[digest]
	if data == nil {
		return "", fmt.Errorf("its picture, of SHA-256 %.64q, is not there", digest)
	}
	kind := "png"
	if reveal {
		kind = "jpeg"
	}
	return template.URL("data:image/" + kind + ";base64," + base64.StdEncoding.EncodeToString(data)), nil
}

// Check is [verify.CheckReport].
func Check(f *findings.File, report []byte) error {
	text, err := recheck.InReport(report)
	if err != nil {
		return err
	}
	own, err := recheck.Encode(f)
	if err != nil {
		return err
	}
	if !bytes.Equal(intake.EscapedJSON(text), own) {
		return fmt.Errorf("%w: the report holds others", findings.ErrUnsound)
	}
	if err := recheck.CheckPlaces(f); err != nil {
		return fmt.Errorf("%w: %w", findings.ErrUnsound, err)
	}
	var again bytes.Buffer
	if err = Render(f, &again, picturesIn(report)); err == nil {
		err = sameText(report, again.Bytes())
	}
	if err == nil {
		return nil
	}
	if other := recheck.OtherVersion(&f.Verdict.Record); other != "" {
		return fmt.Errorf("%w: %s: its words were not compared, its findings are the same", findings.ErrVersion, other)
	}
	return fmt.Errorf("%w: the report is not the one of these findings: %w", findings.ErrUnsound, err)
}

var pictureURL = regexp.MustCompile(`data:image/[a-z]+;base64,([A-Za-z0-9+/=&#;]+)`)

// picturesIn returns the pictures in the data URLs of a report, by their SHA-256 in hex.
func picturesIn(report []byte) map[string][]byte {
	out := make(map[string][]byte)
	for _, m := range pictureURL.FindAllSubmatch(report, -1) {
		if data, err := base64.StdEncoding.DecodeString(html.UnescapeString(string(m[1]))); err == nil {
			out[recheck.HexDigest(data)] = data
		}
	}
	return out
}

// sameText returns an error that shows the first place where two texts differ. stated is what a report has.
func sameText(stated, follows []byte) error {
	if bytes.Equal(stated, follows) {
		return nil
	}
	at := 0
	for at < min(len(stated), len(follows)) && stated[at] == follows[at] {
		at++
	}
	if at == len(stated) || at == len(follows) {
		return errors.New("one is a part of the other")
	}
	cut := func(s []byte) []byte {
		return bytes.ToValidUTF8(s[max(0, at-20):min(len(s), at+60)], []byte("…"))
	}
	return fmt.Errorf("line %d has %q, and would have %q", 1+bytes.Count(stated[:at], []byte("\n")), cut(stated), cut(follows))
}
