package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"unicode"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// issueLine is the result of issue as JSON; all but submission, recipient and
// error are null when it failed.
type issueLine struct {
	Submission string   `json:"submission"`
	Copy       *string  `json:"copy"`
	Recipient  string   `json:"recipient"`
	File       *string  `json:"file"`
	PSNR       *float64 `json:"psnr"` // dB
	Weak       bool     `json:"weak"`
	Error      *string  `json:"error"`

	err     error
	leftOut int // pages or frames of the upload's file that are not in the copy
}

// issueAll issues the upload id to every recipient in f.to and returns a line for each, in that
// order. Errors are in the lines. The upload is opened and decoded once for all recipients, and
// only if a copy of it can be written.
func issueAll(ctx context.Context, issuer *registry.Issuer, id watermark.Submission, f issueFlags) []issueLine {
	prepared := sync.OnceValues(func() (*registry.Prepared, error) { return issuer.Prepare(ctx, id) })
	var lines []issueLine
	for _, to := range f.to {
		lines = append(lines, issueOne(ctx, prepared, id, to, f))
	}
	return lines
}

// failed returns the line with err as the reason why there is no copy. The text of err loses the
// submission, which the line names already.
func (l issueLine) failed(err error) issueLine {
	l.err = errors.New(strings.TrimPrefix(reason(err), "copy of "+l.Submission+": "))
	l.Error = reasonText(l.err)
	return l
}

// issueOne issues one upload to the recipient called to and writes the copy's file. prepared opens
// and decodes the upload, when it is first called. An error is in the line. The copy is entered in
// the ledger before it is written: an error of writing names the copy, which remains entered.
func issueOne(ctx context.Context, prepared func() (*registry.Prepared, error), id watermark.Submission, to string, f issueFlags) issueLine {
	line := issueLine{Submission: id.String(), Recipient: to}
	stem := filepath.Join(f.folder(to), cmp.Or(f.names[id], id.String()))
	if err := f.checkCopy(stem); err != nil {
		return line.failed(err)
	}
	p, err := prepared()
	if err != nil {
		return line.failed(err)
	}
	var buf bytes.Buffer
	c, err := p.Issue(ctx, &buf, to, f.purpose)
	if err != nil {
		return line.failed(err)
	}
	path := stem + picture.Extension(c.Format)
	if err := writeOutput(path, buf.Bytes(), f.force); err != nil {
		return line.failed(fmt.Errorf("copy %s is logged but not written: %w", c.ID, err))
	}
	line.leftOut = p.LeftOut()
	line.Copy, line.File, line.PSNR, line.Weak = text(c.ID.String()), &path, &c.PSNR, c.Weak
	return line
}

// checkCopy returns an error if a copy cannot be written to stem with the ending of any format. The
// copy's format is known only after it was entered in the ledger, so every ending is checked. An
// existing file needs --force and must not be a file of the home.
func (f issueFlags) checkCopy(stem string) error {
	for _, format := range append(picture.Writable(), "pdf") {
		path := stem + picture.Extension(format)
		if _, err := os.Lstat(path); err != nil {
			continue
		}
		if !f.force {
			return fmt.Errorf("output %s exists; --force overwrites it", path)
		}
		if err := checkOutput(path, true, f.kept); err != nil {
			return err
		}
	}
	return nil
}

const (
	maxNameBytes = 100 // of a copy's file name; every file system takes 255
	tellingApart = 8   // hex digits of a submission's ID that tell equal names apart
)

// uploadNames reads the lines that "kycmark submit --json" printed to file. It returns for each
// submission the name that its copies' files take, without folder and ending. The first name of a
// submission counts. Names that several submissions have, letters folded, get a hyphen and the
// beginning of the ID. A file of "" gives nil; lines without a submission are passed over; another
// line is a usageError.
func uploadNames(file string) (map[watermark.Submission]string, error) {
	if file == "" {
		return nil, nil
	}
	f, err := intake.OpenRegular(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, users := map[watermark.Submission]string{}, map[string]int{} // users: submissions by name, letters folded
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		var line struct {
			File       string
			Submission *watermark.Submission
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return nil, usagef("%s:%d: not a line of \"kycmark submit --json\": %v", file, n, err)
		}
		if line.Submission == nil {
			continue
		}
		name := stemOf(line.File)
		if _, there := names[*line.Submission]; name != "" && !there {
			names[*line.Submission] = name
			users[strings.ToLower(name)]++
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	taken := map[string]bool{}
	for id, name := range names {
		if users[strings.ToLower(name)] > 1 {
			name += "-" + id.String()[:tellingApart]
			if users[strings.ToLower(name)] > 0 || taken[name] {
				name = id.String()
			}
			names[id], taken[name] = name, true
		}
	}
	return names, nil
}

// stemOf returns the name of the upload file without folder and ending, made a file name that every
// system takes, of up to maxNameBytes bytes. Slashes of both kinds part folders. It returns "" if
// no character is left.
func stemOf(file string) string {
	name := path.Base(strings.ReplaceAll(file, `\`, "/"))
	name = strings.TrimSuffix(name, path.Ext(name))
	name = strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) || strings.ContainsRune(`<>:"/\|?*`, r) {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(name, "_"))
	if len(name) > maxNameBytes {
		name = strings.ToValidUTF8(name[:maxNameBytes], "")
	}
	return strings.Trim(name, " .-")
}
