package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"path"
	"strings"
	"unicode"

	"github.com/kycmark/kycmark/watermark"
)

const (
	maxNameBytes = 100 // of a copy's file name; every file system takes 255
	tellingApart = 8   // hex digits of a submission's ID that tell equal names apart
)

// uploadNames reads the lines that "kycmark submit --json" printed and returns for each
// submission the name that its copies' files take, without folder and ending. A file of ""
// gives no names; lines of uploads that failed are passed over.
func uploadNames(file string) (map[string]string, error) {
	if file == "" {
		return nil, nil
	}
	f, err := openRegular(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, users := map[string]string{}, map[string]int{} // users: submissions by name, letters folded
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		var line submitLine
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return nil, usagef("%s:%d: not a line of \"kycmark submit --json\": %v", file, n, err)
		}
		if line.Submission == nil {
			continue
		}
		id, err := watermark.ParseSubmission(*line.Submission)
		if err != nil {
			return nil, usagef("%s:%d: %w", file, n, err)
		}
		name := stemOf(line.File)
		if _, there := names[id.String()]; name != "" && !there {
			names[id.String()] = name
			users[strings.ToLower(name)]++
		}
	}
	if err := lines.Err(); err != nil {
		return nil, errors.Join(errors.New(file), err)
	}
	taken := map[string]bool{}
	for id, name := range names {
		if users[strings.ToLower(name)] > 1 {
			name += "-" + id[:tellingApart]
			if users[strings.ToLower(name)] > 0 || taken[name] {
				name = id
			}
			names[id], taken[name] = name, true
		}
	}
	return names, nil
}

// stemOf is the name of an upload's file without folder and ending, as a file name that
// every system takes; "" where nothing is left of it.
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
