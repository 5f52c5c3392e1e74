package odds

import "fmt"

func (c *Case) Size() string {
	m := newModel(c, c.Options.filled())
	parts := 0
	for _, s := range m.sources {
		parts += len(s.parts)
	}
	q, qs := m.questions()
	_, done := m.search(qs)
	k, tops := 0, 0
	for _, d := range done {
		k += len(d.all)
		tops += len(d.best())
	}
	return fmt.Sprint("rows ", len(m.rows.count), " sources ", len(m.sources), " parts ", parts, " questions ", len(q), " computed ", len(done), " combinations ", k, " top ", tops)
}
