package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/seal"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// newCustody returns the verb "custody", which does nothing itself: "add", "import" and "list" are
// below it.
func newCustody(u *ui) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "custody",
		Short: "Enter and list who could hold uploads unmarked",
		Example: `  kycmark custody add vendor-a --from 2018-02 --to 2018-02 --note "contract 2017/3: intake by vendor A"
  kycmark custody import custody.csv
  kycmark custody list --recipient vendor-a`,
	}
	return only(cmd, newCustodyAdd(u), newCustodyImport(u), newCustodyList(u), newCustodyMessage(u))
}

type custodyFlags struct {
	from, to, note, source, list string
	signature, public, stamp, ca string
	submissions                  idList[watermark.Submission]
	all                          bool
}

// newCustodyAdd returns the verb "custody add", which enters one fact in the registry: a recipient
// held uploads without marks. Wrong flags, and times out of order, are exit code 2; an unknown
// recipient or submission is 4.
func newCustodyAdd(u *ui) *cobra.Command {
	f := custodyFlags{submissions: submissionIDs()}
	cmd := &cobra.Command{
		Use:   "add NAME (--from TIME --to TIME | --all | --list FILE) --note TEXT",
		Short: "Enter that NAME held uploads unmarked",
		Long: `Enter that a recipient held uploads without marks: handed out before marking began,
or taken in on the exchange's behalf. The uploads are all that customers sent from one
time to another, ends included (--from, --to), all that were sent until now (--all), or a
list (--list, --submission); --from and --to may choose from a list. Enter what is known
before it is needed: the time of entry is recorded, and a fact that was entered after the
leak was found does not count against anybody. Say where it is known from (--source, --note).

A fact that is entered late counts if its holder had signed it before the leak was found:
give the Ed25519 signature of what "kycmark custody message" prints, an RFC 3161
timestamp of the signature, and the key by which the holder signed a receipt before.

Times are RFC 3339, or a day or a month (UTC), the last one included whole. A list
is a file with one submission ID a line; lines that begin with # are passed over.`,
		Example: `  kycmark custody add vendor-a --from 2018-02 --to 2018-02 --source "contract 2017/3" --note "intake by vendor A"
  kycmark custody add backup --all --note "nightly backup of the intake"
  kycmark custody add authority-b --list handed-over.txt --source "request 2019/4"`,
		Args: exactly("NAME"),
	}
	fs := cmd.Flags()
	fs.StringVar(&f.from, "from", "", "`time` of the first uploads held")
	fs.StringVar(&f.to, "to", "", "`time` of the last uploads held")
	fs.BoolVar(&f.all, "all", false, "all uploads that were sent until now")
	fs.StringVar(&f.list, "list", "", "only the IDs in this `file`")
	fs.Var(&f.submissions, "submission", "only this `ID`, 32 hex digits; may be repeated")
	fs.StringVar(&f.source, "source", "", "the `document` that this is known from")
	fs.StringVar(&f.note, "note", "", "how this is known")
	fs.StringVar(&f.signature, "signature", "", "`file` with the holder's signature, or its hex digits")
	fs.StringVar(&f.public, "public-key", "", "`file` with the holder's public key, or its hex digits")
	fs.StringVar(&f.stamp, "stamp", "", "`file` with the timestamp of the signature")
	fs.StringVar(&f.ca, "tsa-ca", "", "`file` with the certificate of the timestamp authority or its issuers, PEM")
	cmd.MarkFlagsRequiredTogether("signature", "public-key", "stamp", "tsa-ca")
	cmd.ValidArgsFunction = recipientNames
	cmd.MarkFlagsOneRequired("source", "note")
	cmd.MarkFlagsRequiredTogether("from", "to")
	cmd.MarkFlagsMutuallyExclusive("all", "from")
	cmd.MarkFlagsMutuallyExclusive("all", "list")
	cmd.MarkFlagsMutuallyExclusive("all", "submission")
	cmd.MarkFlagsOneRequired("from", "all", "list", "submission")
	return u.bookVerb(cmd, func(ctx context.Context, b *books, args []string) error {
		c, err := f.custody(args[0])
		if err != nil {
			return err
		}
		if err = f.sign(&c); err == nil {
			err = b.registry.AddCustody(ctx, c)
		}
		if errors.Is(err, registry.ErrReceipt) || errors.Is(err, seal.ErrStamp) {
			b.no()
			b.errorf("%v", err)
			return nil
		}
		if err != nil {
			return notFound(err)
		}
		signed := ""
		if f.signature != "" {
			signed = ", signed by the holder before " + moment(c.Signed.Dated)
		}
		b.printf("%s: held %s unmarked%s\n", c.Recipient, custodyWords(c), signed)
		return b.line(c)
	})
}

