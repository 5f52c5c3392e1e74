package experiments

import (
	"fmt"
	"math"
	"strings"
)

// Markdown returns the report as tables: groups with their attacks and the
// pictures that failed, then every picture, then what went wrong.
func (rep *RobustnessReport) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s, key %s, seed %d", count(len(rep.Pictures), "picture"), count(len(rep.Attacks), "attack"), rep.KeyID, rep.Seed)
	if rep.MaxSide > 0 {
		fmt.Fprintf(&b, ", pictures shrunk to %d px", rep.MaxSide)
	}
	b.WriteString(". Read means the exact 64-bit copy ID.\n\n")
	rep.groupTable(&b)
	b.WriteString("\n| picture | pixels | PSNR, dB | SSIM | read | not read |\n|---|---|---|---|---|---|\n")
	for _, p := range rep.Pictures {
		weak := ""
		if p.Weak {
			weak = " (weak)"
		}
		fmt.Fprintf(&b, "| %s | %d x %d | %s%s | %s | %d/%d | %s |\n", short(p.File), p.Width, p.Height,
			p.PSNR.digits(1), weak, p.SSIM.digits(4), p.Read, p.Tried, strings.Join(p.Missed, " "))
	}
	rep.visibility(&b)
	fmt.Fprintf(&b, "\nMean times: marking %s ms, attack %s ms, reading %s ms where found and %s ms where not.\n",
		rep.MeanMS.Mark.digits(0), rep.MeanMS.Attack.digits(0), rep.MeanMS.Found.digits(0), rep.MeanMS.NotFound.digits(0))
	rep.troubles(&b)
	return b.String()
}

// visibility says at what cost the pictures were marked.
func (rep *RobustnessReport) visibility(b *strings.Builder) {
	var psnr, ssim mean
	lowP, lowS, weak := math.Inf(1), math.Inf(1), 0
	for _, p := range rep.Pictures {
		psnr.add(float64(p.PSNR))
		ssim.add(float64(p.SSIM))
		lowP, lowS = min(lowP, float64(p.PSNR)), min(lowS, float64(p.SSIM))
		if p.Weak {
			weak++
		}
	}
	if psnr.n > 0 {
		fmt.Fprintf(b, "\nPSNR mean %s, lowest %.1f dB; SSIM mean %s, lowest %.4f; weakly marked: %d.\n",
			psnr.value().digits(1), lowP, ssim.value().digits(4), lowS, weak)
	}
}

func (rep *RobustnessReport) groupTable(b *strings.Builder) {
	b.WriteString("| group | read | attacks (read/pictures), and the pictures that failed |\n|---|---|---|\n")
	for _, g := range rep.Groups {
		var cells []string
		for _, a := range rep.Attacks {
			if a.Group == g.Name {
				cells = append(cells, a.cell())
			}
		}
		fmt.Fprintf(b, "| %s | %.1f %% | %s |\n", g.Name, 100*g.Share(), strings.Join(cells, ", "))
	}
	fmt.Fprintf(b, "| **all** | **%.1f %%** | %d/%d |\n", 100*rep.Total.Share(), rep.Total.Read, rep.Total.Tried)
}

// cell names the pictures that failed, unless none or all did.
func (a *AttackResult) cell() string {
	text := fmt.Sprintf("%s %d/%d", a.Name, a.Read, a.Tried)
	if len(a.Missed) == 0 || a.Read == 0 {
		return text
	}
	names := make([]string, len(a.Missed))
	for i, file := range a.Missed {
		names[i] = short(file)
	}
	return text + " (" + strings.Join(names, " ") + ")"
}

func (rep *RobustnessReport) troubles(b *strings.Builder) {
	for _, w := range rep.Wrong {
		fmt.Fprintf(b, "\n**ALARM: wrong ID**: %s under %s was marked %s and read %s.\n", short(w.File), w.Attack, w.Copy, w.Read)
	}
	for _, m := range rep.Missed {
		fmt.Fprintf(b, "\n**Bar missed**: %s %.1f %%, asked for %.1f %%.\n", m.Name, 100*float64(m.Got), 100*float64(m.Bar))
	}
	writeFailures(b, "Not measured", rep.Broken)
	writeFailures(b, "Reading failed, counted as not read", rep.Errors)
}

// writeFailures writes a list under a heading, or nothing.
func writeFailures(b *strings.Builder, heading string, list []Failure) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s:\n", heading)
	for _, f := range list {
		name := short(f.File)
		if f.Attack != "" {
			name += " under " + f.Attack
		}
		fmt.Fprintf(b, "- %s: %s\n", name, f.Error)
	}
}
