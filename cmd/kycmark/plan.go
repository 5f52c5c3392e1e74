package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/plan"
	"github.com/kycmark/kycmark/internal/seal"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/verify/registry"
)

// What the bounds that are printed ahead of a draw suppose: the defaults of package odds.
const (
	planRecall     = 0.9
	planFalseMatch = 1e-3
)

// newPlan returns the verb "plan", which does nothing itself: "draw", "pick" and "ask" are below it.
func newPlan(u *ui) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Choose which of the claimed pictures to ask for",
		Long: `Before a publisher is asked for pictures: a draw without bias by any party (draw, pick).
Without a list to draw from: the months to ask for (ask).`,
		Example: `  kycmark plan draw --claimed 10000 -n 400 --beacon "drand quicknet round 20000000" --out draw.json
  kycmark plan pick draw.json --value 8c3f… > wanted.txt
  kycmark plan ask findings.json -n 10`,
	}
	return only(cmd, newPlanDraw(u), newPlanPick(u), newPlanAsk(u))
}

// newPlanDraw returns the verb "plan draw", which fixes a draw before the value of a beacon is known. It
// needs a home only for --enter.
func newPlanDraw(u *ui) *cobra.Command {
	var claimed, n int
	var list, beacon, out string
	var enter, force bool
	cmd := &cobra.Command{
		Use:   "draw (--claimed N | --list FILE) -n NUMBER --beacon NAME --out FILE",
		Short: "Fix a draw before the value that decides it is known",
		Long: `Write the plan of a draw: how many pictures, of how many, and which value of a public
beacon will decide (a round of drand, a pulse of NIST) that is published later. Then publish
the plan's SHA-256, or enter it in the ledger (--enter), before that time. Nothing is fetched.

With --list the pictures are the lines of the publisher's list, such as digests of files: the
publisher cannot exchange them. With --claimed alone the numbers are the publisher's, who
can choose afterwards which picture has which number: ask for a list. A picture that is
drawn and not delivered counts as a file that could not be judged: name it in the dump
all the same ("kycmark investigate @FILE"), then it is counted as missing.

It prints what each answer would mean.`,
		Example: `  kycmark plan draw --list digests.txt -n 400 --beacon "drand quicknet round 20000000" --out draw.json --enter`,
		Args:    exactly(),
	}
	fs := cmd.Flags()
	fs.IntVar(&claimed, "claimed", 0, "`number` of pictures that the publisher claims to have")
	fs.StringVar(&list, "list", "", "the publisher's list: a `file` with a line for each picture")
	fs.IntVarP(&n, "number", "n", 0, "`number` of pictures to draw")
	fs.StringVar(&beacon, "beacon", "", "`name` of the beacon and of its value, which must not be known yet")
	fs.StringVarP(&out, "out", "o", "", "write the plan to this `file`")
	fs.BoolVar(&enter, "enter", false, "enter the plan's SHA-256 in the ledger of the home")
	fs.BoolVar(&force, "force", false, "overwrite a file that exists")
	for _, name := range []string{"number", "beacon", "out"} {
		cmd.MarkFlagRequired(name)
	}
	cmd.MarkFlagsOneRequired("claimed", "list")
	draw := func(ctx context.Context, u *ui, b *books) error {
		text, err := readList(list)
		if err != nil {
			return err
		}
		d, err := plan.NewDraw(claimed, n, text, beacon, time.Now())
		if err != nil {
			return &usageError{err}
		}
		if err := writeOutput(out, d.Encode(), force); err != nil {
			return err
		}
		sum := sha256.Sum256(d.Encode())
		line := map[string]any{"file": out, "sha256": fmt.Sprintf("%x", sum), "plan": d}
		u.printf("%s: a draw of %d of %d pictures\nSHA-256: %x\n", out, d.N, d.Claimed, sum)
		if b != nil {
			entry, err := b.registry.Engine().LogInvestigation(ctx, registry.Investigation{Actor: actor(), Command: "kycmark plan draw", Input: sum})
			if err != nil {
				return err
			}
			line["entry"] = entry
			u.printf("entry %d of the ledger\n", entry)
		}
		u.printf("\nWhat each answer would mean, at 95 %% for each bound, if the search finds %.0f %% of our pictures:\n", 100*planRecall)
		t := u.table("OURS AMONG THE DRAWN\tAT LEAST, OF ALL CLAIMED\tAT MOST")
		for _, k := range slices.Compact([]int{0, min(1, d.N), d.N / 4, d.N / 2, d.N - d.N/4, d.N}) {
			lower, upper := odds.Bounds(k, k, d.N, d.Claimed, planRecall, planFalseMatch)
			t.row([]string{strconv.Itoa(k), strconv.Itoa(lower), strconv.Itoa(upper)})
		}
		t.Flush()
		return u.line(line)
	}
	u.searchVerb(cmd, func(ctx context.Context, b *books, _ []string) error { return draw(ctx, u, b) })
	inHome := cmd.RunE
	offline := u.verb(func(cmd *cobra.Command, _ []string) error { return draw(cmd.Context(), u, nil) })
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if enter {
			return inHome(cmd, args)
		}
		return offline(cmd, args)
	}
	return cmd
}

