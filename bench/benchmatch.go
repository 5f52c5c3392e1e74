package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/bench/experiments"
)

// The parts of bench match, in the order of their tables.
const (
	matchSearch     = "search"
	matchWhole      = "whole"
	matchCut        = "parts"
	matchLookalikes = "lookalikes"
	matchRecall     = "recall"
)

var matchParts = []string{matchSearch, matchWhole, matchCut, matchLookalikes, matchRecall}

// matchFlags say what bench match measures.
type matchFlags struct {
	benchFlags
	sizes  []string
	plot   string
	search experiments.MatchIndexOptions
	whole  experiments.MatchHashOptions
	cut    experiments.MatchLocalOptions
	alike  experiments.LookalikeConfig
	recall experiments.RecallConfig
	table  string

	among                 []string
	background, strangers []string
}

func newBenchMatch(u *ui) *cobra.Command {
	f := matchFlags{}
	cmd := f.command("match [PART...]", "Whose upload a leak shows, among how many, and at what cost", `Measure matching in parts; without any named, all of them, in small:

  search      indexes of made-up hashes (random, a fifth of them in clusters, all of
              one template): build, search, insert, write, open; what is found is
              held against a comparison with every hash
  whole       leaks of whole pictures, asked for by their hashes among a million
  parts       crops, collages, screenshots, redactions: asked for by local features
  lookalikes  leaks held against uploads that they do not show: other persons'
              documents of one template, other captures of one card; and against
              those that they do show, --pictures among them
  recall      leaks of all sorts and sizes, looked for as an investigation does: how
              often, by what can be told from the leak; --table writes what
              investigations state

With --peer and --pdq-peer programs are run on the same hashes and pixels, see
bench/peers. Exit 1 when a lookalike is taken for an upload.`,
		`  kycmark-bench match search --sizes 1M,10M --plot match.svg
  kycmark-bench match whole --pictures photos/ --persons 10 --leaked 1
  kycmark-bench match parts --pictures photos/ --among 1k,100k --background wallpapers/
  kycmark-bench match lookalikes --documents 1500
  kycmark-bench match recall --pictures photos/ --table table.json
  kycmark-bench match search --sizes 10M --peer ./peer`)
	cmd.Args, cmd.ValidArgs = cobra.ArbitraryArgs, matchParts
	f.attackFlag(cmd)
	fs := cmd.Flags()
	fs.StringSliceVar(&f.sizes, "sizes", []string{"100k", "1M"}, "search: `numbers` of hashes, as 500k or 10M; 10M take 2 GB and two minutes")
	fs.StringSliceVar(&f.search.Corpora, "corpora", nil, "search: `sorts` of hashes: random, clusters, one template (default: all)")
	fs.IntVar(&f.search.Queries, "queries", 2000, "search: `number` of queries; a hundredth of them where each is slow")
	fs.StringVar(&f.search.Peer, "peer", "", "search: `program` to compare with")
	fs.StringVar(&f.search.Dir, "temp", "", "search: `folder` for snapshots and the peer's files (default: the system's)")
	fs.StringVar(&f.plot, "plot", "", "search: draw the growth with the number of hashes to this SVG `file`, too")
	fs.IntVar(&f.whole.Distractors, "distractors", 1_000_000, "whole: `number` of hashes in the index that no leak shows")
	fs.IntVar(&f.whole.Persons, "persons", 4, "whole: `number` of specimens of each template and style in the index")
	fs.IntVar(&f.whole.Leaked, "leaked", 1, "whole: `number` of these that leak")
	fs.StringVar(&f.whole.Peer, "pdq-peer", "", "whole: `program` to time PDQ against")
	fs.StringSliceVar(&f.among, "among", []string{"1k"}, "parts: `numbers` of other uploads in the index, as 1k or 100k")
	fs.IntVar(&f.cut.Extracted, "extracted", 300, "parts: `number` of these that are pictures; the others are recombined from their features")
	fs.StringSliceVar(&f.background, "background", nil, "parts: `folders` of pictures that half of the other uploads are cut from (default: all are drawn)")
	fs.StringSliceVar(&f.strangers, "strangers", nil, "parts: `folders` of pictures that are in no index")
	fs.IntVar(&f.alike.Documents, "documents", 45, "lookalikes: `number` of persons' documents in a part")
	fs.IntVar(&f.alike.Parts, "parts", 1, "lookalikes: `number` of parts, with seeds counted up from --seed")
	fs.DurationVar(&f.alike.Within, "within", 0, "lookalikes: `time` after which no further part is begun; what was counted is printed (default: no end)")
	fs.IntVar(&f.alike.Side, "side", 1200, "lookalikes: long side of uploads, `pixels`")
	fs.IntVar(&f.alike.Near, "near", 7, "lookalikes: `number` of other persons' uploads that each leak is held against")
	fs.IntVar(&f.alike.Again, "again", 2, "lookalikes: `number` of other captures of each card")
	fs.IntVar(&f.recall.Every, "every", 1, "recall: each upload goes through one of so many `attacks`, the next through others")
	fs.StringVar(&f.table, "table", "", "recall: write the table, as internal/recall keeps it, to this `file`, too")
	cmd.RunE = u.verb(func(cmd *cobra.Command, parts []string) error { return u.benchMatch(cmd.Context(), &f, parts) })
	return cmd
}

