package sentencecheck

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// A World is what random dumps are drawn from: uploads with their copies and custody. Rows are the
// registry's, as findings have them.
type World struct {
	KeyID   string
	Found   time.Time // when the leaks were found, as stated
	Uploads []Upload
}

// An Upload is a submission of a [World].
type Upload struct {
	ID        string
	Submitted time.Time
	Copies    []Copy
	Custody   any // rows
}

// A Copy is a copy of an [Upload].
type Copy struct {
	ID, Recipient string
	Issued        time.Time
	State         string // reserved or void; "": released
	SHA256        string
	Row           any
}

// A dump draws leaks.
type dump struct {
	*rand.Rand
	*World
	tilt []float64 // weight of each kind of leak in this dump
	miss any       // what the search could not find
	lost time.Time // when the key was compromised; zero: it was not

	forged  bool // it was, when the leaks were found
	archive bool // some uploads were entered long after they were sent
}

// kinds are the kinds of leaks, with a function that fills in a leak of the kind.
var kinds = []struct {
	weight float64
	fill   func(*dump, map[string]any)
}{
	{6, (*dump).copied}, {3, (*dump).merged}, {2, (*dump).unsure}, {1, (*dump).unsureSeveral},
	{2, (*dump).transplanted}, {2, (*dump).unmarked},
	{4, (*dump).unreadable}, {1, (*dump).unissued},
	{1, (*dump).lookalike},
	{3, (*dump).unknown}, {1, (*dump).closed}, {1, (*dump).incomplete},
}

// Dump returns the leaks of a random dump, each as JSON of a verdict. Some dumps have leaks of a few
// kinds only, and some repeat files.
func Dump(rng *rand.Rand, w *World) (leaks [][]byte) {
	d := &dump{Rand: rng, World: w}
	for _, k := range kinds {
		weight := k.weight
		if rng.IntN(2) == 0 {
			weight = 0
		}
		d.tilt = append(d.tilt, weight)
	}
	d.tilt[rng.IntN(len(kinds))] += 3
	if rng.IntN(6) == 0 {
		d.miss = map[string]any{"uploads": 2000 + rng.IntN(5000), "whole": rng.IntN(2) * 7, "flat": rng.IntN(1500), "damaged": 1 + rng.IntN(3)}
	}
	if rng.IntN(4) == 0 {
		d.lost = w.Uploads[0].Submitted.AddDate(0, 0, rng.IntN(3000)-1000)
		d.forged = w.Found.IsZero() || !wholeDay(w.Found).Before(d.lost)
	}
	d.archive = rng.IntN(8) == 0
	n := rng.IntN(6)
	if rng.IntN(3) == 0 {
		n += rng.IntN(25)
	}
	for i := range n + 1 {
		if rng.IntN(12) == 0 && i > 0 { // the same file again
			var again map[string]any
			if err := json.Unmarshal(leaks[rng.IntN(i)], &again); err != nil {
				panic(err)
			}
			again["file"] = fmt.Sprintf("again %d.jpg", i)
			leaks = append(leaks, encode(again))
			continue
		}
		leaks = append(leaks, encode(d.leak(i)))
	}
	return leaks
}

func encode(l map[string]any) []byte {
	out, err := json.Marshal(l)
	if err != nil {
		panic(err)
	}
	return out
}

// leak draws a leak.
func (d *dump) leak(i int) map[string]any {
	l := map[string]any{"file": fmt.Sprintf("leak %d.jpg", i), "sha256": fmt.Sprintf("%064x", d.Uint64()), "size": 1000,
		"format": "jpeg", "width": 640, "height": 480, "matches": []any{}, "traces": []any{}, "copies": []any{}, "edits": []any{}}
	if d.IntN(15) == 0 {
		l["pages"] = 2 + d.IntN(3)
	}
	if d.IntN(15) == 0 {
		l["lacks"] = "the last 24 of 504 rows are missing"
	}
	sum := 0.0
	for _, x := range d.tilt {
		sum += x
	}
	at := d.Float64() * sum
	for k, x := range d.tilt {
		if at -= x; at < 0 || k == len(kinds)-1 {
			kinds[k].fill(d, l)
			break
		}
	}
	return l
}

