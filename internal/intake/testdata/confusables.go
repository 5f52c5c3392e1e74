// Command confusables writes internal/intake/confusables.txt from confusables.txt of UTS #39 on stdin. Characters
// that compatibility decomposition removes are left out: names are decomposed before they are compared.
//
//	go run internal/intake/testdata/confusables.go <confusables.txt >internal/intake/confusables.txt
package main

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"
)

func main() {
	like, version := map[string][]string{}, ""
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		line := lines.Text()
		if v, is := strings.CutPrefix(line, "# Version: "); is {
			version = v
		}
		cells := strings.Split(line, ";")
		if len(cells) < 3 {
			continue
		}
		from, err := strconv.ParseUint(strings.TrimSpace(strings.TrimPrefix(cells[0], "\ufeff")), 16, 32)
		if err != nil || !norm.NFKD.IsNormalString(string(rune(from))) {
			continue
		}
		to := strings.Join(strings.Fields(cells[1]), " ")
		like[to] = append(like[to], fmt.Sprintf("%X", from))
	}
	fmt.Printf("# Confusable characters of UTS #39, version %s: the prototype, then the characters like it, as code points.\n", version)
	fmt.Println("# © Unicode, Inc., Unicode License V3, https://www.unicode.org/license.txt. Made by testdata/confusables.go.")
	targets := make([]string, 0, len(like))
	for to := range like {
		targets = append(targets, to)
	}
	slices.Sort(targets)
	for _, to := range targets {
		fmt.Printf("%s;%s\n", to, strings.Join(like[to], " "))
	}
}
