// Package imageref is what a reference to a container image means, whichever way it is written.
package imageref

import (
	"fmt"
	"strings"

	"github.com/distribution/reference"
)

// Ref is a container image by what it means, not by how it is written:
// redis and docker.io/library/redis:latest are one.
type Ref struct {
	Registry string // docker.io
	Path     string // library/redis
	Tag      string // empty where only a digest pins the image
	Digest   string // sha256:…, empty where only a tag names the image
}

// Parse reads an image as container runtimes do: a missing registry is
// docker.io, a missing namespace there is library, a missing tag is latest.
func Parse(image string) (Ref, error) {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return Ref{}, fmt.Errorf("reading image %q: %w", image, err)
	}
	ref := Ref{Registry: reference.Domain(named), Path: reference.Path(named)}
	if digested, ok := named.(reference.Digested); ok {
		ref.Digest = digested.Digest().String()
	}
	if tagged, ok := named.(reference.Tagged); ok {
		ref.Tag = tagged.Tag()
	} else if ref.Digest == "" {
		ref.Tag = "latest"
	}
	return ref, nil
}

// String is the full form, as it should stand in extension.yaml.
func (r Ref) String() string {
	s := r.Repository()
	if r.Tag != "" {
		s += ":" + r.Tag
	}
	if r.Digest != "" {
		s += "@" + r.Digest
	}
	return s
}

// Short is the path as people write it: redis for library/redis.
func (r Ref) Short() string { return strings.TrimPrefix(r.Path, "library/") }

// Rest is what stands behind the registry: library/redis:7.
func (r Ref) Rest() string { return strings.TrimPrefix(r.String(), r.Registry+"/") }

// Repository is the name without tag and digest: docker.io/library/redis.
func (r Ref) Repository() string { return r.Registry + "/" + r.Path }

// Same reports whether two references mean one image. Where both are pinned by
// a digest, the digests decide; otherwise the tags do.
func (r Ref) Same(other Ref) bool {
	return r.Registry == other.Registry && r.SameButRegistry(other)
}

// SameButRegistry compares references of which one was moved to another registry.
func (r Ref) SameButRegistry(other Ref) bool {
	if r.Path != other.Path {
		return false
	}
	if r.Digest != "" && other.Digest != "" {
		return r.Digest == other.Digest
	}
	return r.Tag != "" && r.Tag == other.Tag
}

// Mentions reports whether text has the image in it as a whole word: in an
// argument, an environment variable or a ConfigMap. Only whole references
// count, so that nginx:1.10 is no mention of nginx:1.1.
func (r Ref) Mentions(text string, equal func(Ref, Ref) bool) bool {
	needle := r.needle()
	for at := 0; ; {
		i := strings.Index(text[at:], needle)
		if i < 0 {
			return false
		}
		begin, end := at+i, at+i+len(needle)
		for begin > 0 && isImageByte(text[begin-1]) {
			begin--
		}
		if begin > 0 && text[begin-1] == ']' { // [::1]:5000/x:1
			if open := strings.LastIndexByte(text[:begin], '['); open >= 0 {
				begin = open
			}
		}
		for end < len(text) && isImageByte(text[end]) {
			end++
		}
		// A tag may end with a full stop, and so may a sentence.
		for _, word := range [...]string{text[begin:end], strings.TrimRight(text[begin:end], ".:")} {
			if found, err := Parse(word); err == nil && equal(r, found) {
				return true
			}
		}
		at += i + len(needle)
	}
}

// needle is the part that every way of writing this reference has.
func (r Ref) needle() string {
	name := r.Path[strings.LastIndexByte(r.Path, '/')+1:]
	switch {
	case r.Digest != "" && r.Tag == "":
		return "@" + r.Digest
	case r.Tag == "latest":
		return name
	default:
		return name + ":" + r.Tag
	}
}

func isImageByte(b byte) bool {
	switch {
	case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9':
		return true
	}
	return strings.IndexByte("._-/:@", b) >= 0
}
