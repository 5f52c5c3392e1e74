package carve

import (
	"bytes"
	"slices"
)

func isWord(c byte) bool { return c >= '0' && c <= '9' || c|' ' >= 'a' && c|' ' <= 'z' }

// word returns the first word of b, without 0x before it, how many other signs lie before it, and where it ends.
func word(b []byte) (s []byte, gap, end int) {
	for gap < len(b) && !isWord(b[gap]) {
		gap++
	}
	from := gap
	if firstOf(b[gap:], "0x", "0X") {
		from += 2
	}
	for end = from; end < len(b) && isWord(b[end]); {
		end++
	}
	return b[from:end], gap, end
}

func allHex(s []byte) bool {
	return !slices.ContainsFunc(s, func(c byte) bool { return hexDigit(c) < 0 })
}

// isListed reports whether a sample looks like bytes in words of digits, and no word is frequent. Words have up to three
// digits, or more as od writes them. Numbers beside a point or before a hyphen are of addresses, dates and measures. Chosen.
func isListed(sample []byte) bool {
	var n, same, digits, letters, high [2]int // of shorter and longer words. Equal pairs count twice
	var of [2][1 << 12]int                    // words by hash
	all, wide := 0, 0                         // words except pairs of letters, and bytes above 200
	for b := sample; len(b) > 0; {
		s, gap, end := word(b)
		point := gap > 0 && b[gap-1] == '.'
		if b = b[end:]; bytes.ContainsAny(s, "0123456789") || len(s) > 2 {
			all++
		}
		s = bytes.TrimRight(bytes.TrimLeft(s, "xS"), "hHuUyL") // as in \xff, S-records, 0FFh, 255u
		long := len(s) > 40 || slices.Contains([]int{4, 6, 8, 11, 16}, len(s))
		point = point || len(b) > 0 && (b[0] == '.' || b[0] == '-')
		if point || !long && len(s) > 3 || !allHex(s) || !bytes.ContainsAny(s, "0123456789") {
			continue
		}
		k, hash := 0, uint32(0)
		if long {
			k = 1
		}
		for _, c := range s {
			hash = (hash ^ uint32(c)) * 2654435769
		}
		seen := &of[k][hash>>20]
		n[k], same[k], digits[k], *seen = n[k]+1, same[k]+2**seen, digits[k]+len(s), *seen+1
		if bytes.ContainsAny(s, "abcdefABCDEF") {
			letters[k]++
		}
		if len(s) == 3 && s[0] > '3' || long && bytes.ContainsAny(s, "89") { // no byte, or not octal
			high[k]++
		}
		if len(s) == 3 && s[0] == '2' || !long && s[0] >= 'd' {
			wide++
		}
	}
	pure := 20*n[0] > 19*all && 50*wide > n[0]
	return 16*n[0] > len(sample) && 50*high[0] < n[0] && (pure || 160*same[0] < n[0]*(n[0]-1)) ||
		5*digits[1] > 2*len(sample) && (high[1] == 0 || 2*letters[1] > n[1]) && 160*same[1] < n[1]*(n[1]-1)
}
