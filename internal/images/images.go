// Package images says which container images extensions need, and where each of them is named.
//
// An extension needs the images that extension.yaml lists, those of the pods that its chart makes
// when KubeSphere installs it, and those in which KubeSphere runs its own hooks. What `helm test`
// alone would use is none of them: KubeSphere does not run it.
//
// Finding them renders what strangers wrote, which may last or grow without end: see
// internal/worker. Nothing here asks a registry.
package images

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/helmchart/workload"
	"github.com/ksrelease/ksrelease/internal/imageref"
	"github.com/ksrelease/ksrelease/internal/kubesphere"
)

// Place is where an extension names an image.
type Place struct {
	// File is a slash path below the extension; Inside is the path within it where it is a
	// packaged subchart.
	File   string
	Inside string
	Line   int // from 1; 0 where it is not known
	// By is what names the image: images in extension.yaml, or container "web" of Deployment "web".
	By string
	// Written is the reference as it stands there, or as a template rendered it.
	Written string
	// Excerpt shows the line; empty where there is none.
	Excerpt string
}

// String is the place as file:line.
func (p Place) String() string {
	at := p.File
	if p.Inside != "" {
		at += "!/" + p.Inside
	}
	if p.Line > 0 {
		at += ":" + strconv.Itoa(p.Line)
	}
	return at
}

// Use is an image that an extension needs.
type Use struct {
	Ref imageref.Ref
	// Places are where it is named, each once: first the list of extension.yaml.
	Places []Place
}

// Unreadable is a text in the place of an image that is none.
type Unreadable struct{ Place }

// Needed are the images of one extension.
type Needed struct {
	Uses       []Use // in the order in which they are met
	Unreadable []Unreadable
	// Unknown are the templates that do not render. What these would use nobody knows.
	Unknown []string
}

// Of finds the images that an extension needs. Where its chart cannot be loaded or rendered at all,
// the error says why, and what extension.yaml names is returned with it. The error is that of ctx
// where that ends.
func Of(ctx context.Context, ext *extension.Extension) (*Needed, error) {
	found := &collector{Needed: &Needed{}, index: map[imageref.Ref]int{}}
	found.metadata(ext)
	chart, err := helmchart.Load(ext)
	if err != nil {
		return found.Needed, err
	}
	rendered, err := chart.Render(ctx, nil)
	if err != nil {
		return found.Needed, err
	}
	found.rendering(rendered.Plain)
	return found.Needed, nil
}

// collector gathers the images of an extension.
type collector struct {
	*Needed
	index map[imageref.Ref]int
}

// add notes that an image is named at a place.
func (c *collector) add(at Place) {
	ref, err := imageref.Parse(at.Written)
	if err != nil {
		c.Unreadable = append(c.Unreadable, Unreadable{at})
		return
	}
	i, ok := c.index[ref]
	if !ok {
		i = len(c.Uses)
		c.index[ref] = i
		c.Uses = append(c.Uses, Use{Ref: ref})
	}
	use := &c.Uses[i]
	for _, known := range use.Places {
		if known.File == at.File && known.Inside == at.Inside && known.Line == at.Line && known.By == at.By {
			return
		}
	}
	use.Places = append(use.Places, at)
}

// metadata takes what extension.yaml names.
func (c *collector) metadata(ext *extension.Extension) {
	for i, text := range ext.Metadata.Images {
		if text != "" { // else the schema refuses the entry
			c.inMetadata(ext, text, "images", "images", strconv.Itoa(i))
		}
	}
	top, _ := ext.Document.Value().(map[string]any)
	annotations, _ := top["annotations"].(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		if text, _ := annotations[key].(string); text != "" && kubesphere.IsHookImage(key) {
			c.inMetadata(ext, text, "the annotation "+excerpt.OneLine(key), "annotations", key)
		}
	}
}

func (c *collector) inMetadata(ext *extension.Extension, text, by string, pointer ...string) {
	at := ext.Document.Problem("", "", pointer...)
	c.add(Place{Written: text, File: at.File, Line: at.Range.Start.Line, By: by, Excerpt: at.Excerpt})
}

// rendering takes what pods of the chart use.
func (c *collector) rendering(r *helmchart.Rendering) {
	r.EachContainer(func(w workload.Workload, of workload.Container) {
		if of.Image == "" || w.Test {
			return
		}
		if _, err := imageref.Parse(of.Image); err != nil && of.Lenient {
			return // a custom resource may mean anything by a field of that name
		}
		source, line := r.ImagePlace(w, of)
		at := Place{Written: of.Image, File: source.File, Inside: source.Inside, Line: line, By: fmt.Sprintf("%s of %s", of, w), Excerpt: source.Excerpt(line)}
		c.add(at)
	})
	for _, broken := range r.Broken {
		c.Unknown = append(c.Unknown, r.Sources[broken.Template].Name())
	}
}

// Diagnostic says what is wrong, under the codes of the rule images.
func (u Unreadable) Diagnostic() diagnostic.Diagnostic {
	code := "images/invalid-image"
	if u.File == extension.MetadataFile {
		code = "images/invalid-entry"
	}
	return diagnostic.Diagnostic{
		Code: code, Severity: diagnostic.Error, File: u.File, Range: diagnostic.At(u.Line, 0), Excerpt: u.Excerpt,
		Message: fmt.Sprintf("%s: %s is no image reference", u.By, strconv.Quote(excerpt.OneLine(u.Written))),
		Hint:    "write it as REGISTRY/PATH:TAG, in lower case", Subject: u.Written,
	}
}
