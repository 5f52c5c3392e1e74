package tlog_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/tlog"
)

// The example of C2SP tlog-checkpoint and tlog-cosignature.
const (
	exampleBody = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
	exampleNote = exampleBody + `
— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
`
	emptyRoot = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
)

func TestParseExample(t *testing.T) {
	c, err := tlog.ParseCheckpoint(exampleBody)
	require.NoError(t, err)
	assert.Equal(t, "example.com/behind-the-sofa", c.Origin)
	assert.EqualValues(t, 20852163, c.Size)
	assert.Equal(t, [4]byte{0x0a, 0xc5, 0x18, 0x6a}, [4]byte(c.Root[:4]))
	assert.Equal(t, exampleBody, c.Body())
}

var goodBodies = []string{
	exampleBody,
	"x\n0\n" + emptyRoot + "\n",
	"a log with spaces + é\n9223372036854775807\n" + emptyRoot + "\n",
}

func TestParseCheckpoint(t *testing.T) {
	for _, body := range goodBodies {
		c, err := tlog.ParseCheckpoint(body)
		if assert.NoError(t, err, "%q", body) {
			assert.Equal(t, body, c.Body())
		}
	}
	root := strings.Split(exampleBody, "\n")[2]
	for name, body := range badBodies(root) {
		c, err := tlog.ParseCheckpoint(body)
		assert.ErrorIs(t, err, tlog.ErrCheckpoint, name)
		assert.Zero(t, c, name)
	}
}

func badBodies(root string) map[string]string {
	return map[string]string{
		"nothing":               "",
		"newline":               "\n",
		"two lines":             "x\n1\n",
		"no last newline":       "x\n1\n" + root,
		"no origin":             "\n1\n" + root + "\n",
		"an extension":          exampleBody + "an extension\n",
		"blank extension":       "x\n1\n" + root + "\n\n",
		"CRLF":                  "x\r\n1\r\n" + root + "\r\n",
		"tab in the origin":     "x\ty\n1\n" + root + "\n",
		"NUL in the origin":     "x\x00\n1\n" + root + "\n",
		"not UTF-8":             "x\xff\n1\n" + root + "\n",
		"leading zero":          "x\n01\n" + root + "\n",
		"two zeros":             "x\n00\n" + emptyRoot + "\n",
		"plus":                  "x\n+1\n" + root + "\n",
		"minus":                 "x\n-1\n" + root + "\n",
		"hex":                   "x\n0x1\n" + root + "\n",
		"underscore":            "x\n1_0\n" + root + "\n",
		"space before the size": "x\n 1\n" + root + "\n",
		"other digits":          "x\n\u0661\n" + root + "\n",
		"too many leaves":       "x\n9223372036854775808\n" + root + "\n",
		"size overflows":        "x\n18446744073709551616\n" + root + "\n",
		"short root":            "x\n1\nAAAA\n",
		"long root":             "x\n1\n" + strings.Repeat("A", 44) + "\n",
		"root without padding":  "x\n1\n" + strings.TrimSuffix(root, "=") + "\n",
		"root with loose bits":  "x\n1\n" + strings.TrimSuffix(root, "I=") + "J=\n",
		"root for URLs":         "x\n1\n" + strings.ReplaceAll(root, "/", "_") + "\n",
		"root of no leaves":     "x\n0\n" + root + "\n",
		"too long":              strings.Repeat("x", 64<<10) + "\n1\n" + root + "\n",
	}
}

// Whatever is accepted is written in the one way.
func FuzzParseCheckpoint(f *testing.F) {
	for _, body := range goodBodies {
		f.Add(body)
	}
	for _, body := range badBodies(emptyRoot) {
		if len(body) < 1000 {
			f.Add(body)
		}
	}
	f.Fuzz(func(t *testing.T, body string) {
		c, err := tlog.ParseCheckpoint(body)
		if err != nil {
			require.ErrorIs(t, err, tlog.ErrCheckpoint)
			return
		}
		require.Equal(t, body, c.Body())
		require.LessOrEqual(t, c.Size, uint64(tlog.MaxSize))
		again, err := tlog.ParseCheckpoint(c.Body())
		require.NoError(t, err)
		require.Equal(t, c, again)
	})
}
