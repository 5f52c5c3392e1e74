package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/verify/registry"
)

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
		data, err := readSmall(args[0])
		if err != nil {
			return err
		}
		facts, lines, err := b.readCustody(args[0], data)
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

var custodyColumns = []string{"recipient", "from", "to", "note", "source", "submissions"}

// readCustody reads the table; lines are the numbers of the facts' lines. It names
// all wrong lines.
func (b *books) readCustody(file string, data []byte) (facts []registry.Custody, lines []int, err error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	r.TrimLeadingSpace = true
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil, usagef("%s is empty", file)
	}
	if err != nil {
		return nil, nil, usagef("%s: %w", file, err)
	}
	for _, name := range header {
		if !slices.Contains(custodyColumns, name) {
			return nil, nil, usagef("%s: there is no column %q, but %s", file, name, strings.Join(custodyColumns, ", "))
		}
	}
	for _, need := range custodyColumns[:4] {
		if !slices.Contains(header, need) {
			return nil, nil, usagef("%s: the column %s is missing", file, need)
		}
	}
	wrong := 0
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			b.errorf("%s: line %d: %v", file, bad.Line, bad.Err)
			if wrong++; errors.Is(err, csv.ErrFieldCount) {
				continue
			}
			break // what follows is no table any more
		}
		if err != nil {
			return nil, nil, err
		}
		line, _ := r.FieldPos(0)
		c, err := custodyRow(header, row)
		if err != nil {
			b.errorf("%s: line %d: %s", file, line, reason(err))
			wrong++
			continue
		}
		facts, lines = append(facts, c), append(lines, line)
	}
	if wrong > 0 {
		return nil, nil, usagef("%s: %s; nothing was entered", file, plural(wrong, "wrong line"))
	}
	return facts, lines, nil
}

func custodyRow(header, row []string) (registry.Custody, error) {
	at := func(name string) string {
		if i := slices.Index(header, name); i >= 0 {
			return strings.TrimSpace(row[i])
		}
		return ""
	}
	f := custodyFlags{from: at("from"), to: at("to"), note: at("note"), source: at("source"),
		submissions: strings.Fields(at("submissions"))}
	switch {
	case at("recipient") == "":
		return registry.Custody{}, errors.New("no recipient")
	case f.note == "" && f.source == "":
		return registry.Custody{}, errors.New("neither a source nor a note")
	case (f.from == "") != (f.to == ""), f.from == "" && len(f.submissions) == 0:
		return registry.Custody{}, errors.New("from and to are needed, or submissions")
	}
	return f.custody(at("recipient"))
}
