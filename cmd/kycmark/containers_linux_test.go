package main

import (
	"bytes"
	"crypto/rc4"
	"encoding/ascii85"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/ulikunitz/xz"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/fromfile"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/skip"
	"github.com/kycmark/kycmark/internal/test/writings"
)

// A leaked is a picture in a container.
type leaked struct {
	name string
	data []byte
}

// containers are those that are no text, by the ending of their files.
var containers = map[string]func(t *testing.T, pictures []leaked) []byte{
	"tar": tarOfLeaks, "zip": zipOfLeaks,
	"tgz":    func(t *testing.T, p []leaked) []byte { return gzipOf(t, tarOfLeaks(t, p)) },
	"tar.xz": func(t *testing.T, p []leaked) []byte { return xzed(t, tarOfLeaks(t, p)) },
	"sql": func(t *testing.T, p []leaked) []byte {
		return fmt.Appendf(nil, "INSERT INTO f VALUES (1,X'%x');", zipOfLeaks(t, p))
	},
	"exe": func(t *testing.T, p []leaked) []byte {
		return append([]byte("MZ"+strings.Repeat("\x00", 5000)), zipOfLeaks(t, p)...)
	},
	"warc.gz": func(t *testing.T, p []leaked) []byte {
		return eachOf(p, func(l leaked) []byte {
			return gzipOf(t, fmt.Appendf(nil, "WARC/1.0\r\nWARC-Target-URI: http://x/%s\r\n\r\n%s\r\n\r\n", l.name, l.data))
		})
	},
	"http": func(t *testing.T, p []leaked) []byte {
		return eachOf(p, func(l leaked) []byte {
			return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n%s\r\n", gzipOf(t, l.data))
		})
	},
	"form": func(_ *testing.T, p []leaked) []byte {
		return eachOf(p, func(l leaked) []byte {
			return fmt.Appendf(nil, "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"%s\"\r\n\r\n%s\r\n", l.name, l.data)
		})
	},
	"aof": func(_ *testing.T, p []leaked) []byte {
		return eachOf(p, func(l leaked) []byte {
			return fmt.Appendf(nil, "*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n", len(l.name), l.name, len(l.data), l.data)
		})
	},
	"bson": func(_ *testing.T, p []leaked) []byte {
		return eachOf(p, func(l leaked) []byte { return lengths("\x05photo\x00", l.data, "\x00") })
	},
	"cbor": func(_ *testing.T, p []leaked) []byte {
		return eachOf(p, func(l leaked) []byte {
			return append(binary.BigEndian.AppendUint32([]byte{0x5a}, uint32(len(l.data))), l.data...)
		})
	},
	"plist": func(_ *testing.T, p []leaked) []byte {
		return append([]byte("bplist00"), eachOf(p, func(l leaked) []byte { return append([]byte{0x4f, 0x12, 0, 0, 0, 9}, l.data...) })...)
	},
	"img": func(_ *testing.T, p []leaked) []byte {
		return eachOf(p, func(l leaked) []byte {
			return append(append(make([]byte, 4096), l.data...), make([]byte, 4096-len(l.data)%4096)...)
		})
	},
	"npy": func(_ *testing.T, p []leaked) []byte {
		return eachOf(p, func(l leaked) []byte {
			return append(l.data[:len(l.data):len(l.data)], make([]byte, 1<<20-len(l.data))...)
		})
	},
	"jpg": func(_ *testing.T, p []leaked) []byte { return eachOf(p, func(l leaked) []byte { return l.data }) },
	"cpio": func(_ *testing.T, p []leaked) []byte {
		return eachOf(p, func(l leaked) []byte {
			return fmt.Appendf(nil, "070707%064d%06o%011o%s\x00%s", 0, len(l.name)+1, len(l.data), l.name, l.data)
		})
	},
	"p7m": func(_ *testing.T, p []leaked) []byte {
		return append([]byte("\x30\x84\x00\x10\x00\x00"), eachOf(p, func(l leaked) []byte {
			return append(binary.BigEndian.AppendUint32([]byte{4, 0x84}, uint32(len(l.data))), l.data...)
		})...)
	},
	"winmail": func(_ *testing.T, p []leaked) []byte {
		return append([]byte("\x78\x9f\x3e\x22\x01\x00"), eachOf(p, func(l leaked) []byte { return lengths("\x02\x0f\x80\x06\x00", l.data, "\x00\x00") })...)
	},
	"msg": func(_ *testing.T, p []leaked) []byte {
		return append(append([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), make([]byte, 504)...), eachOf(p, func(l leaked) []byte {
			return append(l.data[:len(l.data):len(l.data)], make([]byte, 512-len(l.data)%512)...)
		})...)
	},
	"rtf": func(_ *testing.T, p []leaked) []byte {
		return []byte("{\\rtf1 " + string(eachOf(p, func(l leaked) []byte { return []byte("{\\pict\\jpegblip " + hex.EncodeToString(l.data) + "}") })) + "}")
	},
	"docx": func(t *testing.T, p []leaked) []byte {
		return zipOfLeaks(t, append([]leaked{{"[Content_Types].xml", []byte("<Types/>")}, {"word/embeddings/oleObject1.bin", eachOf(p[:2], func(l leaked) []byte { return l.data })}}, p[2:]...))
	},
	"mbox": func(_ *testing.T, p []leaked) []byte {
		return eachOf(p, func(l leaked) []byte {
			return fmt.Appendf(nil, "From a\nContent-Type: image/jpeg; name=%s\nContent-Transfer-Encoding: base64\n\n%s\n\n", l.name, base64.StdEncoding.EncodeToString(l.data))
		})
	},
	"mail": func(t *testing.T, p []leaked) []byte {
		return []byte("From: x\r\nContent-Type: application/zip; name=a.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString(zipOfLeaks(t, p)) + "\r\n")
	},
	"broken": func(t *testing.T, p []leaked) []byte { b := zipOfLeaks(t, p); return b[:len(b)-60] },
	"half.png": func(_ *testing.T, p []leaked) []byte {
		return append(append([]byte("cache"), p[3].data[:len(p[3].data)/2]...), eachOf(p, func(l leaked) []byte { return l.data })...)
	},
	"encrypted": func(t *testing.T, p []leaked) []byte { return secret(t, zipOfLeaks(t, p)) },
	"encrypted.sql": func(t *testing.T, p []leaked) []byte {
		return fmt.Appendf(nil, "INSERT INTO f VALUES (1,X'%x');", secret(t, zipOfLeaks(t, p)))
	},
	"half.bin": func(t *testing.T, p []leaked) []byte {
		return append(eachOf(p[:2], func(l leaked) []byte { return l.data }), secret(t, zipOfLeaks(t, p))...)
	},
	"b32": func(t *testing.T, p []leaked) []byte {
		return []byte(base32.StdEncoding.EncodeToString(zipOfLeaks(t, p)))
	},
	"a85": func(t *testing.T, p []leaked) []byte {
		b := zipOfLeaks(t, p)
		out := make([]byte, ascii85.MaxEncodedLen(len(b)))
		return out[:ascii85.Encode(out, b)]
	},
	"turned": func(t *testing.T, p []leaked) []byte {
		b := []byte(base64.StdEncoding.EncodeToString(zipOfLeaks(t, p)))
		slices.Reverse(b)
		return b
	},
	"method.zip": func(t *testing.T, p []leaked) []byte { // compressed in a way that is not known
		b := zipOfLeaks(t, p)
		for at := bytes.Index(b, []byte("PK\x01\x02")); at >= 0; {
			b[at+10] = 98
			next := bytes.Index(b[at+4:], []byte("PK\x01\x02"))
			if at += next + 4; next < 0 {
				break
			}
		}
		return b
	},
}

func eachOf(p []leaked, of func(leaked) []byte) (out []byte) {
	for _, l := range p {
		out = append(out, of(l)...)
	}
	return out
}

func lengths(before string, data []byte, behind string) []byte {
	return append(append(binary.LittleEndian.AppendUint32([]byte(before), uint32(len(data))), data...), behind...)
}

func secret(t *testing.T, b []byte) []byte {
	c, err := rc4.NewCipher([]byte("a key of a thief"))
	require.NoError(t, err)
	out := make([]byte, len(b))
	c.XORKeyStream(out, b)
	return out
}

func tarOfLeaks(t *testing.T, pictures []leaked) []byte { return tarOf(t, inTurn(pictures)...) }
func zipOfLeaks(t *testing.T, pictures []leaked) []byte { return zipOf(t, inTurn(pictures)...) }

// inTurn returns the names and contents of pictures in turn.
func inTurn(pictures []leaked) (out []any) {
	for _, p := range pictures {
		out = append(out, p.name, p.data)
	}
	return out
}

func xzed(t *testing.T, b []byte) []byte {
	return []byte(writings.Compressed(t, b, func(w io.Writer) io.WriteCloser {
		z, err := xz.NewWriter(w)
		require.NoError(t, err)
		return z
	}))
}

// madeLeak is the leak that tests share: its folder as a tar archive, and its pictures.
var madeLeak struct {
	sync.Once
	folder   []byte
	pictures []leaked
}

// newLeak returns a home in which two vendors have copies, and a dump of two of each, and of a stranger's picture.
func newLeak(t *testing.T) (x *issuing, pictures []leaked) {
	t.Helper()
	madeLeak.Do(func() {
		x, pictures := makeLeak(t)
		folder, err := exec.Command("tar", "-C", x.dir, "-cf", "-", ".").Output()
		require.NoError(t, err)
		madeLeak.folder, madeLeak.pictures = folder, pictures
	})
	require.NotEmpty(t, madeLeak.pictures, "the leak could not be made")
	x = &issuing{T: t, dir: t.TempDir(), random: rand.New(rand.NewPCG(50, 2))}
	cmd := exec.Command("tar", "-C", x.dir, "-xpf", "-")
	cmd.Stdin = bytes.NewReader(madeLeak.folder)
	require.NoError(t, cmd.Run())
	return x, slices.Clone(madeLeak.pictures)
}

func makeLeak(t *testing.T) (x *issuing, pictures []leaked) {
	x = &issuing{T: t, dir: t.TempDir(), random: rand.New(rand.NewPCG(50, 2))}
	shrunk := func(name string) image.Image {
		p, err := fromfile.Picture("../../testdata/pictures/"+name+".jpg", picture.Limits{})
		require.NoError(t, err)
		return imaging.Fit(p.Image, 440, 440, imaging.Lanczos)
	}
	jpegOf := func(img image.Image) []byte {
		var out bytes.Buffer
		require.NoError(t, jpeg.Encode(&out, img, &jpeg.Options{Quality: 88}))
		return out.Bytes()
	}
	require.NoError(t, os.Mkdir(filepath.Join(x.dir, "up"), 0o700))
	for _, name := range []string{"anna_passport", "chidi_idcard"} {
		require.NoError(t, os.WriteFile(filepath.Join(x.dir, "up", name+".jpg"), jpegOf(shrunk(name)), 0o600))
	}
	x.run("init", "kyc")
	require.NoError(t, setting(filepath.Join(x.dir, "kyc"), "references = -1"))
	x.run("submit", "--subject-from", "name", "up")
	for _, vendor := range []string{"vendor-a", "vendor-b"} {
		x.run("recipient", "add", vendor, "--kind", "vendor")
		x.run("issue", "--to", vendor, "--all", "--allow-weak", "--purpose", "checks", "--out", vendor)
		files, err := filepath.Glob(filepath.Join(x.dir, vendor, "*.jpg"))
		require.NoError(t, err)
		require.Len(t, files, 2)
		for _, f := range files {
			data, err := os.ReadFile(f)
			require.NoError(t, err)
			pictures = append(pictures, leaked{fmt.Sprintf("%s-%d.jpg", vendor, len(pictures)), data})
		}
	}
	img, err := jpeg.Decode(bytes.NewReader(pictures[3].data))
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, png.Encode(&out, img))
	pictures[3] = leaked{"vendor-b-3.png", out.Bytes()}
	return x, append(pictures, leaked{"stranger.jpg", jpegOf(shrunk("stranger_passport"))})
}