// sign reads the countersignature that the flags name into c, and checks its timestamp.
func (f custodyFlags) sign(c *registry.Custody) error {
	if f.signature == "" {
		return nil
	}
	if c.From.IsZero() || !c.To.Before(always) {
		return usagef("--signature: what is countersigned has --from and --to")
	}
	s := &c.Signed
	var err error
	if s.PublicKey, s.Signature, err = signatureOf(f.public, f.signature); err != nil {
		return err
	}
	if s.Stamp, err = readSmall(f.stamp); err != nil {
		return err
	}
	trusted, err := certificates(f.ca)
	if err != nil {
		return err
	}
	stamp, err := seal.VerifyStamp(s.Stamp, sha256.Sum256(s.Signature[:]), trusted)
	if err != nil {
		return fmt.Errorf("%s: %w", f.stamp, err)
	}
	s.Dated = stamp.Time.Add(stamp.Accuracy)
	return nil
}

// newCustodyMessage returns the verb "custody message", which prints the bytes that the holder of
// uploads signs. It enters nothing.
func newCustodyMessage(u *ui) *cobra.Command {
	var f custodyFlags
	cmd := &cobra.Command{
		Use:   "message NAME --from TIME --to TIME",
		Short: "Print what the holder of uploads signs",
		Long: `Print the bytes by which a holder confirms that it held uploads of that time: four
lines, "kycmark custody v1", its name, and both times. Have the signature timestamped.`,
		Example: `  kycmark custody message vendor-a --from 2018-02 --to 2018-02 > message.txt
  openssl pkeyutl -sign -rawin -inkey vendor.pem -in message.txt -out custody.sig
  openssl ts -query -sha256 -cert -data custody.sig -out custody.tsq`,
		Args: exactly("NAME"), ValidArgsFunction: recipientNames,
	}
	cmd.Flags().StringVar(&f.from, "from", "", "`time` of the first uploads held (required)")
	cmd.Flags().StringVar(&f.to, "to", "", "`time` of the last uploads held (required)")
	cmd.MarkFlagRequired("from")
	cmd.MarkFlagRequired("to")
	return u.bookVerb(cmd, func(ctx context.Context, b *books, args []string) error {
		c, err := f.custody(args[0])
		if err != nil {
			return err
		}
		b.printf("%s", c.Message())
		return b.line(map[string]string{"recipient": c.Recipient, "message": string(c.Message())})
	})
}

// always is later than whatever was submitted, within what JSON's times may say.
var always = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// custody returns the fact of custody that the flags state about the recipient called name; nothing
// is entered. Without --from the fact reaches from the zero time to always, and with --all until
// now. The IDs of --list and of --submission are joined; no IDs at all means all uploads. An empty
// list, a wrong time, and --to before --from are usageErrors.
func (f custodyFlags) custody(name string) (registry.Custody, error) {
	c := registry.Custody{Recipient: name, Note: noteOf(f.source, f.note), Actor: actor(), To: always}
	var err error
	if f.all {
		c.To = time.Now()
	}
	if f.from != "" {
		if c.From, err = parseTime(f.from, false); err != nil {
			return c, err
		}
		if c.To, err = parseTime(f.to, true); err != nil {
			return c, err
		}
	}
	if c.To.Before(c.From) {
		return c, usagef("--to lies before --from")
	}
	if f.list != "" {
		if err := f.submissions.read(f.list); err != nil {
			return c, err
		}
		if len(f.submissions.ids) == 0 { // which would mean: of all
			return c, usagef("%s: no submission in it", f.list)
		}
	}
	c.Submissions = f.submissions.ids
	return c, nil
}

// noteOf joins the source document and what is said of it as "source: note"; if one is "", it
// returns the other.
func noteOf(source, note string) string {
	if source == "" || note == "" {
		return source + note
	}
	return source + ": " + note
}

// newCustodyList returns the verb "custody list", which prints the facts of custody: all, or the
// facts of one recipient or submission. It enters nothing.
func newCustodyList(u *ui) *cobra.Command {
	var recipient, submission string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List who could hold which uploads unmarked",
		Example: `  kycmark custody list --json
  kycmark custody list --submission 0123456789abcdef0123456789abcdef`,
		Args: exactly(),
	}
	cmd.Flags().StringVar(&recipient, "recipient", "", "only what `name` held")
	cmd.Flags().StringVar(&submission, "submission", "", "only who held the upload with this `ID`")
	cmd.RegisterFlagCompletionFunc("recipient", recipientNames)
	cmd.MarkFlagsMutuallyExclusive("recipient", "submission")
	return u.bookVerb(cmd, func(ctx context.Context, b *books, _ []string) error {
		filter := registry.CustodyFilter{Recipient: recipient}
		if submission != "" {
			id, err := watermark.ParseSubmission(submission)
			if err != nil {
				return &usageError{err}
			}
			if _, err := b.registry.Submission(ctx, id); err != nil {
				return notFound(err)
			}
			filter.Submission = id
		}
		all, err := b.registry.Custody(ctx, filter)
		return printList(b.ui, "NAME\tHELD\tENTERED\tNOTE", listed(all, notFound(err)), func(c *registry.Custody) (any, []string) {
			return c, []string{c.Recipient, custodyWords(*c), day(c.Entered), c.Note}
		})
	})
}

