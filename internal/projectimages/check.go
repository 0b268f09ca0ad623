package projectimages

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/graceful"
	"github.com/ksrelease/ksrelease/internal/images"
	"github.com/ksrelease/ksrelease/internal/images/presence"
	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/progress"
)

// Checked are images with what their registries say of them.
type Checked []checkedImage

type checkedImage struct {
	images.Image
	presence.Answer
}

// Check asks registries for all images: for the platforms that are named, or those of the settings of
// each extension.
func (f *Found) Check(ctx context.Context, reach *Reach, platforms []string, meter *progress.Meter) (Checked, error) {
	all := f.Images()
	questions := make([]presence.Question, len(all))
	for i, image := range all {
		questions[i] = presence.Question{Ref: image.Ref, Platforms: platforms}
		if len(platforms) == 0 {
			questions[i].Platforms = f.platformsOf(image)
		}
	}
	meter.Begin("asking", len(all), 0)
	answers, err := reach.Asker.All(ctx, questions, meter.Image)
	if err != nil {
		return nil, &graceful.CutError{Err: fmt.Errorf("%w before all images were asked for", err)}
	}
	checked := make(Checked, len(all))
	for i, image := range all {
		checked[i] = checkedImage{image, answers[i]}
	}
	return checked, nil
}

// platformsOf are those that the users of an image ask for in their settings.
func (f *Found) platformsOf(image images.Image) (platforms []string) {
	for _, user := range image.Users {
		for _, x := range f.Extensions {
			if x.Path == user.Path {
				platforms = append(platforms, x.Settings.Images.Platforms...)
			}
		}
	}
	slices.Sort(platforms)
	return slices.Compact(platforms)
}

// Count counts the images in a state.
func (c Checked) Count(state presence.State) (n int) {
	for _, image := range c {
		if image.State == state {
			n++
		}
	}
	return n
}

// AllThere says that nothing is missing, and all is known.
func (c Checked) AllThere() bool { return c.Count(presence.There) == len(c) }

// inWords is a state for people.
func (c checkedImage) inWords() string {
	switch c.State {
	case presence.NotFor:
		return "not for " + strings.Join(c.Lacks, ", ")
	case presence.Unknown:
		return "not known"
	}
	return language.Word(string(c.State))
}

// Text prints a table, and then more about each image that is not there.
func (c Checked) Text(out *output.Stream, redact func(string) string) {
	if len(c) > 0 {
		table := output.NewTable("image", "state").Folding(0)
		for _, image := range c {
			table.Row(output.Name(image.Ref.String()), output.Cell(image.inWords()))
		}
		out.Print("%s", table.Render(out.Columns()))
	}
	hints := hints{out: out}
	for _, image := range c {
		if image.State == presence.There {
			continue
		}
		hints.next(redact(image.hint()))
		var users []string
		for _, user := range image.Users {
			users = append(users, fmt.Sprintf("%s %s (%s:%d)", user.Name, user.Version, fileOf(user, user.Places[0]), user.Places[0].Line))
		}
		said := fmt.Sprintf("%s: %s", image.Ref, language.Text(image.reason()))
		out.Print("%s", output.Fold("", "  ", redact(language.Sprintf("%s; needed by %s", said, strings.Join(users, ", "))), out.Columns()))
	}
	hints.next("")
	out.Print("%s", c.summary())
}

// reason says more than the state.
func (c checkedImage) reason() string {
	switch c.State {
	case presence.Missing:
		return "the registry has no such image"
	case presence.NotFor:
		return fmt.Sprintf("it is not for %s, but for %s", strings.Join(c.Lacks, ", "), strings.Join(c.Platforms, ", "))
	case presence.Unknown:
		return "the registry cannot be asked: " + c.Err.Error()
	}
	return ""
}

func (c checkedImage) hint() string {
	if c.State != presence.Unknown || failure.Temporary(c.Err) {
		return ""
	}
	return failure.Hint(c.Err)
}

func (c Checked) summary() string {
	words := []string{}
	for _, state := range []struct {
		state presence.State
		text  string
	}{{presence.There, "there"}, {presence.NotFor, "not for all platforms"}, {presence.Missing, "missing"}, {presence.Unknown, "not known"}} {
		if n := c.Count(state.state); n > 0 {
			words = append(words, language.Sprintf("%d %s", n, language.Word(state.text)))
		}
	}
	if len(words) == 0 {
		return "no image is needed"
	}
	return language.Text(app.Plural(len(c), "image")) + ": " + language.Join(words)
}

// Names prints the images that are not there as they should be, one a line.
func (c Checked) Names(out *output.Stream) {
	for _, image := range c {
		if image.State != presence.There {
			out.Print("%s", output.Name(image.Ref.String()))
		}
	}
}

// JSON prints the images with all that is known of them.
func (c Checked) JSON(out *output.Stream, redact func(string) string) {
	type checkedDocument struct {
		imageDocument
		State     presence.State `json:"state"`
		Found     string         `json:"found_digest,omitempty"`
		Platforms []string       `json:"platforms,omitempty"`
		Lacks     []string       `json:"missing_platforms,omitempty"`
		Reason    string         `json:"reason,omitempty"`
		Hint      string         `json:"remedy,omitempty"`
	}
	document := struct {
		Images []checkedDocument `json:"images"`
	}{[]checkedDocument{}}
	for _, image := range c {
		document.Images = append(document.Images, checkedDocument{
			documentOf(image.Image), image.State, image.Digest, image.Platforms, image.Lacks, redact(image.reason()), redact(image.hint()),
		})
	}
	out.JSON(document, "  ")
}
