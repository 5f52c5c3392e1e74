// Package phash names pictures by perceptual hashes and finds them again: which of our uploads does this leak show?
//
// A perceptual hash keeps the coarse pattern of light and dark. Recompressing, resizing or brightening a picture
// changes a few bits of its hash. The hash of another picture differs in about half of the bits. The number of
// differing bits, the Hamming distance, says how alike two pictures look. For most uses:
//
//   - [Sum] hashes an upload. Store [Hash.String] and [Kind.Version] with it; if
//     the quality is below [MinQuality], store it but do not search for it.
//   - [SumLeak] hashes a leak in its eight orientations, as it is, as a negative, and
//     without what is stamped across it.
//   - [List] holds the uploads' hashes; [List.Search] returns all within
//     [MatchRadius] bits of the leak. Package index does it among many millions.
//
// A match of hashes is a candidate and no proof. Two identity cards of one template look alike to any hash. So compare
// every candidate within the radius in detail, not only the nearest.
//
// # Kinds
//
// [PDQ] is the hash to exchange: 256 bits, published with its reference by Facebook
// (github.com/facebook/ThreatExchange, folder pdq) and used between companies. [Area] is the hash to search one's own
// uploads by: the same transform of the exact means of 64 × 64 blocks, which resizing hardly moves. The others are the
// 64-bit hashes of github.com/corona10/goimagehash v1.1.0, [Perception], [Difference] and [Average], for users whose
// archives hold those. Distances are defined within a kind alone.
//
// # The same bits everywhere
//
// On equal pixels PDQ has the reference's hash and quality, bit for bit. The goimagehash kinds have the library's
// hashes as it computes them on amd64. All arithmetic is in a fixed order and kept from being fused, so no processor,
// operating system or version of Go changes a bit.
//
// Unequal pixels have other hashes. Decoders differ slightly in the pixels that they make
// of a JPEG. Tools that hash large pictures as they are differ from tools that reduce
// them first. So the steps from pixels to bits are frozen under a name, such as "pdq/1":
//
//  1. the caller decodes the picture and turns it upright by its EXIF orientation (record which decoder that was);
//  2. transparent pixels are laid on white paper, and 16-bit channels are cut to 8 bits;
//  3. with a side over 512 pixels, the picture is reduced to 512 × 512, whatever its shape, by taking the nearest
//     pixel, as the reference's file reader does;
//  4. the reference's hash is taken. Grey pictures go the way of coloured ones.
//
// The goimagehash kinds and Area skip step 3. Through Go's image/jpeg the chain stays within 10 bits of the reference
// on the reference's own pictures where quality is 80 or more, most of them within 2.
//
// Step 3 makes PDQ cheap on a photo of 12 megapixels. It has a price: the nearest pixel of
// fine print is a matter of chance. A payslip that a messenger made smaller lay 28 to 34
// bits away, a scanned page 18 to 44. By Area they lay 4 to 14 bits away (TestFinePrint).
//
// # What it does not find
//
// A picture has another hash if it is cropped by more than its margin, or shown within another picture. So has a picture
// that is turned by other than a multiple of 90°. On the specimens in testdata a turn by 1° cost about 40 bits and a turn
// by 6° about 100. Resizing and recompression cost 2 to 20 (TestEdits). Such leaks need local features (package parts).
//
// # Personal data
//
// A hash can be turned back into a blurred likeness of the picture. Treat hashes as the personal data that they are: do
// not log or publish them, and erase them with the person.
package phash