// investigated investigates a folder of x, and returns the findings by file, with copies, and the headline.
func (x *issuing) investigated(folder string) (found map[string][]string, headline string, code int) {
	x.Helper()
	var out, errs bytes.Buffer
	cmd := x.command("investigate", "--json", folder)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err, exit := cmd.Run(), (*exec.ExitError)(nil); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		require.NoError(x, err)
	}
	found = make(map[string][]string)
	for line := range bytes.Lines(out.Bytes()) {
		var v struct {
			File, Finding, Error string
			Reads                []struct{ Copy string }
			Verdict              struct{ Headline string }
		}
		require.NoError(x, json.Unmarshal(line, &v), "%s%s", line, &errs)
		name, _, _ := strings.Cut(strings.TrimPrefix(v.File, folder+"/"), "!")
		name, _, _ = strings.Cut(name, "#")
		what := v.Finding
		if v.Finding == "damaged" {
			what += ": " + v.Error
		}
		if len(v.Reads) > 0 {
			what += " " + v.Reads[0].Copy
		}
		if headline += v.Verdict.Headline; v.File != "" {
			found[name] = append(found[name], what)
		}
	}
	return found, headline, code
}

// Opponent's story: a container is passed over without a word, and what it holds is cleared. Each of about 100 kinds holds two
// copies of each of two vendors and a stranger's picture. All five are found, or the file is said as not looked into.
func TestContainers(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		skip.Test(t, "without -short only: half a minute of processor time")
	}
	x, pictures := newLeak(t)
	dump := filepath.Join(x.dir, "dump")
	require.NoError(t, os.Mkdir(dump, 0o700))
	all := make(map[string][]byte)
	for i, ending := range slices.Sorted(maps.Keys(containers)) {
		if long.On || i%8 == 3 {
			all["c."+ending] = containers[ending](t, pictures)
		}
	}
	texts := writings.All(t)
	for i, name := range slices.Sorted(maps.Keys(texts)) {
		if long.On || i%40 == 3 {
			all[fmt.Sprintf("%02d.txt", i)] = eachOf(pictures, func(l leaked) []byte { return []byte("\n-- a row\n" + texts[name](l.data) + "\n") })
		}
	}
	for name, data := range all {
		require.NoError(t, os.WriteFile(filepath.Join(dump, name), data, 0o600))
	}
	found, _, _ := x.investigated("dump")
	whole, said := 0, 0
	for _, name := range slices.Sorted(maps.Keys(all)) {
		got := found[name]
		copies := make(map[string]bool)
		for _, what := range got {
			if strings.HasPrefix(what, "copy ") {
				copies[what] = true
			}
		}
		opened := len(copies) == 4 && slices.Contains(got, "unknown")
		saying := slices.Contains(got, "unopened") || slices.ContainsFunc(got, func(what string) bool { return strings.HasPrefix(what, "damaged") })
		assert.True(t, opened || saying, "%s: %v", name, got)
		if opened {
			whole++
		} else {
			said++
		}
		if !strings.HasSuffix(name, ".txt") && !opened {
			t.Logf("%s: not opened, but said: %v", name, got)
		}
		assert.False(t, strings.HasSuffix(name, ".txt") && !opened, "%s: %v", name, got)
	}
	notLookedInto(t, x, pictures)
	t.Logf("of %d containers %d gave all pictures, %d others were said", len(all), whole, said)
	assert.LessOrEqual(t, said, 10)
}

