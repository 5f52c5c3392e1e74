package experiments

import (
	"fmt"
	"math"
	"strings"
)

func (r *qualityRun) report() *QualityReport {
	rep := &QualityReport{
		KeyID: r.key.ID(), Seed: r.cfg.Seed, MaxSide: r.cfg.MaxSide,
		Butteraugli: r.judge != nil, Pictures: []QualityResult{}, Broken: []Failure{},
	}
	for i := range r.subjects {
		s, file := &r.subjects[i], r.cfg.Pictures[i]
		if s.broken != nil {
			rep.Broken = append(rep.Broken, Failure{File: file, Error: s.broken.Error()})
			continue
		}
		for _, err := range s.failed {
			if err != nil {
				rep.Broken = append(rep.Broken, Failure{File: file, Error: err.Error()})
			}
		}
		rep.Pictures = append(rep.Pictures, s.result)
	}
	for k := range changes {
		rep.Means[k], rep.Worst[k] = summarise(rep.Pictures, k)
	}
	return rep
}

// summarise returns mean and worst of each measure over what is finite.
func summarise(pictures []QualityResult, k int) (means, worst Visible) {
	over := func(get func(v *Visible) Number, worse func(a, b float64) float64) (Number, Number) {
		var m mean
		w := math.NaN()
		for i := range pictures {
			v := float64(get(&pictures[i].Changes[k]))
			if math.IsNaN(v) || math.IsInf(v, 0) {
				continue
			}
			if m.add(v); m.n == 1 {
				w = v
			}
			w = worse(w, v)
		}
		return m.value(), Number(w)
	}
	means.PSNR, worst.PSNR = over(func(v *Visible) Number { return v.PSNR }, math.Min)
	means.SSIM, worst.SSIM = over(func(v *Visible) Number { return v.SSIM }, math.Min)
	means.PDQ, worst.PDQ = over(func(v *Visible) Number { return v.PDQ }, math.Max)
	means.Butteraugli.Max, worst.Butteraugli.Max = over(func(v *Visible) Number { return v.Butteraugli.Max }, math.Max)
	means.Butteraugli.Norm3, worst.Butteraugli.Norm3 = over(func(v *Visible) Number { return v.Butteraugli.Norm3 }, math.Max)
	return means, worst
}

// Markdown returns the report as a table.
func (rep *QualityReport) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, key %s, seed %d. PSNR in dB / SSIM / bits of the PDQ hash that differ", count(len(rep.Pictures), "picture"), rep.KeyID, rep.Seed)
	if rep.Butteraugli {
		b.WriteString(" / Butteraugli maximum / 3-norm")
	}
	b.WriteString(".\n\n")
	if !rep.Butteraugli {
		fmt.Fprintf(&b, "**BUTTERAUGLI NOT MEASURED**: the program %s is not on PATH (it comes with libjxl's tools).\n\n", butteraugliTool)
	}
	b.WriteString("| picture | pixels | strength | the mark | JPEG 90 | JPEG 75 |\n|---|---|---|---|---|---|\n")
	for i := range rep.Pictures {
		p := &rep.Pictures[i]
		weak := ""
		if p.Weak {
			weak = " (weak)"
		}
		fmt.Fprintf(&b, "| %s | %d x %d | %s%s |%s\n", short(p.File), p.Width, p.Height,
			p.Strength.digits(2), weak, rep.cells(&p.Changes))
	}
	fmt.Fprintf(&b, "| **mean** | | |%s\n| **worst** | | |%s\n", rep.cells(&rep.Means), rep.cells(&rep.Worst))
	writeFailures(&b, "Not measured", rep.Broken)
	return b.String()
}

func (rep *QualityReport) cells(all *[changes]Visible) string {
	var b strings.Builder
	for _, v := range all {
		fmt.Fprintf(&b, " %s / %s / %s", v.PSNR.digits(1), v.SSIM.digits(4), v.PDQ.digits(0))
		if rep.Butteraugli {
			fmt.Fprintf(&b, " / %s / %s", v.Butteraugli.Max.digits(2), v.Butteraugli.Norm3.digits(2))
		}
		b.WriteString(" |")
	}
	return b.String()
}
