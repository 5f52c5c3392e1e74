package phash

import (
	"cmp"
	"slices"
)

// A Near is an entry that several queries were asked for, at its distance to the
// nearest of them.
type Near struct {
	Hit
	Query int // number of the first of these
}

// SearchEach returns every entry within radius bits of any of the queries, once,
// nearest first, equally near ones by Ref. Errors are those of [Index.Search].
func (x *Index) SearchEach(queries []Query, radius int) ([]Near, error) {
	return nearest(queries, func(h Hash) ([]Hit, error) { return x.Search(h, radius) })
}

// NearestEach returns the k entries that are nearest to any of the queries, once,
// nearest first, equally near ones by Ref. Errors are those of [Index.Nearest].
func (x *Index) NearestEach(queries []Query, k int) ([]Near, error) {
	near, err := nearest(queries, func(h Hash) ([]Hit, error) { return x.Nearest(h, k) })
	return near[:min(max(k, 0), len(near))], err
}

func nearest(queries []Query, ask func(Hash) ([]Hit, error)) ([]Near, error) {
	var all []Near
	at := make(map[int64]int) // in all, by Ref
	for i, q := range queries {
		hits, err := ask(q.Hash)
		if err != nil {
			return nil, err
		}
		for _, h := range hits {
			switch k, ok := at[h.Ref]; {
			case !ok:
				at[h.Ref] = len(all)
				all = append(all, Near{h, i})
			case h.Distance < all[k].Distance:
				all[k] = Near{h, i}
			}
		}
	}
	slices.SortFunc(all, func(a, b Near) int {
		return cmp.Or(cmp.Compare(a.Distance, b.Distance), cmp.Compare(a.Ref, b.Ref))
	})
	return all, nil
}