// readList reads a publisher's list; "" is no list.
func readList(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	return intake.ReadFile(path, verify.MaxFindings)
}

// newPlanPick returns the verb "plan pick", which says which pictures a draw takes once the value of the
// beacon is known. Exit code 1: with --check the pictures are others.
func newPlanPick(u *ui) *cobra.Command {
	var value, list, check string
	cmd := &cobra.Command{
		Use:   "pick PLAN --value VALUE",
		Short: "Say which pictures are drawn, from the beacon's value",
		Long: `Print the pictures that a plan draws, one a line: their numbers, from 1, or with --list
their lines. The same plan and value always draw the same, for every party. Take the value as
the beacon publishes it. With --check compare what another party says was drawn.`,
		Example: `  kycmark plan pick draw.json --value 8c3f… --list digests.txt > wanted.txt
  kycmark plan pick draw.json --value 8c3f… --check wanted.txt`,
		Args: exactly("PLAN"),
	}
	cmd.Flags().StringVar(&value, "value", "", "the `value` of the beacon that the plan names")
	cmd.Flags().StringVar(&list, "list", "", "the publisher's list, the `file` of the plan")
	cmd.Flags().StringVar(&check, "check", "", "compare with this `file`, one picture a line")
	cmd.MarkFlagRequired("value")
	cmd.RunE = u.verb(func(_ *cobra.Command, args []string) error {
		text, err := readSmall(args[0])
		if err != nil {
			return err
		}
		d, err := plan.ReadDraw(text)
		if err != nil {
			return usagef("%s: %v", args[0], err)
		}
		drawn, err := pictures(d, value, list)
		if err != nil {
			return err
		}
		if check == "" {
			for _, x := range drawn {
				u.printf("%s\n", x)
			}
			return u.line(map[string]any{"plan": args[0], "value": value, "drawn": drawn})
		}
		stated, err := readList(check)
		if err != nil {
			return err
		}
		holds := slices.Equal(strings.Fields(string(stated)), strings.Fields(strings.Join(drawn, "\n")))
		if holds {
			u.printf("%s holds: these %d pictures are drawn\n", check, len(drawn))
		} else {
			u.no()
			u.errorf("%s: other pictures than the plan draws with this value", check)
		}
		return u.line(map[string]any{"plan": args[0], "file": check, "holds": holds})
	})
	return cmd
}

// pictures returns the pictures that a draw takes: the lines of the list in the file at path, which must
// be the list of the plan, or without a path the numbers.
func pictures(d *plan.Draw, value, path string) (out []string, err error) {
	list, err := readList(path)
	if err != nil {
		return nil, err
	}
	if sum := fmt.Sprintf("%x", sha256.Sum256(list)); path != "" && sum != d.List {
		return nil, usagef("%s: it is not the list of the plan: SHA-256 %s, want %s", path, sum, d.List)
	}
	entries, err := plan.Entries(list)
	if err != nil {
		return nil, err
	}
	for _, i := range d.Indices(value) {
		if path == "" {
			out = append(out, strconv.Itoa(i))
		} else {
			out = append(out, entries[i-1])
		}
	}
	return out, nil
}

