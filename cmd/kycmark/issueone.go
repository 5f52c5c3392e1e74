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

	err error
}

// issueAll issues one upload to every recipient. The upload is opened and decoded once, and
// only if a copy of it can be written.
func issueAll(ctx context.Context, issuer *registry.Issuer, id watermark.Submission, f issueFlags) []issueLine {
	prepared := sync.OnceValues(func() (*registry.Prepared, error) { return issuer.Prepare(ctx, id) })
	var lines []issueLine
	for _, to := range f.to {
		lines = append(lines, issueOne(ctx, prepared, id, to, f))
	}
	return lines
}

// failed notes why there is no copy, without the submission, which the line names already.
func (l issueLine) failed(err error) issueLine {
	l.err = errors.New(strings.TrimPrefix(reason(err), "copy of "+l.Submission+": "))
	l.Error = reasonText(l.err)
	return l
}

// issueOne issues one upload to the recipient called to and writes the copy's file. prepared
// opens the upload.
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
	line.Copy, line.File, line.PSNR, line.Weak = text(c.ID.String()), &path, &c.PSNR, c.Weak
	return line
}

// checkCopy refuses a copy that cannot be written: in any format, since which one it
// becomes is known after it is logged.
func (f issueFlags) checkCopy(stem string) error {
	for _, format := range picture.Writable() {
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

// uploadNames reads the lines that "kycmark submit --json" printed and returns for each
// submission the name that its copies' files take, without folder and ending. A file of ""
// gives no names; lines of uploads that failed are passed over.
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

// stemOf is the name of an upload's file without folder and ending, made a file name that
// every system takes. It is "" if no character is left.
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
