package rule

// Registries is what registries say of the images of an extension. It goes to the worker that
// lints the extension, so it is data alone.
type Registries struct {
	// Faults are the images that are not there as they should be, each once.
	Faults []ImageFault
}

// The faults of an image.
const (
	ImageMissing  = "missing"          // its registry has no such image
	ImageNotFor   = "missing-platform" // it is not for all platforms that are asked for
	ImageNotKnown = "not-known"        // its registry could not be asked
)

// ImageFault is an image that is not there as it should be, or of which that is not known.
type ImageFault struct {
	// Image is the reference in full.
	Image string
	// Fault is one of the constants above.
	Fault string
	// By is what names the image: images, or container "web" of Deployment "web".
	By string
	// Lacks are the platforms that it is not for, and Has those that it is for.
	Lacks, Has []string
	// Why says why its registry could not be asked, and Hint what to do about that.
	Why, Hint string
	// File, Inside, Line and Excerpt are the place at which it is named first.
	File, Inside string
	Line         int
	Excerpt      string
}

// Registries is what a rule that asks goes by. It is never nil.
func (p *Pass) Registries() *Registries {
	if !p.Rule.Asks {
		panic("the rule goes by what registries say, and does not declare it")
	}
	return p.Said
}
