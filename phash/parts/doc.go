// Package parts finds an upload of which a leak shows only a part, or which it shows
// among other things: crops, collages, screenshots, photographs of screens, pages
// with a document on them, turned, mirrored and redacted pictures. The hash of the
// whole picture, package phash, says nothing of those.
//
//	features, err := parts.Extract(upload)   // at most 4 KB, kept with the upload
//	err = index.Add(ref, features)
//
//	query, err := parts.Examine(leak)
//	matches, err := index.Search(ctx, query, nil)
//
// # How
//
// A picture's features are blobs: extrema of differences of Gaussians over place and
// scale (Lowe, 2004), which are found again whatever the crop, the scale and the
// angle. Each is described by the gradients around it, as 128 signs of linear
// discriminants (see axesFile). An upload keeps about two hundred, spread over the
// picture and its scales; a leak is asked for with up to three thousand.
//
// The index lists features under the first 16 to 20 of their signs. A leak's feature
// looks into the buckets that its own least sure signs lead to, and every upload
// that it hits there has its vote, which is worth the less the more uploads were
// hit (so that the print that all documents of a template share counts for little)
// and the farther off the hit is. The uploads with the most votes are verified: their
// hits propose maps from leak to upload, and where a map puts each feature of the
// upload, the leak must show it. What is found makes parts of the leak explained,
// and what is not is voted on again: a collage of four uploads has four matches.
//
// # What a match is worth
//
// [Match.LogNFA] is log10 of the number of uploads of the index that were expected
// to match so well had the leak nothing to do with any of them, by a model of chance
// that print and faces of one kind exceed at times: take it for a figure of merit.
// It says that leak and upload show the same print, face or wall in the same
// arrangement, and no more:
// documents of one template and captures of one card do, too, though
// [Match.Score], which weighs what few uploads share, puts the right one first as
// long as the leak shows enough of its own. Whose picture it is has to be seen by
// comparing pixels.
//
// # The same bits everywhere
//
// As in package phash no sum is in another order and no product fused with a sum on
// another machine: equal pixels give equal features and equal answers.
//
// # Personal data
//
// Descriptors of a face's or a document's details can be turned back into a rough
// likeness. Treat features as the personal data that they are.
package parts
