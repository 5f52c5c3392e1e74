package codec

// Copies that look like their source. MinQualityLike is the lowest JPEG quality at which marking
// reads its mark back after shrinking to 1280 pixels. In pictures of Large and more shrinking
// averages the loss away: MinQualityLarge left as many reads (docs/limits.md).
const (
	DefaultQuality  = 92   // JPEG quality that Encode uses for 0; chosen, not measured
	MinQualityLike  = 70   // lowest JPEG quality that picture.EncodeLike takes over from a source
	MinQualityLarge = 50   // the same for pictures of Large and more
	Large           = 2560 // pixels on the long side
)

// MaxPages is how many pages a document may have; chosen, not measured.
const MaxPages = 200