func (d *dump) upload() *Upload { return &d.Uploads[d.IntN(len(d.Uploads))] }

// issued draws an upload with n copies at least.
func (d *dump) issued(n int) *Upload {
	for {
		if u := d.upload(); len(u.Copies) >= n {
			return u
		}
	}
}

func (d *dump) match(l map[string]any, u *Upload, pixels string) {
	l["matches"] = []any{map[string]any{"submission": u.ID, "distance": 4, "pixels": pixels, "submitted": u.Submitted, "received": d.received(u)}}
	d.search(l)
}

// received is when the registry took an upload: a few are of an archive.
func (d *dump) received(u *Upload) time.Time {
	if d.archive && d.IntN(3) == 0 {
		return u.Submitted.AddDate(20, 0, 0)
	}
	return u.Submitted
}

// search says what the search of the leak went by.
func (d *dump) search(l map[string]any) {
	l["searched"] = map[string]any{"quality": []int{20, 90}[d.IntN(2)], "missing": d.miss}
	l["width"], l["height"] = 640>>d.IntN(3), 80
	if d.IntN(2) == 0 {
		l["searched"].(map[string]any)["features"] = d.IntN(300)
	}
}

// alter makes the match of the leak, which shows the same capture, one with altered places; pixels says it.
func (d *dump) alter(l map[string]any, pixels string) string {
	m := l["matches"].([]any)[0].(map[string]any)
	m["pixels"], m["altered"] = pixels, []any{d.place(), d.place()}[:1+d.IntN(2)]
	return pixels
}

func (d *dump) place() any {
	return map[string]any{"quad": [4][2]float64{}, "kind": []string{"bar", "caption", "field", "patch"}[d.IntN(4)], "share": d.Float64() * d.Float64() * 0.02}
}

// shows makes the leak show an upload, with the controls of some leaks.
func (d *dump) shows(l map[string]any, u *Upload, pixels string) {
	d.match(l, u, pixels)
	l["submission"], l["submitted"], l["distance"], l["custody"] = u.ID, u.Submitted, 4, u.Custody
	if d.IntN(12) == 0 { // beside its copy
		l["matches"].([]any)[0].(map[string]any)["plain"] = true
	}
	if d.IntN(8) == 0 { // the file of the upload
		l["sha256"] = u.ID + fmt.Sprintf("%032x", d.Uint64())
	}
	if o := &d.Uploads[0]; o.ID != u.ID && d.IntN(6) == 0 { // on one sheet with another upload
		m := l["matches"].([]any)
		m[0].(map[string]any)["region"] = [4][2]float64{{0, 0}, {100, 0}, {100, 80}, {0, 80}}
		x := float64(90 + 10*d.IntN(2))
		l["matches"] = append(m, map[string]any{"submission": o.ID, "distance": 90, "pixels": "same, altered", "altered": []any{d.place()}, "submitted": o.Submitted,
			"region": [4][2]float64{{x, 0}, {x + 100, 0}, {x + 100, 80}, {x, 80}}})
		l["beside"] = []any{map[string]any{"submission": o.ID, "submitted": o.Submitted, "custody": o.Custody}}
	}
	var controls []any
	for range d.IntN(4) {
		controls = append(controls, map[string]any{"distance": 30, "pixels": []string{"unrelated", "different", "unrelated", "same"}[d.IntN(4)]})
	}
	if d.IntN(3) == 0 && controls != nil {
		l["references"] = controls
	}
}

