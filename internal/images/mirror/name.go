// Package mirror copies images to other registries: what is missing there, by digest.
//
// A tag that the mirror has is not asked for anywhere else. So an image that is there costs one
// HEAD; whether its tag has moved since at the place it comes from is asked only with Update.
package mirror

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/imageref"
	"github.com/ksrelease/ksrelease/internal/registry"
)

// Destination is where images are copied to.
type Destination struct {
	// To is HOST[:PORT][/PATH].
	To string
	// Rename is what an image is called below To: {host} is its registry, {path} its name there
	// (library/nginx of nginx), {name} the last part of that. Empty is {path}. The tag stays.
	Rename string
	// Platforms narrow what is copied; none copies all.
	Platforms []string
}

// DefaultRename leaves the registry out, as the workflow of KubeSphere's extensions does: the first
// part of the name is replaced, once Docker Hub's defaults are filled in.
const DefaultRename = "{path}"

// Of is the place of an image in a mirror. An image with a digest keeps it.
func (d Destination) Of(ref imageref.Ref) (registry.Reference, error) {
	rename := d.Rename
	if rename == "" {
		rename = DefaultRename
	}
	name := ref.Path[strings.LastIndexByte(ref.Path, '/')+1:]
	below := strings.NewReplacer("{host}", hostAsPath(ref.Registry), "{path}", ref.Path, "{name}", name).Replace(rename)
	to, err := registry.ParseLocation(strings.TrimRight(d.To, "/") + "/" + strings.Trim(below, "/"))
	if err != nil {
		return registry.Reference{}, failure.WithHint(fmt.Errorf("%s would be %s/%s in the mirror, which no registry takes as a name", ref, d.To, below), "change rename")
	}
	to.Tag, to.Digest = ref.Tag, ref.Digest
	return to, nil
}

// hostAsPath is the name of a registry as a part of a path: small letters, and no port behind a colon.
func hostAsPath(host string) string {
	return strings.Trim(strings.NewReplacer("[", "", "]", "", "::", "-", ":", "-").Replace(strings.ToLower(host)), "-.")
}

// Task is an image to be copied.
type Task struct {
	From      imageref.Ref
	To        registry.Reference
	Platforms []string // none: all of them
}

// key is the same for tasks that are the same.
func (t Task) key() string {
	return t.From.String() + " " + t.To.String() + " " + strings.Join(t.Platforms, ",")
}

// Tasks are what there is to copy to one destination, each once. An image that is below the
// destination by its own name is where it should be, and none of them. Two images that would have one
// name there are an error; see Collisions.
func (d Destination) Tasks(refs []imageref.Ref) ([]Task, error) {
	var tasks []Task
	known := map[imageref.Ref]bool{}
	for _, ref := range refs {
		if known[ref] || strings.HasPrefix(ref.Repository()+"/", strings.TrimRight(d.To, "/")+"/") {
			continue
		}
		known[ref] = true
		to, err := d.Of(ref)
		if err != nil {
			return nil, err
		}
		task := Task{From: ref, To: to, Platforms: d.Platforms}
		if ref.Digest != "" {
			task.Platforms = nil // another index would have another digest
		}
		tasks = append(tasks, task)
	}
	return tasks, Collisions(tasks)
}

// Collisions is the error of images that would have one name where they are copied to, all of them: of
// two repositories, or for other platforms. It is nil where there are none.
func Collisions(tasks []Task) error {
	var wrong []string
	at := map[string]Task{}
	for _, t := range tasks {
		if t.To.Tag == "" {
			continue // digests do not collide
		}
		place := t.To.Name() + ":" + t.To.Tag
		other, ok := at[place]
		switch {
		case !ok:
			at[place] = t
		case other.From.Repository() != t.From.Repository():
			wrong = append(wrong, fmt.Sprintf("%s and %s would both be %s", other.From, t.From, place))
		case other.From == t.From && !slices.Equal(other.Platforms, t.Platforms):
			wrong = append(wrong, fmt.Sprintf("%s would be %s for %s, and for %s", t.From, place, inWords(other.Platforms), inWords(t.Platforms)))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	slices.Sort(wrong)
	return failure.WithHint(fmt.Errorf("two images would have one name in the mirror: %s", strings.Join(wrong, "; ")),
		"keep them apart by their registries (rename: \"{host}/{path}\"), or ask for the same platforms")
}

func inWords(platforms []string) string {
	if len(platforms) == 0 {
		return "all platforms"
	}
	return strings.Join(platforms, ", ")
}

// from is where an image is copied from.
func (t Task) from() registry.Reference { return registry.OfImage(t.From) }
