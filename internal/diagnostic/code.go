package diagnostic

// Code is one of the codes of a rule, as documents list it.
type Code struct {
	// Name is what stands behind the slash: unlisted. It never changes.
	Name string
	// Meaning is what is wrong then, in one line.
	Meaning string
}
