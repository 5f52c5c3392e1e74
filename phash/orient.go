package phash

// An orientation is one of the eight ways in which a picture can lie: mirrored left to right, mirrored top to bottom,
// and then, if swap is set, with rows for columns.
type orientation struct{ mirrorX, mirrorY, swap bool }

// orientations are in the order that [SumTurned] documents.
var orientations = [8]orientation{
	{},
	{mirrorX: true, swap: true},
	{mirrorX: true, mirrorY: true},
	{mirrorY: true, swap: true},
	{mirrorY: true},
	{mirrorX: true},
	{swap: true},
	{mirrorX: true, mirrorY: true, swap: true},
}
