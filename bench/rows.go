package main

import (
	"fmt"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/test/attack"
)

// attackRows are the rows of the documents' tables: attacks that do as much are one row.
func attackRows() ruler.RowNames {
	group := func(name string) (out []string) {
		for _, a := range attack.All() {
			if a.Group == name {
				out = append(out, a.Name)
			}
		}
		return out
	}
	return ruler.RowNames{
		{Name: "none", Values: group("none")},
		{Name: "JPEG 90 to 30", Values: []string{"jpeg90", "jpeg75", "jpeg50", "jpeg30"}},
		{Name: "JPEG 20", Values: []string{"jpeg20"}},
		{Name: "JPEG 10", Values: []string{"jpeg10"}},
		{Name: "resize to 50 to 150 %", Values: []string{"resize75", "resize50", "resize150"}},
		{Name: "resize to 25 %", Values: []string{"resize25"}},
		{Name: "messengers", Values: group("messenger")},
		{Name: "thumbnail of 320 px", Values: []string{"thumb320"}},
		{Name: "thumbnail of 160 px", Values: []string{"thumb160"}},
		{Name: "crop to 25 % and more", Values: []string{"crop75", "crop50", "crop25"}},
		{Name: "crop to 10 %", Values: []string{"crop10"}},
		{Name: "crop to 5 %", Values: []string{"crop05"}},
		{Name: "rotation, mirror", Values: group("rotate")},
		{Name: "stretch, shear, perspective 3 %", Values: []string{"aspect10", "shear3", "persp3"}},
		{Name: "perspective 8 %", Values: []string{"persp8"}},
		{Name: "tone", Values: group("tone")},
		{Name: "filters", Values: group("filter")},
		{Name: "overlays", Values: group("overlay")},
		{Name: "screenshot, collage, screen photo, print", Values: group("capture")},
		{Name: "chains", Values: group("chain")},
	}
}

// The runs that documents show beside each other.
const (
	runReal    = "twenty real"
	runShipped = "shipped"
)

// pixels is a column of the size of a picture.
func pixels() ruler.Column {
	return ruler.Column{Head: "pixels", Cell: func(g ruler.Group) string {
		return fmt.Sprintf("%.0f x %.0f", g.Mean("width"), g.Mean("height"))
	}}
}

// perRun repeats a column for every run that documents show.
func perRun(c ruler.Column) []ruler.Column {
	var out []ruler.Column
	for _, run := range []struct{ name, head string }{{runReal, "twenty real"}, {runShipped, "fifteen shipped"}} {
		of := c.When(ruler.Is("run", run.name))
		of.Head = run.head
		out = append(out, of)
	}
	return out
}