// newPlanAsk returns the verb "plan ask", which chooses months to ask for, from the findings so far.
func newPlanAsk(u *ui) *cobra.Command {
	n, answered := 0, ""
	cmd := &cobra.Command{
		Use:   "ask FINDINGS -n NUMBER",
		Short: "Choose the months to ask pictures of, if there is no list",
		Long: `Choose the months to ask pictures of, and how many, so that the explanations part soonest:
the custody of each holder, each recipient's copies, a thief at the exchange, another service
with the same customers, pictures that are not ours. FINDINGS (findings.json, report.html or
a bundle) has the registry's months and holders, and what is there already. It prints what
each answer would mean, before it is asked.

Ask in rounds of a few: --answers takes a CSV file with the columns month and answer, a row
for each picture asked for. An answer is nothing, foreign, ours, or the name of the
recipient whose mark was read. Do not weigh pictures that were asked for by month as a draw,
or by their dates: the dates are ours.`,
		Example: `  kycmark plan ask findings.json -n 10
  kycmark plan ask findings.json -n 10 --answers answers.csv`,
		Args: exactly("FINDINGS"),
	}
	cmd.Flags().IntVarP(&n, "number", "n", 10, "`number` of pictures to ask for")
	cmd.Flags().StringVar(&answered, "answers", "", "`file` with the answers to earlier requests")
	cmd.RunE = u.verb(func(_ *cobra.Command, args []string) error {
		r, err := examineReport(args[0], seal.Trust{})
		if err != nil {
			return err
		}
		if !r.Holds() || r.Findings == nil {
			return u.reportChecks(args[0], r)
		}
		c := r.Findings.Verdict.Case
		m, err := plan.New(c)
		if err != nil {
			return &usageError{err}
		}
		if answered != "" {
			if err := tell(m, c, answered); err != nil {
				return err
			}
		}
		months, err := m.Choose(n)
		if err != nil {
			return &usageError{err}
		}
		return u.request(m, months)
	})
	return cmd
}

// tell enters the answers of a CSV file in the model of a case. A month or an answer that the case does not
// have is wrong usage.
func tell(m *plan.Model, c *odds.Case, path string) error {
	file, err := openCSV(path, 2, "month", "answer")
	if err != nil {
		return err
	}
	defer file.Close()
	var months, answers []int
	for row, err := range file.rows {
		if err != nil {
			return err
		}
		at := slices.IndexFunc(m.Months, func(t time.Time) bool { return t.Format("2006-01") == row.cell("month") })
		answer := slices.Index([]string{"nothing", "foreign", "ours"}, row.cell("answer"))
		if k := slices.IndexFunc(c.Holders, func(h odds.Holder) bool { return h.Name == row.cell("answer") }); answer < 0 && k >= 0 {
			answer = 3 + k
		}
		if at < 0 || answer < 0 {
			return usagef("%s: %q of %q, want a month of the registry as 2018-02, and nothing, foreign, ours or a recipient", path, row.cell("answer"), row.cell("month"))
		}
		months, answers = append(months, at), append(answers, answer)
	}
	m.Tell(months, answers)
	return nil
}

// request prints the months to ask for with the number of pictures of each, and then for each explanation
// what its likeliest answer would mean.
func (u *ui) request(m *plan.Model, months []int) error {
	u.printf("Ask for pictures submitted in these months, each of another customer:\n")
	t := u.table("MONTH\tPICTURES")
	count := make(map[string]int)
	sorted := slices.Sorted(slices.Values(months))
	for _, at := range sorted {
		count[m.Months[at].Format("2006-01")]++
	}
	for _, at := range slices.Compact(sorted) {
		month := m.Months[at].Format("2006-01")
		t.row([]string{month, strconv.Itoa(count[month])})
	}
	t.Flush()
	u.printf("\nWhat each answer would mean, if the publisher withholds nothing:\n")
	t = u.table("IF IT IS\tTHE ANSWER WOULD BE\tLOG10 RATIO\tAGAINST")
	type meaning struct {
		Name    string  `json:"if"`
		Answer  string  `json:"answer"`
		Ratio   float64 `json:"log10_ratio"`
		Against string  `json:"against"`
	}
	var all []meaning
	for i, s := range m.Sources {
		answers := m.Likeliest(i, months)
		ratio, against := m.Ratio(i, months, answers)
		x := meaning{s.Name, inWords(answers), ratio, m.Sources[against].Name}
		t.row([]string{x.Name, x.Answer, fmt.Sprintf("%.1f", x.Ratio), x.Against})
		all = append(all, x)
	}
	t.Flush()
	u.printf("\nBelow 1 the answer decides nothing. A ratio for custody against a thief at the exchange\nrests on how likely such a thief takes just what one holder had: a third is supposed.\n")
	return u.line(map[string]any{"months": count, "meanings": all})
}

// inWords counts answers by their kind.
func inWords(answers []int) string {
	var out []string
	for kind, word := range []string{"nothing is sent", "not ours", "ours, no mark", "ours, with its mark"} {
		n := 0
		for _, a := range answers {
			if min(a, 3) == kind {
				n++
			}
		}
		if n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, word))
		}
	}
	return strings.Join(out, ", ")
}
