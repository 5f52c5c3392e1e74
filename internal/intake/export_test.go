package intake

var (
	Looks      = looks
	Folded     = folded
	Prototypes = prototypes
)