func (u *ui) benchMatch(ctx context.Context, f *matchFlags, parts []string) (err error) {
	if len(parts) == 0 {
		parts = matchParts
	}
	for _, p := range parts {
		if !slices.Contains(matchParts, p) {
			return usagef("there is no part %q; choose of %s", p, strings.Join(matchParts, ", "))
		}
	}
	if f.search.Sizes, err = experiments.ParseSizes(f.sizes); err != nil {
		return usagef("--sizes: %w", err)
	}
	if f.cut.Sizes, err = experiments.ParseSizes(f.among); err != nil {
		return usagef("--among: %w", err)
	}
	if f.recall.Every < 1 {
		return usagef("--every takes 1 or more")
	}
	if f.search.Queries < 5 || f.alike.Documents < 1 || f.alike.Near < 1 || f.alike.Again < 0 || f.alike.Parts < 1 || f.alike.Side < 300 {
		return usagef("--queries takes 5 or more, --documents, --parts and --near 1 or more, --side 300 or more")
	}
	if err := f.checkOutputs(f.plot, f.table); err != nil {
		return err
	}
	for _, list := range []struct {
		from []string
		to   *[]string
	}{{f.background, &f.cut.Background}, {f.strangers, &f.cut.Strangers}} {
		if len(list.from) > 0 {
			if *list.to, err = experiments.Find(list.from...); err != nil {
				return err
			}
		}
	}
	own := len(f.pictures) > 0
	return u.bench(ctx, &f.benchFlags, func(ctx context.Context, cfg experiments.Config) (measured, error) {
		f.search.Progress, f.search.Seed = cfg.Progress, cfg.Seed
		f.whole.Config, f.cut.Config, f.recall.Config = cfg, cfg, cfg
		if own {
			f.alike.Pictures, f.alike.MaxSide = cfg.Pictures, cfg.MaxSide
		}
		f.alike.Progress, f.alike.Seed, f.alike.Workers = cfg.Progress, cfg.Seed, cfg.Workers
		return u.matchTables(ctx, f, parts)
	})
}

// matchReport holds the parts that were asked for.
type matchReport struct {
	Search     *experiments.MatchIndexReport `json:"search,omitempty"`
	Whole      *experiments.MatchHashReport  `json:"whole,omitempty"`
	Parts      *experiments.MatchLocalReport `json:"parts,omitempty"`
	Lookalikes *experiments.LookalikeReport  `json:"lookalikes,omitempty"`
	Recall     *experiments.RecallReport     `json:"recall,omitempty"`
}

// Markdown returns the tables of all parts.
func (r *matchReport) Markdown() string {
	var out []string
	if r.Search != nil {
		out = append(out, "## Search\n\n"+r.Search.Markdown())
	}
	if r.Whole != nil {
		out = append(out, "## Whole pictures\n\n"+r.Whole.Markdown())
	}
	if r.Parts != nil {
		out = append(out, "## Parts of pictures\n\n"+r.Parts.Markdown())
	}
	if r.Lookalikes != nil {
		out = append(out, r.Lookalikes.Markdown())
	}
	if r.Recall != nil {
		out = append(out, "## Recall of the search\n\n"+r.Recall.Markdown())
	}
	return strings.Join(out, "\n")
}

func (u *ui) matchTables(ctx context.Context, f *matchFlags, parts []string) (m measured, err error) {
	var r matchReport
	if slices.Contains(parts, matchSearch) {
		if r.Search, err = experiments.MatchIndex(ctx, f.search); err != nil {
			return m, matchUsage(err)
		}
		if f.plot != "" {
			if err := writeOutput(f.plot, []byte(r.Search.SVG()), f.force); err != nil {
				return m, err
			}
		}
	}
	if slices.Contains(parts, matchWhole) {
		if r.Whole, err = experiments.MatchHash(ctx, f.whole); err != nil {
			return m, matchUsage(err)
		}
		m.failures = append(m.failures, r.Whole.Broken...)
	}
	if slices.Contains(parts, matchCut) {
		if r.Parts, err = experiments.MatchLocal(ctx, f.cut); err != nil {
			return m, matchUsage(err)
		}
	}
	if slices.Contains(parts, matchLookalikes) {
		if r.Lookalikes, err = experiments.Lookalikes(ctx, f.alike); err != nil {
			return m, err
		}
		m.no = r.Lookalikes.Wrong() > 0
		m.failures = append(m.failures, r.Lookalikes.Broken...)
	}
	if slices.Contains(parts, matchRecall) {
		if r.Recall, err = u.measureRecall(ctx, f); err != nil {
			return m, err
		}
	}
	m.report = &r
	return m, nil
}

func (u *ui) measureRecall(ctx context.Context, f *matchFlags) (*experiments.RecallReport, error) {
	f.recall.Command = fmt.Sprintf("kycmark-bench match recall --pictures DIR --max-side %d --every %d --seed %d", f.recall.MaxSide, f.recall.Every, f.recall.Seed)
	r, err := experiments.MatchRecall(ctx, f.recall)
	if err != nil || f.table == "" {
		return r, err
	}
	data, err := json.MarshalIndent(r.Table, "", " ")
	if err != nil {
		return nil, err
	}
	return r, writeOutput(f.table, append(data, '\n'), f.force)
}

// matchUsage tells settings that contradict each other from failures.
func matchUsage(err error) error {
	if errors.Is(err, experiments.ErrMatchHash) || errors.Is(err, experiments.ErrMatchLocal) || errors.Is(err, experiments.ErrCorpus) {
		return &usageError{err}
	}
	return err
}