// custodyWords says which uploads a fact of custody is about, such as "all uploads until
// 2018-02-28" or "2 listed uploads". A zero From and a To from always on are open ends, which are
// left out.
func custodyWords(c registry.Custody) string {
	what := "all uploads"
	if n := len(c.Submissions); n > 0 {
		what = plural(n, "listed upload")
	}
	switch first, last := c.From.IsZero(), !c.To.Before(always); {
	case first && last:
		return what
	case first:
		return what + " until " + day(c.To)
	}
	return fmt.Sprintf("%s of %s to %s", what, day(c.From), day(c.To))
}

// newCustodyImport returns the verb "custody import", which enters all facts of custody in a CSV
// file. Each wrong line is named; one wrong line means that nothing is entered, and exit code 2.
// Facts that are already entered are counted and left unchanged.
func newCustodyImport(u *ui) *cobra.Command {
	return u.bookVerb(&cobra.Command{
		Use:   "import FILE.csv",
		Short: "Enter many facts of custody from a table",
		Long: `Enter facts of custody from a CSV file. Its first line names the columns, in any
order: recipient, from, to, note, and, where wanted, source and submissions (IDs
with spaces between them). Times are written as in "custody add"; both may be empty
where submissions are listed. All of it is entered, or, where a line is wrong,
nothing: every wrong line is named. A fact that is in the registry already is left as
it is, so that a file may be imported again.`,
		Example: `  kycmark custody import custody.csv

  recipient,from,to,source,note
  vendor-a,2018-02,2018-02,contract 2017/3,intake by vendor A
  backup,2017-01,2019-12,,nightly backup`,
		Args: exactly("FILE.csv"),
	}, func(ctx context.Context, b *books, args []string) error {
		facts, lines, err := b.readCustody(args[0])
		if err != nil {
			return err
		}
		added, wrong, err := b.registry.ImportCustody(ctx, facts)
		if err != nil {
			return err
		}
		n := 0
		for i, err := range wrong {
			if err != nil {
				n++
				b.errorf("%s: line %d: %s", args[0], lines[i], reason(err))
			}
		}
		if n > 0 {
			return usagef("%s: %s; nothing was entered", args[0], plural(n, "wrong line"))
		}
		b.printf("%s entered, %d of %d were there already\n", plural(added, "fact"), len(facts)-added, len(facts))
		return b.line(map[string]int{"entered": added, "there": len(facts) - added})
	})
}

// readCustody reads the facts of custody in the CSV file at path; lines holds the line number of
// each fact. It enters nothing. It reports every wrong line on stderr; if there is one, it returns
// no facts and a usageError. A file that cannot be read, or of more than maxSmall bytes, is another
// error.
func (b *books) readCustody(path string) (facts []registry.Custody, lines []int, err error) {
	file, err := openCSV(path, 4, "recipient", "from", "to", "note", "source", "submissions")
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	file.lines.TrimLeadingSpace = true
	wrong := 0
	for row, err := range file.rows {
		var c registry.Custody
		if err == nil {
			c, err = custodyRow(row)
		}
		switch {
		case err != nil && row.line == 0:
			return nil, nil, fmt.Errorf("%s: %w", path, intake.WithoutPath(err))
		case err != nil:
			b.errorf("%s: line %d: %s", path, row.line, reason(err))
			wrong++
			continue
		}
		facts, lines = append(facts, c), append(lines, row.line)
	}
	if wrong > 0 {
		return nil, nil, usagef("%s: %s; nothing was entered", path, plural(wrong, "wrong line"))
	}
	return facts, lines, nil
}

// custodyRow returns the fact that one line of the table states; row must have been read without an
// error. A line needs a recipient, a source or a note, and either both times or submissions.
// Whether recipient and submissions are known is not checked.
func custodyRow(row csvRow) (registry.Custody, error) {
	cell := func(column string) string { return strings.TrimSpace(row.cell(column)) }
	f := custodyFlags{from: cell("from"), to: cell("to"), note: cell("note"), source: cell("source"), submissions: submissionIDs()}
	for _, id := range strings.Fields(cell("submissions")) {
		if err := f.submissions.Set(id); err != nil {
			return registry.Custody{}, err
		}
	}
	switch {
	case cell("recipient") == "":
		return registry.Custody{}, errors.New("no recipient")
	case f.note == "" && f.source == "":
		return registry.Custody{}, errors.New("neither a source nor a note")
	case (f.from == "") != (f.to == ""), f.from == "" && len(f.submissions.ids) == 0:
		return registry.Custody{}, errors.New("from and to are needed, or submissions")
	}
	return f.custody(cell("recipient"))
}