func (d *dump) read(l map[string]any, copyID, of, shows string, issued any) {
	r := map[string]any{"copy": copyID, "key_id": d.KeyID, "log10_p": -9.1 - float64(d.IntN(20)), "shows": shows}
	if of != "" {
		r["submission"], r["issued"] = of, issued
		if state := d.state(copyID); state != "" {
			r["state"] = state
		}
		if last := copyID[len(copyID)-1]; last == '7' || last == 'b' { // it came back as another upload
			r["returned"] = []string{fmt.Sprintf("%032x", last)}
		}
	}
	reads, _ := l["reads"].([]any)
	l["reads"], l["key_id"] = append(reads, r), d.KeyID
	if len(reads) == 0 {
		l["copies"], l["log10_p"], l["blind_log10_p"] = []any{copyID}, r["log10_p"], r["log10_p"]
	}
}

// state returns the state of a copy.
func (d *dump) state(copyID string) string {
	for _, u := range d.Uploads {
		for _, c := range u.Copies {
			if c.ID == copyID {
				return c.State
			}
		}
	}
	return ""
}

// trace makes tracing find copies, with a strong or a weak e-value, beside the other copies.
func (d *dump) trace(l map[string]any, u *Upload, power float64, copies ...Copy) {
	var all []any
	for i, c := range u.Copies {
		t := map[string]any{"copy": c.ID, "score": 1, "log10_p": -0.2 - float64(i), "log10_e": -0.3, "found": false}
		if slices.ContainsFunc(copies, func(o Copy) bool { return o.ID == c.ID }) {
			t["found"], t["log10_p"], t["log10_e"] = true, -12, []float64{1, 4, 9, 20}[d.IntN(4)]
		}
		all = append(all, t)
	}
	l["traces"] = []any{map[string]any{"submission": u.ID, "registered": true, "issued": len(u.Copies), "copies": all, "level": -9, "power": power, "edits": []any{},
		"expected": []float64{1, 1, 1, 4}[d.IntN(4)] * float64(min(len(copies), 1))}}
}

// copied is a copy, read or traced: confirmed, unless it is void or its key was compromised when it was issued. Some carry a mark that is not listed as well, and some
// have a key that was compromised later.
func (d *dump) copied(l map[string]any) {
	u := d.issued(1)
	d.confirm(l, u, u.Copies[d.IntN(len(u.Copies))])
	if d.IntN(10) == 0 {
		d.read(l, fmt.Sprintf("%016x", d.Uint64()|1), "", "not compared", nil)
	}
	if o := d.issued(1); o.ID != u.ID && d.IntN(4) == 0 && len(l["traces"].([]any)) > 0 && l["finding"] == "copy" { // and a mark of another upload
		d.read(l, o.Copies[0].ID, o.ID, "unrelated", o.Copies[0].Issued)
	}
}

// merged is a picture with two copies of one upload, or of several.
func (d *dump) merged(l map[string]any) {
	u := d.issued(2)
	i := d.IntN(len(u.Copies) - 1)
	if d.IntN(3) > 0 || !d.lost.IsZero() || u.Copies[i].State == "void" {
		d.confirm(l, u, u.Copies[i:i+2+d.IntN(len(u.Copies)-i-1)]...)
		return
	}
	d.confirm(l, u, u.Copies[i])
	l["traces"] = nil
	d.trace(l, u, 1, u.Copies[i])
	twice := d.IntN(2) == 0 // one photograph that was entered several times, else put together
	if twice {
		l["matches"] = l["matches"].([]any)[:1]
		delete(l["matches"].([]any)[0].(map[string]any), "region")
	}
	in, beside := map[string]bool{u.ID: true}, []any{}
	for range 1 + d.IntN(4) {
		o := d.issued(1)
		c := o.Copies[d.IntN(len(o.Copies))]
		if in[o.ID] || c.State == "void" {
			continue
		}
		in[o.ID] = true
		traces, shows := l["traces"].([]any), "same in part"
		d.trace(l, o, 1, c)
		l["traces"] = append(traces, l["traces"].([]any)...)
		if twice {
			shows = "same"
			l["matches"] = append(l["matches"].([]any), map[string]any{"submission": o.ID, "distance": 90, "pixels": shows, "submitted": o.Submitted})
		}
		d.read(l, c.ID, o.ID, shows, c.Issued)
		reads := l["reads"].([]any)
		reads[len(reads)-1].(map[string]any)["log10_p"] = nil // the weaker mark
		l["copies"], l["issued"] = append(l["copies"].([]any), c.ID), append(l["issued"].([]any), c.Row)
		beside = append(beside, map[string]any{"submission": o.ID, "submitted": o.Submitted, "custody": o.Custody})
	}
	if len(beside) > 0 {
		l["beside"] = beside
	}
}

