// Package pages draws pages as computers make them: letters, statements, payslips, forms, terms and
// screens of banking apps, with the fields of invented people. A browser renders them, so that edges,
// letters and lines are real.
package pages

import (
	"bytes"
	"context"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"image"
	"image/draw"
	"image/png"
	"math/rand/v2"
	"os/exec"
	"path"
	"strings"

	"github.com/chromedp/chromedp"

	"github.com/kycmark/kycmark/internal/test/specimen"
)

//go:embed templates/*.html
var files embed.FS

// Names returns the templates, in order. Thresholds were chosen by [Tuned], and not by the others.
func Names() []string {
	found, err := files.ReadDir("templates")
	if err != nil {
		panic(err)
	}
	var all []string
	for _, f := range found {
		all = append(all, strings.TrimSuffix(f.Name(), ".html"))
	}
	return all
}

// Tuned are the templates that served to choose thresholds.
var Tuned = []string{"app_account", "letter_employer", "payslip", "statement", "terms", "form_opening"}

// A Page is a filled template.
type Page struct {
	HTML   string
	W, H   int     // CSS pixels
	Device float64 // pixels of a CSS pixel
}

// The windows in which a template is shown.
var (
	paper  = []Page{{W: 794, H: 1123, Device: 1}, {W: 794, H: 1123, Device: 1.5}, {W: 794, H: 1123, Device: 2}}
	phones = []Page{{W: 360, H: 780, Device: 2}, {W: 360, H: 780, Device: 3}, {W: 412, H: 892, Device: 2.625}}
)

// Fill returns a template with the fields of the person whose number is seed. All people of a template have the same
// bank, employer and wording. size chooses the window, modulo the number of windows.
func Fill(name string, seed uint64, size int) Page {
	t := template.Must(template.ParseFS(files, path.Join("templates", name+".html")))
	var out bytes.Buffer
	if err := t.Execute(&out, fieldsOf(seed)); err != nil {
		panic(err)
	}
	windows := paper
	if strings.HasPrefix(name, "app_") {
		windows = phones
	}
	p := windows[size%len(windows)]
	p.HTML = out.String()
	return p
}

// A Fields is what the templates say of one person.
type Fields struct {
	Name, First, Last, Street, Town, Zip string
	Initial                              string
	Born, Phone, Mail, IBAN, Number      string
	Salary, Tax, Social, Net, Balance    string
	Joined, Role                         string
	Rows                                 []Row
}

// A Row is a line of an account.
type Row struct{ Date, Text, Amount, After string }

func fieldsOf(seed uint64) (f Fields) {
	r := rand.New(rand.NewPCG(seed, 48))
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	p := specimen.NewPerson(seed)
	f.First, f.Last = p.Given, p.Surname
	f.Name, f.Initial = f.First+" "+f.Last, string([]rune(f.Last)[:1])
	f.Street = fmt.Sprintf("%s %d", pick("Harbour Street", "Orchard Lane", "Mill Row", "Cedar Avenue", "Linden Avenue", "Ferry Road", "Station Road", "Quarry Hill"), 1+r.IntN(180))
	f.Town, f.Zip = pick("Harrowmere", "Lindeholm", "Kestrelby", "Brackenford", "Calderwick", "Zephyrstad"), fmt.Sprintf("%05d", r.IntN(100000))
	f.Born = fmt.Sprintf("%02d.%02d.%d", 1+r.IntN(28), 1+r.IntN(12), 1950+r.IntN(55))
	f.Phone = fmt.Sprintf("+49 1%02d %07d", 50+r.IntN(30), r.IntN(1e7))
	f.Mail = strings.ToLower(f.First[:1]) + fmt.Sprintf("%d@mail.example", r.IntN(1e5))
	f.IBAN = fmt.Sprintf("DE%02d 5001 0517 %04d %04d %02d", 10+r.IntN(89), r.IntN(1e4), r.IntN(1e4), r.IntN(100))
	f.Number = fmt.Sprintf("%03d-%06d", r.IntN(1000), r.IntN(1e6))
	salary := 180000 + r.IntN(70)*5000
	f.Salary, f.Tax, f.Social, f.Net = money(salary), money(salary*19/100), money(salary*20/100), money(salary*61/100)
	f.Joined, f.Role = fmt.Sprintf("1 %s %d", pick("January", "April", "May", "July", "October"), 2008+r.IntN(14)), pick("Accountant", "Technician", "Clerk", "Engineer", "Driver", "Analyst")
	balance := 20000 + r.IntN(900000)
	for i := range 14 {
		amount := -r.IntN(12000) - 199
		text := pick("Card payment Grocer Central", "Direct debit Water Works", "Card payment Fuel 24", "Standing order rent", "Cash machine 0417", "Card payment Books & More", "Direct debit Mobile One")
		if i == 3 {
			amount, text = salary*61/100, "Salary Northwind Works"
		}
		balance += amount
		f.Rows = append(f.Rows, Row{fmt.Sprintf("%02d.02.2018", 1+i*2), text, money(amount), money(balance)})
	}
	f.Balance = money(balance)
	return f
}

func money(cents int) string {
	sign := ""
	if cents < 0 {
		sign, cents = "−", -cents
	}
	whole := fmt.Sprint(cents / 100)
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return fmt.Sprintf("%s%s.%02d", sign, whole, cents%100)
}

// A Browser renders pages, one after the other.
type Browser struct{ ctx context.Context }

// Program returns where Debian's Chromium, or another, is.
func Program() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("chromium is not installed: apt-get install chromium")
}

// NewBrowser starts a browser that ends with ctx.
func NewBrowser(ctx context.Context) (*Browser, error) {
	program, err := Program()
	if err != nil {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("hide-scrollbars", true))
	ctx, _ = chromedp.NewExecAllocator(ctx, options...)
	ctx, _ = chromedp.NewContext(ctx)
	return &Browser{ctx}, chromedp.Do(ctx, chromedp.Navigate("about:blank"))
}

// WebP returns a file of a picture in lossy WebP of a quality of 0 to 1, as browsers write it.
func (b *Browser) WebP(img image.Image, quality float64) ([]byte, error) {
	var lossless bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&lossless, img); err != nil {
		return nil, err
	}
	url, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](fmt.Sprintf(`(async () => {
		const img = new Image()
		img.src = "data:image/png;base64,%s"
		await img.decode()
		const canvas = Object.assign(document.createElement("canvas"), {width: img.width, height: img.height})
		canvas.getContext("2d").drawImage(img, 0, 0)
		return canvas.toDataURL("image/webp", %g)
	})()`, base64.StdEncoding.EncodeToString(lossless.Bytes()), quality), chromedp.EvalAwaitPromise))
	if err != nil {
		return nil, err
	}
	file, is := strings.CutPrefix(url, "data:image/webp;base64,")
	if !is {
		return nil, fmt.Errorf("the browser wrote %.40s, not WebP", url)
	}
	return base64.StdEncoding.DecodeString(file)
}

// Render returns the picture of a page.
func (b *Browser) Render(p Page) (*image.NRGBA, error) {
	err := chromedp.Do(b.ctx, chromedp.EmulateViewport(int64(p.W), int64(p.H), chromedp.EmulateScale(p.Device)),
		chromedp.Navigate("data:text/html;charset=utf-8;base64,"+base64.StdEncoding.EncodeToString([]byte(p.HTML))))
	if err != nil {
		return nil, err
	}
	shot, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return nil, err
	}
	img, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		return nil, err
	}
	out := image.NewNRGBA(img.Bounds())
	draw.Draw(out, out.Rect, img, out.Rect.Min, draw.Src)
	return out, nil
}