// notLookedInto tells an opponent's story: beside a stranger's picture lies a file that was not looked into, and the report
// clears the dump.
func notLookedInto(t *testing.T, x *issuing, pictures []leaked) {
	kinds := []string{"encrypted", "encrypted.sql", "b32", "a85", "turned"}
	for n := range long.Number(1, 200) {
		folder := fmt.Sprintf("dump%d", n)
		require.NoError(t, os.Mkdir(filepath.Join(x.dir, folder), 0o700))
		kind := kinds[n%len(kinds)]
		data := containers[kind](t, append([]leaked{{"noise.bin", noiseOf(x.random, 20_000+x.random.IntN(400_000))}}, pictures[x.random.IntN(5):]...))
		require.NoError(t, os.WriteFile(filepath.Join(x.dir, folder, "x."+kind), data, 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(x.dir, folder, "stranger.jpg"), pictures[4].data, 0o600))
		found, headline, code := x.investigated(folder)
		assert.Contains(t, found["x."+kind], "unopened", kind)
		assert.Regexp(t, `(\d of the \d|Both|All \d|The) files? given (was|were) not examined`, headline, kind) // of random bytes a part may start as a picture
		assert.Equal(t, ui.ExitSome, code, kind)
	}
}

func noiseOf(random *rand.Rand, n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(random.Uint32())
	}
	return out
}
