package judge

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"iter"
	"path/filepath"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/jobs"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/watermark"
)

// KindPart is the kind of the jobs that are parts of an investigation.
const KindPart = "investigate"

// Jobs of an investigation, each done on one processor. All chosen.
const (
	minParts     = 8
	maxParts     = 256
	filesPerPart = 100
)

// examineQueued has workers examine the parts of a dump, and returns what they found out.
func examineQueued(ctx context.Context, b *ui.Desk, job *InvestigateJob) (parts [][]byte, err error) {
	if job.Dir, err = filepath.Abs("."); err != nil {
		return nil, err
	}
	job.Actor, job.Command = ui.Actor(), b.Command()
	files := ui.ListFiles(job.Dump)
	if err := job.sum(ctx, files); err != nil {
		return nil, err
	}
	of := min(max(len(files)/filesPerPart, minParts), maxParts)
	q, err := b.Queue(ctx)
	if err != nil {
		return nil, err
	}
	defer q.Close()
	step, done := b.Progress(ctx, "examining", of)
	defer done()
	all := func(yield func(jobs.Job, error) bool) {
		for k := range of {
			if !yield(job.ForPart(k+1, of), ctx.Err()) {
				return
			}
		}
	}
	err = q.Run(ctx, all, func(job jobs.Job, result json.RawMessage, err error) error {
		step()
		var text []byte
		if err == nil {
			err = json.Unmarshal(result, &text)
		}
		if err != nil {
			return fmt.Errorf("part %s was not examined, so that nothing is concluded: %w", job.Do.(InvestigateJob).Part, err)
		}
		parts = append(parts, text)
		return nil
	}, func(why error) { b.Warnf("%s", ui.Reason(why)) })
	if ctx.Err() != nil {
		b.Hintf("jobs that were not done are taken back; the same command goes on where it was")
	}
	return parts, cmp.Or(err, ctx.Err())
}

func joined(ctx context.Context, inv *verify.Investigation, parts [][]byte) iter.Seq2[*findings.Finding, error] {
	verdicts, err := inv.Join(ctx, parts...)
	return func(yield func(*findings.Finding, error) bool) {
		for _, v := range verdicts {
			if !yield(v, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// An InvestigateJob examines a part of a dump.
type InvestigateJob struct {
	Actor, Dir    string
	Command, Dump []string
	Sums          map[string]books.Digest // of files that are there when the job is queued
	Part          verify.Part
	Once          [32]byte // random: a second attempt is the same investigation
	Against       []watermark.Submission
	References    int
	Reveal        bool
	Circumstances findings.Circumstances
}

// summedFiles is the number of leaks up to which a job has their digests: 3 MB. Chosen.
const summedFiles = 20_000

// sum fills in the digests of the files of the dump. Files that cannot be read, and files in archives, have none.
func (x *InvestigateJob) sum(ctx context.Context, files []string) error {
	if len(files) > summedFiles {
		return nil
	}
	x.Sums = make(map[string]books.Digest, len(files))
	for _, path := range files {
		if data, err := intake.ReadFile(path, picture.DefaultMaxBytes); err == nil {
			x.Sums[path] = sha256.Sum256(data)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

func (x InvestigateJob) ForPart(k, n int) jobs.Job {
	x.Part = verify.Part{Number: k, Of: n}
	rand.Read(x.Once[:])
	return jobs.Job{Kind: KindPart, Do: x}
}

// Examining returns the function for jobs of [KindPart]: it returns what [verify.Investigation.WritePart] writes. Parameters that it
// does not know are an error: a command of a later version asks for more than this worker can do.
func Examining(b *ui.Desk) jobs.Func {
	return func(ctx context.Context, text []byte) (any, error) {
		var job InvestigateJob
		parameters := json.NewDecoder(bytes.NewReader(text))
		parameters.DisallowUnknownFields()
		if err := parameters.Decode(&job); err != nil {
			return nil, fmt.Errorf("a command of another version than this worker's asks for it: %w", err)
		}
		return job.examine(ctx, b)
	}
}

func (x *InvestigateJob) examine(ctx context.Context, b *ui.Desk) ([]byte, error) {
	inv, err := b.Worker.Found.Begin(&verify.Options{
		Actor: x.Actor, Command: x.Command, Dir: x.Dir, Sums: x.Sums, Part: x.Part, Once: x.Once, Against: x.Against,
		References: x.References, Circumstances: x.Circumstances, Workers: 1,
	})
	if err != nil {
		return nil, err
	}
	var verdicts []*findings.Finding
	for v, err := range inv.Files(ctx, x.Dump...) {
		if err != nil {
			return nil, err
		}
		verdicts = append(verdicts, v)
	}
	var out bytes.Buffer
	err = inv.WritePart(ctx, &out, verdicts, x.Reveal)
	return out.Bytes(), err
}
