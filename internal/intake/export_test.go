package intake

var (
	Looks      = looks
	Prototypes = prototypes
)
