package projectimages

import (
	"fmt"
	"path"
	"path/filepath"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/images"
	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/output"
)

// imageDocument is an image in the JSON of `ksrelease images`.
type imageDocument struct {
	Image      string         `json:"image"`
	Registry   string         `json:"registry"`
	Repository string         `json:"repository"` // without the registry
	Tag        string         `json:"tag,omitempty"`
	Digest     string         `json:"digest,omitempty"`
	Users      []userDocument `json:"users"`
}

type userDocument struct {
	Extension string          `json:"extension"`
	Version   string          `json:"version"`
	Path      string          `json:"path"`
	Places    []placeDocument `json:"places"`
}

type placeDocument struct {
	File    string `json:"file"` // as users type it
	Inside  string `json:"inside,omitempty"`
	Line    int    `json:"line,omitempty"`
	By      string `json:"by"`
	Written string `json:"written"` // as it stands there, or as a template rendered it
}

// documentOf is an image with those who need it.
func documentOf(image images.Image) imageDocument {
	d := imageDocument{Image: image.Ref.String(), Registry: image.Ref.Registry, Repository: image.Ref.Path, Tag: image.Ref.Tag, Digest: image.Ref.Digest, Users: []userDocument{}}
	for _, user := range image.Users {
		u := userDocument{Extension: user.Name, Version: user.Version, Path: user.Path}
		for _, at := range user.Places {
			u.Places = append(u.Places, placeDocument{fileOf(user, at), at.Inside, at.Line, at.By, at.Written})
		}
		d.Users = append(d.Users, u)
	}
	return d
}

// fileOf is the file of a place as users type it.
func fileOf(user images.User, at images.Place) string {
	return path.Join(filepath.ToSlash(user.Path), at.File)
}

// ListText prints a table of the images of a project and who needs them.
func (f *Found) ListText(out *output.Stream) {
	all := f.Images()
	if len(all) > 0 {
		table := output.NewTable("image", "needed by").Folding(0)
		for _, image := range all {
			for i, user := range image.Users {
				name := ""
				if i == 0 {
					name = image.Ref.String()
				}
				table.Row(output.Name(name), output.Name(userInWords(user)))
			}
		}
		out.Print("%s", table.Render(out.Columns()))
	}
	out.Print("%s", f.count(len(all)))
}

// count says how many images there are.
func (f *Found) count(n int) string {
	needed := 0
	for _, x := range f.Extensions {
		if len(x.Uses) > 0 {
			needed++
		}
	}
	if n == 0 {
		return "no image is needed by " + app.Plural(len(f.Extensions), "extension")
	}
	return fmt.Sprintf("%s, needed by %s", app.Plural(n, "image"), app.Plural(needed, "extension"))
}

// userInWords is an extension with the first place at which it names an image.
func userInWords(user images.User) string {
	words := fmt.Sprintf("%s %s (%s", user.Name, user.Version, user.Places[0])
	if more := len(user.Places) - 1; more > 0 {
		words += language.Sprintf(" and %s", language.Text(app.Plural(more, "more place")))
	}
	return words + ")"
}

// ListNames prints the images, one a line.
func (f *Found) ListNames(out *output.Stream) {
	for _, image := range f.Images() {
		out.Print("%s", output.Name(image.Ref.String()))
	}
}

// ListJSON prints the images with all that is known of them.
func (f *Found) ListJSON(out *output.Stream) {
	document := struct {
		Images []imageDocument `json:"images"`
	}{[]imageDocument{}}
	for _, image := range f.Images() {
		document.Images = append(document.Images, documentOf(image))
	}
	out.JSON(document, "  ")
}
