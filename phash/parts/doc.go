// Package parts finds an upload if a leak shows only a part of it, or shows it among other things: crops, collages,
// screenshots, photographs of screens, pages with a document on them, turned, mirrored and redacted pictures. The hash
// of the whole picture, package phash, finds none of these.
//
//	features, err := parts.Extract(upload)   // at most 4 KB, kept with the upload
//	err = index.Add(ref, features)
//
//	query, err := parts.Examine(leak)
//	matches, err := index.Search(ctx, query, nil)
//
// # How
//
// A picture's features are blobs: extrema of differences of Gaussians over place and scale (Lowe, 2004), which are
// found again whatever the crop, the scale and the angle. Each is described by the gradients around it, as 128 signs of
// linear discriminants (see axesFile). An upload keeps about two hundred, spread over the picture and its scales; a
// leak is asked for with up to three thousand.
//
// The index lists features in buckets, under the first 6 to 24 of their signs. A feature of the leak also looks into
// the buckets that its least sure signs lead to. Every upload that it hits gets a vote. A vote counts less if the hit
// is far off, or if many uploads were hit: so the print of a template counts for little. The uploads with the most
// votes are verified. Their hits propose maps from leak to upload, and the leak must show the features of the upload at
// the places that a map says. Parts of the leak that a match explains are taken away, and the rest votes again: a
// collage of four uploads has four matches.
//
// # What a match is worth
//
// [Match.LogNFA] is log10 of a number of false alarms: how many uploads of the index were expected to match so well if
// the leak showed none of them. Print and faces of one kind at times match better than this model of chance says, so
// take it for a figure of merit. A match says only that leak and upload show the same print, face or wall in the same
// arrangement. Documents of one template and captures of one card also match. [Match.Score] weighs what few uploads
// share: it puts the right document first if the leak shows enough of its own. Only the pixels say whose picture it is.
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