func (d *dump) confirm(l map[string]any, u *Upload, copies ...Copy) {
	d.shows(l, u, "same")
	shows, traced := "same", len(copies) > 1 || d.IntN(2) == 0
	if traced && len(copies) == 1 && d.IntN(3) == 0 {
		if shows = "same in part"; d.IntN(2) == 0 {
			shows = d.alter(l, []string{"same", "same, altered"}[d.IntN(2)])
		}
	}
	l["finding"], l["recipients"] = "copy", []any{copies[0].Recipient}
	var rows, ids []any
	for _, c := range copies {
		d.read(l, c.ID, u.ID, shows, c.Issued)
		rows, ids = append(rows, c.Row), append(ids, c.ID)
	}
	l["issued"], l["copies"] = rows, ids
	if traced {
		d.trace(l, u, 1, copies...)
		if r := l["reads"].([]any)[0].(map[string]any); d.IntN(4) == 0 {
			r["log10_p"] = nil // found by tracing alone
		}
	}
	if !d.lost.IsZero() {
		l["keys"] = d.keys()
	}
	if d.forged {
		l["finding"], l["forgeable"], l["issued"] = "copy-unconfirmed", len(copies) == 1, nil
		delete(l, "recipients")
	} else if slices.ContainsFunc(copies, func(c Copy) bool { return c.State == "void" }) {
		l["finding"], l["void"], l["issued"] = "copy-unconfirmed", len(copies) == 1, nil
		delete(l, "recipients")
	} else if len(copies) == 1 && !traced && d.IntN(3) == 0 {
		d.exact(l, copies[0])
	} else if o := d.issued(1); traced && len(copies) == 1 && o.ID != u.ID && d.IntN(6) == 0 { // u came in with the mark of a copy of o
		c := o.Copies[d.IntN(len(o.Copies))]
		d.read(l, c.ID, o.ID, "different", c.Issued)
		reads := l["reads"].([]any)
		reads[len(reads)-1].(map[string]any)["returned"] = []string{u.ID}
	}
}

// exact makes the leak the file of the copy that was read.
func (d *dump) exact(l map[string]any, c Copy) {
	r := l["reads"].([]any)[0].(map[string]any)
	r["exact"], r["log10_p"], l["log10_p"], l["blind_log10_p"], l["sha256"] = true, nil, nil, nil, c.SHA256
}

// keys is the state of the key of all copies, which was compromised.
func (d *dump) keys() any {
	return []any{map[string]any{"key_id": d.KeyID, "state": "compromised", "since": d.lost, "entered": d.lost}}
}

