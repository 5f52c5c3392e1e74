// Package writings writes bytes as databases, mails, programs and other texts do: for tests.
package writings

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime/quotedprintable"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func fold(s string, width int, with string) string {
	var out strings.Builder
	for i := 0; i < len(s); i += width {
		if i > 0 {
			out.WriteString(with)
		}
		out.WriteString(s[i:min(i+width, len(s))])
	}
	return out.String()
}

func each(b []byte, format, with string) string {
	var all []string
	for _, c := range b {
		all = append(all, fmt.Sprintf(format, c))
	}
	return strings.Join(all, with)
}

// indexed writes each byte behind its index.
func indexed(b []byte, format, with string) string {
	var all []string
	for i, c := range b {
		all = append(all, fmt.Sprintf(format, i, c))
	}
	return strings.Join(all, with)
}

// mysql writes bytes as mysqldump does between quotes.
func mysql(b []byte) string {
	var out strings.Builder
	for _, c := range b {
		switch c {
		case 0:
			out.WriteString(`\0`)
		case '\n':
			out.WriteString(`\n`)
		case '\r':
			out.WriteString(`\r`)
		case 0x1a:
			out.WriteString(`\Z`)
		case '\'', '"', '\\':
			out.WriteString(`\` + string(rune(c)))
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

// python writes bytes as repr does.
func python(b []byte) string {
	var out strings.Builder
	for _, c := range b {
		switch {
		case c == '\n':
			out.WriteString(`\n`)
		case c == '\r':
			out.WriteString(`\r`)
		case c == '\t':
			out.WriteString(`\t`)
		case c == '\\' || c == '\'':
			out.WriteString(`\` + string(rune(c)))
		case c < ' ' || c > 0x7e:
			fmt.Fprintf(&out, `\x%02x`, c)
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

// octal writes bytes as PostgreSQL did in its format "escape", in a COPY with doubled backslashes.
func octal(b []byte, sign string) string {
	var out strings.Builder
	for _, c := range b {
		switch {
		case c == '\\':
			out.WriteString(sign + sign)
		case c < ' ' || c > 0x7e:
			fmt.Fprintf(&out, sign+"%03o", c)
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

func latin1(b []byte) string {
	all := make([]rune, len(b))
	for i, c := range b {
		all[i] = rune(c)
	}
	return string(all)
}

func quoted(t testing.TB, s string) string {
	var out bytes.Buffer
	w := quotedprintable.NewWriter(&out)
	_, err := io.WriteString(w, s)
	noError(t, err)
	noError(t, w.Close())
	return out.String()
}

func signed(b []byte) string {
	all := make([]string, len(b))
	for i, c := range b {
		all[i] = strconv.Itoa(int(int8(c)))
	}
	return strings.Join(all, ",")
}

func Uuencode(b []byte) string {
	var out strings.Builder
	out.WriteString("begin 644 selfie.jpg\n")
	sign := func(v byte) byte {
		if v == 0 {
			return '`'
		}
		return v + ' '
	}
	for ; len(b) > 0; b = b[min(45, len(b)):] {
		line := b[:min(45, len(b))]
		out.WriteByte(sign(byte(len(line))))
		for i := 0; i < len(line); i += 3 {
			var q [3]byte
			copy(q[:], line[i:])
			out.Write([]byte{sign(q[0] >> 2), sign(q[0]<<4&63 | q[1]>>4), sign(q[1]<<2&63 | q[2]>>6), sign(q[2] & 63)})
		}
		out.WriteByte('\n')
	}
	return out.String() + "`\nend\n"
}

// writings are ways in which texts hold the bytes of a file.
// wideOf writes ASCII in so many bytes a sign, the lowest first.
func wideOf(s string, width int) string {
	return each([]byte(s), "%c", strings.Repeat("\x00", width-1)) + strings.Repeat("\x00", width-1)
}

// hexdump writes bytes as hexdump -C does.
func hexdump(b []byte) string {
	var out strings.Builder
	for at := 0; at < len(b); at += 16 {
		line := b[at:min(at+16, len(b))]
		words := strings.Map(func(r rune) rune {
			if r < ' ' || r > '~' {
				return '.'
			}
			return r
		}, latin1(line))
		fmt.Fprintf(&out, "\n%08x  %-49s |%s|", at, strings.Replace(each(line, "%02x", " ")+" ", " ", " ", 1), words)
	}
	return out.String() + "\n"
}

// words writes lines of 16 bytes, or of another number, as od and xxd do: behind an address, with a format for each word of so many
// bytes. big: the first byte of a word comes first. text: the bytes follow as text.
func words(b []byte, address, format string, line, size int, big, text bool) string {
	var out strings.Builder
	for at := 0; at < len(b); at += line {
		var columns strings.Builder
		part := b[at:min(at+line, len(b))]
		for i := 0; i < len(part); i += size {
			var v uint64
			for k := range size {
				c := uint64(0)
				if i+k < len(part) {
					c = uint64(part[i+k])
				}
				if shift := 8 * k; big {
					v |= c << (8*size - 8 - shift)
				} else {
					v |= c << shift
				}
			}
			fmt.Fprintf(&columns, format, v)
		}
		fmt.Fprintf(&out, "\n"+address, at)
		if text {
			dots := strings.Map(func(r rune) rune {
				if r < ' ' || r > '~' {
					return '.'
				}
				return r
			}, latin1(part))
			fmt.Fprintf(&out, "%-*s  %s", line/size*len(fmt.Sprintf(format, 0)), columns.String(), dots)
		} else {
			out.WriteString(columns.String())
		}
	}
	return out.String() + "\n"
}

// lines writes 12 bytes a line.
func lines(b []byte, format, with, line string) string {
	var all []string
	for part := range slices.Chunk(b, 12) {
		all = append(all, each(part, format, with))
	}
	return strings.Join(all, line)
}

// decimal writes what cannot be printed behind a backslash, as OCaml does.
func decimal(b []byte) string {
	var out strings.Builder
	for _, c := range b {
		switch {
		case c == '"' || c == '\\':
			out.WriteString(`\` + string(rune(c)))
		case c == '\n':
			out.WriteString(`\n`)
		case c < ' ' || c > '~':
			fmt.Fprintf(&out, `\%03d`, c)
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

// surrogates writes bytes above ASCII as Python's JSON writes what is no UTF-8.
func surrogates(b []byte) string {
	var out strings.Builder
	for _, c := range b {
		switch {
		case c > 0x7f:
			fmt.Fprintf(&out, `\udc%02x`, c)
		case c == '"' || c == '\\':
			out.WriteString(`\` + string(rune(c)))
		case c == '\n':
			out.WriteString(`\n`)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&out, `\u00%02x`, c)
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

// starred writes a star for lines that are like the one before, as od and hexdump do, behind addresses of so many signs.
func starred(s string, address int) string {
	var out []string
	for line := range strings.SplitSeq(s, "\n") {
		n := len(out)
		switch {
		case n == 0 || len(line) < address || len(out[n-1]) != 1 && (len(out[n-1]) < address || line[address:] != out[n-1][address:]):
		case len(out[n-1]) == 1 && line[address:] == out[n-2][address:]:
			continue
		case len(out[n-1]) > 1:
			line = "*"
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

// perl writes bytes as Data::Dumper does, with as few digits as are clear.
func perl(b []byte) string {
	var out strings.Builder
	for i, c := range b {
		switch next := i+1 < len(b) && b[i+1] >= '0' && b[i+1] <= '9'; {
		case c == '"' || c == '\\' || c == '$' || c == '@':
			out.WriteString("\\" + string(rune(c)))
		case c >= ' ' && c < 0x7f:
			out.WriteByte(c)
		case next:
			fmt.Fprintf(&out, "\\%03o", c)
		default:
			fmt.Fprintf(&out, "\\%o", c)
		}
	}
	return `$VAR1 = "` + out.String() + `";`
}

// Compressed returns what a compressor makes of bytes.
func Compressed(t testing.TB, b []byte, to func(io.Writer) io.WriteCloser) string {
	var out bytes.Buffer
	w := to(&out)
	_, err := w.Write(b)
	noError(t, err)
	noError(t, w.Close())
	return out.String()
}

// All returns the writings of bytes in texts, by name.
func All(t testing.TB) map[string]func([]byte) string {
	std, raw, address := base64.StdEncoding.EncodeToString, base64.RawStdEncoding.EncodeToString, base64.URLEncoding.EncodeToString
	js := func(s string) string {
		b, err := json.Marshal(s)
		noError(t, err)
		return string(b)
	}
	html := func(b []byte) string {
		return "<p>see <img alt=x src=\"data:image/jpeg;base64," + std(b) + "\"></p>"
	}
	return map[string]func([]byte) string{
		"JSON":                       func(b []byte) string { return `{"id":7,"selfie":"` + std(b) + `","z":1}` },
		"JSON, slashes escaped":      func(b []byte) string { return `{"id":7,"selfie":"` + strings.ReplaceAll(std(b), "/", `\/`) + `"}` },
		"JSON, plus escaped":         func(b []byte) string { return `{"selfie":"` + strings.ReplaceAll(std(b), "+", `\u002B`) + `"}` },
		"JSON in JSON":               func(b []byte) string { return js(`{"selfie":"` + std(b) + `"}`) },
		"JSON, lines escaped":        func(b []byte) string { return js(fold(std(b), 76, "\r\n")) },
		"JSON, address":              func(b []byte) string { return `{"photo":"data:image/jpeg;base64,` + std(b) + `"}` },
		"CSV":                        func(b []byte) string { return "1,Ann," + std(b) + ",x\n" },
		"CSV without padding":        func(b []byte) string { return "1,Ann," + raw(b) + "\n2,Bob,-\n" },
		"one a line":                 func(b []byte) string { return "\n" + std(b) + "\n" },
		"XML":                        func(b []byte) string { return "<doc><Photo>" + std(b) + "</Photo></doc>" },
		"XML, lines":                 func(b []byte) string { return "<Photo>\n    " + fold(std(b), 64, "\n    ") + "\n</Photo>" },
		"XML, line ends as entities": func(b []byte) string { return "<p v=\"" + fold(std(b), 76, "&#10;") + "\"/>" },
		"XML, CRLF as entities":      func(b []byte) string { return "<p>" + fold(std(b), 76, "&#xD;\n") + "</p>" },
		"of an address":              func(b []byte) string { return "jwt=" + address(b) + "&x=1" },
		"form":                       func(b []byte) string { return "a=1&photo=" + url.QueryEscape(std(b)) + "&b=2" },
		"LDIF":                       func(b []byte) string { return "dn: cn=a\njpegPhoto:: " + fold(std(b), 64, "\n ") + "\nsn: x\n" },
		"vCard": func(b []byte) string {
			return "BEGIN:VCARD\r\nPHOTO;ENCODING=b;TYPE=JPEG:" + fold(std(b), 74, "\r\n ") + "\r\nEND:VCARD\r\n"
		},
		"vCard 2.1": func(b []byte) string {
			return "PHOTO;JPEG;ENCODING=BASE64:\r\n " + fold(std(b), 72, "\r\n ") + "\r\n\r\nEND:VCARD"
		},
		"mail": func(b []byte) string {
			return "Content-Type: image/jpeg; name=\"selfie.jpg\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + fold(std(b), 76, "\r\n") + "\r\n--b1--\r\n"
		},
		"mail, text right above":   func(b []byte) string { return "see attachment\n" + fold(std(b), 76, "\n") + "\n\nBye" },
		"HTML":                     html,
		"HTML in quoted-printable": func(b []byte) string { return quoted(t, html(b)) },
		"YAML":                     func(b []byte) string { return "photo: !!binary |\n  " + fold(std(b), 76, "\n  ") + "\nname: x\n" },
		"base64 in base64": func(b []byte) string {
			return `{"mail":"` + std([]byte("From: x\n\n"+fold(std(b), 76, "\n")+"\n")) + `"}`
		},
		"within base64, not aligned": func(b []byte) string {
			return `{"blob":"` + std(slices.Concat(bytes.Repeat([]byte("TNEF.."), 20), []byte("x"), b)) + `"}`
		},
		"PEM": func(b []byte) string {
			return "-----BEGIN PKCS7-----\n" + fold(std(slices.Concat(bytes.Repeat([]byte{0x30, 0x82}, 31), b)), 64, "\n") + "\n-----END PKCS7-----\n"
		},
		"shell": func(b []byte) string { return "echo " + fold(std(b), 70, "\\\n") + " | base64 -d" },
		"MySQL, hexadecimal": func(b []byte) string {
			return "INSERT INTO kyc VALUES (1,0x" + strings.ToUpper(hex.EncodeToString(b)) + ",NULL);"
		},
		"PostgreSQL, COPY":    func(b []byte) string { return "1\tAnn\t\\\\x" + hex.EncodeToString(b) + "\tx\n" },
		"SQLite":              func(b []byte) string { return "INSERT INTO kyc VALUES(1,X'" + hex.EncodeToString(b) + "');" },
		"hexadecimal, lines":  func(b []byte) string { return "begin\n" + fold(hex.EncodeToString(b), 60, "\n") + "\nend" },
		"hexadecimal, spaces": func(b []byte) string { return "dump: " + each(b, "%02x", " ") + "." },
		"hexadecimal, colons": func(b []byte) string { return "(" + each(b, "%02X", ":") + ")" },
		"hexadecimal, pairs":  func(b []byte) string { return "(" + fold(fold(hex.EncodeToString(b), 4, " "), 40, "\n") + ")" },
		"C array": func(b []byte) string {
			return "unsigned char a[] = {\n  " + fold(each(b, "0x%02x", ", "), 72, "\n  ") + "\n};"
		},
		"C string":               func(b []byte) string { return `"` + each(b, `\x%02x`, "") + `"` },
		"Python":                 func(b []byte) string { return "{'photo': b'" + python(b) + "', 'x': 1}" },
		"JSON of bytes as signs": func(b []byte) string { return `{"photo":` + js(latin1(b)) + `}` },
		"JSON in ASCII":          func(b []byte) string { return `{"photo":"` + each(b, `\u00%02x`, "") + `"}` },
		"UTF-8 of bytes":         latin1,
		"percent": func(b []byte) string {
			return "photo=" + url.QueryEscape(string(b)) + "&x=1"
		},
		"quoted-printable of bytes": func(b []byte) string { return each(b, "=%02X", "") + "\r\n" },
		"mysqldump":                 func(b []byte) string { return "INSERT INTO `kyc` VALUES (1,_binary '" + mysql(b) + "','x');\n" },
		"quotes twice":              func(b []byte) string { return "VALUES ('" + strings.ReplaceAll(mysql(b), `\'`, "''") + "')" },
		"octal":                     func(b []byte) string { return " 7 | " + octal(b, `\`) + "\n 8 |" },
		"octal, COPY":               func(b []byte) string { return "1\t" + octal(b, `\\`) + "\t2\n" },
		"JSON of a Uint8Array":      func(b []byte) string { return `{"photo":{` + indexed(b, `"%d":%d`, ",") + `}}` },
		"YAML of numbers":           func(b []byte) string { return "photo:\n" + each(b, "- %d\n", "") + "name: x\n" },
		"XML of bytes":              func(b []byte) string { return "<p>" + each(b, "<byte>%d</byte>", "\n  ") + "</p>" },
		"PHP print_r":               func(b []byte) string { return "Array\n(\n" + indexed(b, "    [%d] => %d\n", "") + ")\n" },
		"numbers in quotes":         func(b []byte) string { return "[" + each(b, `"%d"`, ", ") + "]" },
		"numbers, semicolons":       func(b []byte) string { return "x;" + each(b, "%d", ";") + ";y" },
		"character codes":           func(b []byte) string { return "SELECT " + each(b, "CHR(%d)", " || ") + " FROM dual" },
		"entities":                  func(b []byte) string { return "<p>" + each(b, "&#%d;", "") + "</p>" },
		"Java XMLEncoder": func(b []byte) string {
			return "<array>\n" + indexed(b, "<void index=\"%d\">\n<byte>%d</byte>\n</void>", "\n") + "</array>"
		},
		"numbers":                 func(b []byte) string { return `{"type":"Buffer","data":[` + each(b, "%d", ",") + `]}` },
		"numbers, lines":          func(b []byte) string { return "[\n    " + each(b, "%d", ",\n    ") + "\n]" },
		"numbers, signed":         func(b []byte) string { return "[" + signed(b) + "]" },
		"UTF-16 without a mark":   func(b []byte) string { return wideOf("\n\"x\",\""+std(b)+"\"\n", 2) },
		"UTF-16 of hexadecimal":   func(b []byte) string { return wideOf("1,0x"+hex.EncodeToString(b)+",x", 2) },
		"UTF-32":                  func(b []byte) string { return wideOf(`["`+std(b)+`"]`, 4) },
		"base64, lines joined":    func(b []byte) string { return `"` + fold(std(b), 76, " ") + `"` },
		"base64 in a quoted mail": func(b []byte) string { return "\n> " + fold(std(b), 76, "\n> ") + "\n\nYes." },
		"base64 in lines of a log": func(b []byte) string {
			return "\n2026-11-01T10:00:00Z DEBUG " + fold(std(b), 1000, "\n2026-11-01T10:00:01Z DEBUG ") + "\n"
		},
		"base64, strings added up":      func(b []byte) string { return "\nx = \"" + fold(std(b), 60, "\" +\n    \"") + "\";" },
		"base64, strings under another": func(b []byte) string { return "x = (\n    '" + fold(std(b), 60, "'\n    '") + "')" },
		"Oracle, parts": func(b []byte) string {
			return "VALUES (to_blob(hextoraw('" + fold(hex.EncodeToString(b), 2000, "')) || to_blob(hextoraw('") + "')));"
		},
		"Oracle, statements": func(b []byte) string {
			return "\nappend(b, hextoraw('" + fold(hex.EncodeToString(b), 2000, "'));\nappend(b, hextoraw('") + "'));\n"
		},
		"OCaml": func(b []byte) string { return `let a = "` + decimal(b) + `"` },
		"JSON of surrogates": func(b []byte) string {
			return `{"a": "` + surrogates(b) + `"}`
		},
		"assembler of GNU":   func(b []byte) string { return "a:\n\t.byte\t" + lines(b, "0x%02x", ",", "\n\t.byte\t") },
		"assembler, numbers": func(b []byte) string { return "a:\n\t.byte " + lines(b, "%d", ", ", "\n\t.byte ") },
		"assembler of Intel": func(b []byte) string {
			return "a\tdb " + strings.ReplaceAll(lines(b, "0%02Xh", ", ", "\n\tdb "), "00", "0")
		},
		"HTML in quoted-printable, 1 on": func(b []byte) string { return "\n" + quoted(t, "x"+html(b)) },
		"HTML in quoted-printable, 2 on": func(b []byte) string { return "\n" + quoted(t, "xx"+html(b)) },
		"HTML in quoted-printable, 3 on": func(b []byte) string { return "\n" + quoted(t, "xxx"+html(b)) },
		"C array of short numbers":       func(b []byte) string { return "[]byte{" + each(b, "0x%x", ", ") + "}" },
		"Java array":                     func(b []byte) string { return "byte[] b = {" + each(b, "(byte) 0x%02x", ", ") + "};" },
		"Perl":                           perl,
		"gzip": func(b []byte) string {
			return "HTTP/1.1 200 OK\r\n\r\n" + Compressed(t, b, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }) + "\r\n"
		},
		"zlib": func(b []byte) string {
			return "PACK\x00" + Compressed(t, b, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }) + "\x00"
		},
		"zlib of a git object in base64": func(b []byte) string {
			return `{"blob":"` + std([]byte(Compressed(t, slices.Concat([]byte("blob 9\x00"), b), func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }))) + `"}`
		},
		"as they are": func(b []byte) string { return "WARC/1.0\r\n\r\n" + string(b) + "\r\nWARC/1.0\r\n" },
	}
}

// Listings are bytes in words of digits behind addresses, as hexdump, xxd, od and debuggers write them.
func Listings() map[string]func([]byte) string {
	return map[string]func([]byte) string{
		"hexdump":     hexdump,
		"xxd":         func(b []byte) string { return words(b, "%08x:", " %04x", 16, 2, true, true) },
		"xxd -g1":     func(b []byte) string { return words(b, "%08x:", " %02x", 16, 1, true, true) },
		"xxd -c32 -u": func(b []byte) string { return words(b, "%08x:", " %04X", 32, 2, true, true) },
		"xxd -e":      func(b []byte) string { return words(b, "%08x:", " %08x", 16, 4, false, true) },
		"xxd in a mail": func(b []byte) string {
			return strings.ReplaceAll(words(b, "%08x:", " %04x", 16, 2, true, true), "\n", "\n> ")
		},
		"hexdump, words": func(b []byte) string { return words(b, "%07x", " %04x", 16, 2, false, false) },
		"hexdump -x":     func(b []byte) string { return words(b, "%07x", "    %04x", 16, 2, false, false) },
		"od":             func(b []byte) string { return words(b, "%07o", " %06o", 16, 2, false, false) },
		"od -t x1":       func(b []byte) string { return words(b, "%07o", " %02x", 16, 1, true, false) },
		"od -A d -t u1":  func(b []byte) string { return words(b, "%07d", " %3d", 16, 1, true, false) },
		"od -A d -t u2":  func(b []byte) string { return words(b, "%07d", " %5d", 16, 2, false, false) },
		"od -b":          func(b []byte) string { return words(b, "%07o", " %03o", 16, 1, true, false) },
		"od -t o4":       func(b []byte) string { return words(b, "%07o", " %011o", 16, 4, false, false) },
		"tcpdump -x":     func(b []byte) string { return words(b, "\t0x%04x: ", " %04x", 16, 2, true, false) },
		"debugger":       func(b []byte) string { return words(b, "0x5555%08x:", "\t0x%02x", 8, 1, true, false) },
		"od of a disk": func(b []byte) string {
			return starred(words(slices.Concat(make([]byte, 4096), b, make([]byte, 4096)), "%07o", " %06o", 16, 2, false, false), 7)
		},
		"xxd -b":          func(b []byte) string { return words(b, "%08x:", " %08b", 6, 1, true, true) },
		"od --endian=big": func(b []byte) string { return words(b, "%07o", " %04x", 16, 2, true, false) },
	}
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
