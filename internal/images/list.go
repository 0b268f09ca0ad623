package images

import (
	"cmp"
	"slices"

	"github.com/ksrelease/ksrelease/internal/imageref"
)

// Extension is an extension of a project with its images.
type Extension struct {
	Name, Version string
	// Path is its folder or package, as users type it.
	Path string
	Needed
}

// Image is an image with those who need it.
type Image struct {
	Ref   imageref.Ref
	Users []User // by name and version
}

// User is an extension that needs an image.
type User struct {
	Name, Version, Path string
	Use
}

// Together lists the images of several extensions, each once, sorted by reference.
func Together(extensions []Extension) []Image {
	var all []Image
	index := map[imageref.Ref]int{}
	for _, x := range extensions {
		for _, use := range x.Uses {
			i, ok := index[use.Ref]
			if !ok {
				i = len(all)
				index[use.Ref] = i
				all = append(all, Image{Ref: use.Ref})
			}
			all[i].Users = append(all[i].Users, User{x.Name, x.Version, x.Path, use})
		}
	}
	for _, image := range all {
		slices.SortStableFunc(image.Users, func(a, b User) int {
			return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Path, b.Path))
		})
	}
	slices.SortFunc(all, func(a, b Image) int { return cmp.Compare(a.Ref.String(), b.Ref.String()) })
	return all
}