// unsure is a mark that is not confirmed.
func (d *dump) unsure(l map[string]any) {
	u := d.issued(1)
	c := u.Copies[d.IntN(len(u.Copies))]
	shows := []string{"different", "same in part", "same document", "same page", "same template", "sharper", "undecided", "not compared", "same edges"}[d.IntN(9)]
	switch d.match(l, u, shows); {
	case shows == "same page" && d.IntN(2) == 0:
		d.alter(l, shows)
	case d.IntN(6) == 0:
		shows = d.alter(l, "same, altered")
	}
	d.read(l, c.ID, u.ID, shows, c.Issued)
	switch {
	case shows == "not compared" && d.IntN(2) == 0:
		r := l["reads"].([]any)[0].(map[string]any)
		if r["erased"], r["recipient"] = true, c.Recipient; d.IntN(2) == 0 {
			d.exact(l, c)
		}
	case slices.Contains([]string{"same document", "same edges", "undecided"}, shows) && d.IntN(2) == 0: // found, but in the light of another picture
		d.trace(l, u, 0, c)
		l["traces"].([]any)[0].(map[string]any)["registered"] = false
	case slices.Contains([]string{"different", "same in part", "undecided"}, shows) && d.IntN(3) == 0:
		l["matches"].([]any)[0].(map[string]any)["sibling"] = true
	}
	l["finding"], l["submission"], l["submitted"] = "copy-unconfirmed", u.ID, u.Submitted
}

// unsureSeveral are marks of two copies that do not fit together.
func (d *dump) unsureSeveral(l map[string]any) {
	u := d.issued(2)
	d.match(l, u, "same")
	d.read(l, u.Copies[0].ID, u.ID, "same", u.Copies[0].Issued)
	d.read(l, u.Copies[1].ID, u.ID, "same", u.Copies[1].Issued)
	l["finding"], l["submission"], l["submitted"], l["copies"] = "copy-unconfirmed", u.ID, u.Submitted, []any{u.Copies[0].ID, u.Copies[1].ID}
}

// transplanted are marks of copies of other uploads, or the ID of a copy without its own part.
func (d *dump) transplanted(l map[string]any) {
	l["finding"] = "transplanted"
	u, from := d.upload(), d.issued(1)
	c := from.Copies[d.IntN(len(from.Copies))]
	if u.ID == from.ID {
		d.shows(l, u, "same")
		d.read(l, c.ID, from.ID, "same", c.Issued)
		d.trace(l, u, 0.9993)
		return
	}
	if d.shows(l, u, "same"); from.ID == d.Uploads[0].ID { // a mark in a place of its own was not laid onto what lies beside
		l["matches"] = l["matches"].([]any)[:1]
		delete(l, "beside")
	}
	for _, c := range from.Copies[:1+d.IntN(len(from.Copies))] {
		d.read(l, c.ID, from.ID, "unrelated", c.Issued)
	}
}

// unmarked shows an upload without a mark that would have been found.
func (d *dump) unmarked(l map[string]any) {
	u := d.upload()
	if d.shows(l, u, "same"); d.IntN(4) == 0 {
		d.alter(l, "same, altered")
	}
	d.trace(l, u, 0.9995)
	l["finding"], l["power"] = "unmarked", 0.9995
	if m := l["matches"].([]any)[0].(map[string]any); d.IntN(6) == 0 { // a far hash
		if m["distance"], l["distance"] = 20, 20; m["region"] == nil && l["width"].(int) < 360 {
			l["finding"] = "unreadable"
			delete(l, "power")
		}
	}
	if len(l["matches"].([]any)) > 1 {
		traces := l["traces"].([]any)
		d.trace(l, &d.Uploads[0], 0.9995)
		l["traces"] = append(traces, l["traces"].([]any)...)
	}
}

