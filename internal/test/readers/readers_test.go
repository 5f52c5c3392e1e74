package readers

import (
	"errors"
	"image"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/specimen"
)

// A zone is read if its check digits are right, also with letters that look like digits. The first passport is ICAO's example.
func TestZones(t *testing.T) {
	const icao = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10\n"
	for text, want := range map[string]int{
		icao: 1, strings.ReplaceAll(icao, "UTO", "UT0"): 1, strings.Replace(icao, "7408122F", "74O8l22F", 1): 0, strings.Replace(icao, "7408122F", "74O8I22F", 1): 1,
		strings.Replace(icao, "7408122F", "7408132F", 1): 0, strings.Replace(icao, "L898902C36", "L898902C37", 1): 0, strings.Replace(icao, "1204159", "1204158", 1): 0,
		"some words\n": 0, "": 0, "7408122F1204159UTO<<<<<<<<<<<6": 1, "74 08122F 1204159UTO<<<<<<<<<<<6": 1,
	} {
		assert.Equal(t, want, zones(text, nil), text)
	}
	for seed := range uint64(20) {
		lines := specimen.NewPerson(seed).MRZ(specimen.Passport)
		assert.Equal(t, 1, zones(strings.Join(lines, "\n"), nil), lines)
	}
}

func TestWords(t *testing.T) {
	const head = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n"
	line := func(conf, word string) string { return "5\t1\t1\t1\t1\t1\t10\t10\t20\t9\t" + conf + "\t" + word + "\n" }
	table := head + line("96.5", "Electricity,") + line("79.9", "doubtful") + line("95", "kWh") + line("90", "ELECTRICITY") + line("88", "2019") + line("-1", "") + line("91", "Übung")
	assert.Equal(t, map[string]bool{"electricity": true, "2019": true, "übung": true}, sureWords(table, nil))
	assert.Equal(t, map[string]bool{"2019": true}, sureWords(table, map[string]bool{"2019": true, "doubtful": true}))
	assert.Equal(t, 0, barcodes("No barcode found\n", nil))
	assert.Equal(t, 2, barcodes("Text: \"a\"\nFormat:     QRCode\n\nText: \"Format:\"\nFormat:     QRCode\n", nil))
}

func TestChance(t *testing.T) {
	for _, c := range [][3]float64{{0, 0, 1}, {1, 0, 1}, {3, 3, 1}, {5, 0, .0625}, {1, 9, .021484}} {
		assert.InDelta(t, c[2], Chance(c[0], c[1]), 1e-6)
		assert.InDelta(t, c[2], Chance(c[1], c[0]), 1e-6)
	}
}

// The error names the packages of the programs that are missing.
func TestMissingPrograms(t *testing.T) {
	none := func(string) (string, error) { return "", exec.ErrNotFound }
	_, err := Of([]string{"MRZ", "QR", "PDF417"}, none)
	require.EqualError(t, err, "programs are missing: apt-get install tesseract-ocr zxing-cpp-tools")
	found, err := Of([]string{"faces"}, func(tool string) (string, error) {
		if tool != "facedetect" {
			return "", errors.New(tool)
		}
		return tool, nil
	})
	require.NoError(t, err)
	require.Len(t, found, 1)
	_, err = Of([]string{"irises"}, none)
	require.ErrorContains(t, err, "irises")
	_, err = Reader{tool: "/nowhere/tool", args: []string{"FILE"}, count: barcodes}.Read(t.Context(), image.NewNRGBA(image.Rect(0, 0, 4, 4)), nil)
	require.ErrorContains(t, err, "/nowhere/tool")
}
