package specimen_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/specimen"
)

// The worked examples of ICAO Doc 9303: the check digits of part 3, the
// passport of part 4 and the card of part 5.
func TestCheckDigit(t *testing.T) {
	for _, c := range []struct {
		field string
		digit byte
	}{
		{"L898902C3", '6'}, {"740812", '2'}, {"120415", '9'}, {"ZE184226B<<<<<", '1'},
		{"L898902C3" + "6" + "740812" + "2" + "120415" + "9" + "ZE184226B<<<<<" + "1", '0'},
		{"D23145890", '7'},
		{"D231458907<<<<<<<<<<<<<<<" + "7408122" + "1204159" + "<<<<<<<<<<<", '6'},
		{"520727", '3'}, {"AB2134<<<", '5'},
		{"", '0'}, {"<<<", '0'},
	} {
		assert.Equal(t, string(c.digit), string(specimen.CheckDigit(c.field)), c.field)
	}
}

func TestNameField(t *testing.T) {
	for _, c := range []struct {
		surname, given string
		width          int
		want           string
	}{
		{"Eriksson", "Anna Maria", 39, "ERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<"},
		{"van der Müelen", "Martin", 30, "VAN<DER<MUEELEN<<MARTIN<<<<<<<"},
		{"O'Sheridan", "João", 30, "OSHERIDAN<<JOAO<<<<<<<<<<<<<<<"},
		{"Smith-Jones", "Susie Margaret", 30, "SMITH<JONES<<SUSIE<MARGARET<<<"},
		{"Þorvald", "Søren", 20, "THORVALD<<SOEREN<<<<"},
		{"Faßbinder", "Łucja", 20, "FASSBINDER<<LUCJA<<<"},
		{"Arkfreith", "", 12, "ARKFREITH<<<"},
		{"", "Arkfreith", 12, "ARKFREITH<<<"},
		{"Papandropoulous", "Jonathan", 12, "PAPANDROP<<J"},
		{"Abcdefgh Ijkl", "Jon", 12, "ABCDEFGH<<JO"}, // the cut falls on the filler
		{"山田", "太郎", 4, "<<<<"},
		{"Eriksson", "Anna", 0, ""},
		{"Eriksson", "Anna", -1, ""},
	} {
		assert.Equal(t, c.want, specimen.NameField(c.surname, c.given, c.width), c.surname+" "+c.given)
	}
}

func TestMachineReadableZone(t *testing.T) {
	form := map[specimen.Template]*regexp.Regexp{
		specimen.Passport:  regexp.MustCompile(`^P<UTO[A-Z<]{39}\n[A-Z]{2}\d{7}\dUTO\d{7}[MF<]\d{7}[A-Z]{2}\d{7}<{5}\d\d$`),
		specimen.Residence: regexp.MustCompile(`^IRUTO[A-Z]{2}\d{7}\d<{15}\n\d{7}[MF<]\d{7}UTO<{11}\d\n[A-Z<]{30}$`),
	}
	for seed := range uint64(400) {
		p := specimen.NewPerson(seed)
		for template, re := range form {
			require.Regexp(t, re, strings.Join(p.MRZ(template), "\n"), "person %d", seed)
		}
		checkTD3(t, p.MRZ(specimen.Passport)[1])
	}
	p := specimen.NewPerson(1)
	assert.Nil(t, p.MRZ(specimen.IDCard))
	assert.Nil(t, p.MRZ(specimen.Bill))
	p.Sex = "X"
	assert.Equal(t, "<", p.MRZ(specimen.Passport)[1][20:21], "an unspecified sex is a filler")
}

// checkTD3 works the check digits of the second line out again, by the
// positions of Doc 9303-4.
func checkTD3(t *testing.T, line string) {
	t.Helper()
	for _, field := range [][2]int{{0, 9}, {13, 19}, {21, 27}, {28, 42}} {
		part := line[field[0]:field[1]]
		require.Equal(t, line[field[1]], specimen.CheckDigit(part), "%s of %s", part, line)
	}
	require.Equal(t, line[43], specimen.CheckDigit(line[0:10]+line[13:20]+line[21:43]), line)
}

func FuzzNameField(f *testing.F) {
	f.Add("Eriksson", "Anna Maria", 39)
	f.Add("ﬀ\x00İ", "--'ß", 30)
	f.Add("", " ", 3)
	f.Fuzz(func(t *testing.T, surname, given string, width int) {
		width %= 200
		got := specimen.NameField(surname, given, width)
		require.Len(t, got, max(width, 0))
		require.Empty(t, strings.Trim(got, "ABCDEFGHIJKLMNOPQRSTUVWXYZ<"), got)
		require.NotContains(t, strings.TrimRight(got, "<"), "<<<")
	})
}

func FuzzRenderNames(f *testing.F) {
	f.Add("Eriksson", "Anna Maria", "12 Cedar Avenue")
	f.Add(strings.Repeat("Ŵ", 5000), "\x00\xff", "\u202e")
	f.Fuzz(func(t *testing.T, surname, given, street string) {
		p := specimen.NewPerson(3)
		p.Surname, p.Given, p.Street, p.Birthplace = surname, given, street, given
		for _, template := range specimen.Templates() {
			require.Equal(t, template.Bounds(60), specimen.Render(template, p, 60).Rect)
		}
	})
}