// unreadable shows an upload, and no mark could be looked for well enough.
func (d *dump) unreadable(l map[string]any) {
	u := d.upload()
	l["finding"] = "unreadable"
	if d.IntN(5) == 0 { // by its hash
		d.shows(l, u, []string{"undecided", "same edges"}[d.IntN(2)])
		return
	}
	if d.shows(l, u, "same"); d.IntN(6) == 0 {
		return // not traced
	}
	d.trace(l, u, 0.5)
	if o := d.upload(); o.ID != u.ID && d.IntN(8) == 0 { // a page that both have
		l["matches"].([]any)[0].(map[string]any)["page"] = 2
		l["traces"].([]any)[0].(map[string]any)["page"] = 2
		l["matches"] = append(l["matches"].([]any), map[string]any{"submission": o.ID, "distance": 4, "pixels": "same", "submitted": o.Submitted})
		return
	}
	if o := d.upload(); o.ID != u.ID && len(l["matches"].([]any)) == 1 && d.IntN(8) == 0 { // perhaps the same capture
		l["matches"] = append(l["matches"].([]any), map[string]any{"submission": o.ID, "distance": 4, "pixels": "same document", "score": 1, "submitted": o.Submitted})
		return
	}
	switch t := l["traces"].([]any)[0].(map[string]any); d.IntN(6) {
	case 2: // a part of a mark is there
		t["any_log10_p"] = -20
		if d.IntN(2) == 0 {
			t["survival"] = d.Float64()
		}
	case 0:
		t["unsought"] = 1 + d.IntN(2)
	case 1:
		t["registered"] = false
	case 3: // of a copy of an erased upload, perhaps
		l["erased_copies"], t["power"], t["expected"] = true, 0.9995, minReadScore-1
	case 4: // not made of the upload, perhaps
		l["matches"].([]any)[0].(map[string]any)["perhaps_sharper"], t["power"] = true, 0.9995
	}
}

// lookalike resembles an upload without showing it.
func (d *dump) lookalike(l map[string]any) {
	u := d.upload()
	l["finding"], l["submission"], l["submitted"] = "lookalike", u.ID, u.Submitted
	words := []string{"different", "same document", "same page", "same in part", "sharper"}
	word := words[d.IntN(len(words))]
	if d.match(l, u, word); word == "same page" && d.IntN(2) == 0 {
		d.alter(l, word)
	}
	match := l["matches"].([]any)[0].(map[string]any)
	if match["distance"] = 40; d.IntN(3) > 0 {
		match["ratio"] = map[string]any{"capture": 2*d.Float64() - 1.5, "another": 2*d.Float64() - 0.5}
	}
	if o := d.upload(); o.ID != u.ID && d.IntN(3) == 0 {
		l["matches"] = append(l["matches"].([]any), map[string]any{"submission": o.ID, "distance": 44, "pixels": "same template", "score": 0.6, "submitted": o.Submitted})
	}
}

// unissued is a mark that the registry does not list, on a picture of an upload or of another.
func (d *dump) unissued(l map[string]any) {
	l["finding"] = "unissued"
	switch d.IntN(4) {
	case 0, 1:
		d.shows(l, d.upload(), "same")
	case 2:
		d.match(l, d.upload(), "different")
	}
	if !d.lost.IsZero() && d.IntN(2) == 0 {
		l["keys"] = d.keys()
	}
	d.read(l, fmt.Sprintf("%016x", uint64(1+d.IntN(3))), "", "not compared", nil)
	l["copies"] = []any{}
}

func (d *dump) unknown(l map[string]any) {
	switch d.IntN(5) {
	case 0:
		d.match(l, d.upload(), "same template")
		l["matches"].([]any)[0].(map[string]any)["score"] = d.Float64()
	case 1:
		d.match(l, d.upload(), "unrelated")
	case 2:
		l["too_flat"] = true
	case 3:
		l["sync_log10_p"] = -7.5
	}
	if l["finding"] = "unknown"; d.IntN(5) > 0 {
		d.search(l)
	}
}

// incomplete may show uploads that could not be opened.
func (d *dump) incomplete(l map[string]any) {
	l["finding"], l["closed"] = "incomplete", 1+d.IntN(2)
	if d.IntN(2) == 0 {
		d.match(l, d.upload(), []string{"not compared", "different"}[d.IntN(2)])
	}
}

// closed is a file that is not examined.
func (d *dump) closed(l map[string]any) {
	l["finding"], l["error"] = []string{"damaged", "unsupported", "unopened", "missing", "no picture"}[d.IntN(5)], []string{"unexpected end", "archive: encrypted"}[d.IntN(2)]
}
