package workloads

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/helmchart/manifest"
	"github.com/ksrelease/ksrelease/internal/helmchart/workload"
	"github.com/ksrelease/ksrelease/internal/imageref"
	"github.com/ksrelease/ksrelease/internal/kubesphere"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// Images is the rule images.
func Images() rule.Rule {
	return rule.Rule{
		Name:    "images",
		Summary: "images in extension.yaml lists the container images in use, all of them and no others",
		Why: "The list is what administrators mirror into closed networks. An image that is in use and not listed cannot " +
			"be pulled there; one that is listed and not in use is mirrored for nothing. In use are the images of all workloads, on the " +
			"host cluster and on the chosen ones, and those of KubeSphere's own hooks (annotations `executor-hook-image.kubesphere.io/…`). " +
			"An image that only a value or a subchart brings in which is off by default may be listed, and so may one that values, templates or custom resources name in parts; what only `helm test` uses need not be.",
		Fix:    "Add what is missing under images in extension.yaml, and take out what is left over.",
		Source: "The extension development guide of KubeSphere on images; `ksbuilder lint` v0.4.5 (lint images).",
		Codes: []rule.Code{
			{Name: "unlisted", Meaning: "an image is in use and not listed"},
			{Name: "no-list", Meaning: "images are in use, and none is listed"},
			{Name: "unused", Meaning: "an image is listed and not in use"},
			{Name: "invalid-entry", Meaning: "an entry of the list, or the image of a hook, is no image reference"},
			{Name: "listed-twice", Meaning: "an image is listed twice"},
			{Name: "unlisted-hook", Meaning: "the image of a hook is not listed"},
			{Name: "no-image", Meaning: "a container has no image"},
			{Name: "invalid-image", Meaning: "the image of a container is no image reference"},
		},
		Default:  rule.Warning,
		Needs:    rule.Rendering,
		Uses:     rule.MarkedRendering,
		LeavesTo: []string{"helmignore"},
		Run:      checkImages,
	}
}

// usedImage is an image of a workload, and where it is used first.
type usedImage struct {
	Ref       imageref.Ref
	Workload  workload.Workload
	Container workload.Container
	// More counts the other containers that use it.
	More int
}

// isTested reports whether `helm test` alone uses the image, which KubeSphere does not run.
func (u usedImage) isTested() bool { return u.Workload.Test }

// listedImage is an entry of images in extension.yaml.
type listedImage struct {
	Ref     imageref.Ref
	Text    string
	Pointer []string
}

func checkImages(pass *rule.Pass) {
	plain := pass.Rendering()
	used := usedImages(pass, plain)
	listed := listedImages(pass)
	hooks := hookImages(pass)
	if len(listed) == 0 && !pass.HasField("images") {
		noList(pass, slices.DeleteFunc(used, usedImage.isTested), len(plain.Broken) > 0)
		return
	}
	for _, h := range hooks {
		if !containsImage(listed, h.Ref) {
			pass.Problem(rule.Found("unlisted-hook", h.Pointer[1], h.Ref.String()), pass.Ext.Document.Problem(
				fmt.Sprintf("the annotation %s uses %s, which images in extension.yaml does not list", h.Pointer[1], h.Ref),
				"add it to images in extension.yaml:\n  - "+h.Ref.String(), h.Pointer...))
		}
	}
	listed = slices.DeleteFunc(listed, func(l listedImage) bool { return containsImage(hooks, l.Ref) && !usesImage(used, l.Ref) })
	for _, u := range used {
		if !u.isTested() && !containsImage(listed, u.Ref) {
			reportUnlisted(pass, plain, u, listed)
		}
	}
	if len(plain.Broken) == 0 { // what a template that does not render would use, nobody knows
		unused(pass, plain, used, listed)
	}
}

// usedImages are the images of all workloads, each once, in the order of the
// rendering. Containers without an image, or with one that no runtime can read,
// are reported.
func usedImages(pass *rule.Pass, r *helmchart.Rendering) []usedImage {
	var used []usedImage
	index := map[imageref.Ref]int{}
	r.EachContainer(func(w workload.Workload, c workload.Container) {
		if c.Image == "" {
			if !c.Lenient && !w.Test {
				at, line := r.Place(w)
				pass.InSource(rule.Found("no-image", w.Kind, w.Name, c.Name), at, line, fmt.Sprintf("%s of %s has no image", c, w), "give it one: Kubernetes refuses the pod")
			}
			return
		}
		ref, err := imageref.Parse(c.Image)
		if err != nil {
			if !c.Lenient && !w.Test {
				at, line := r.ImagePlace(w, c)
				pass.InSource(rule.Found("invalid-image", w.Kind, w.Name, c.Name), at, line, fmt.Sprintf("%s of %s has an image that cannot be pulled: %s is no image reference", c, w, strconv.Quote(excerpt.OneLine(c.Image))),
					"write it as REGISTRY/PATH:TAG, in lower case; look at the values that the template puts together")
			}
			return
		}
		if i, ok := index[ref]; ok {
			used[i].More++
			if used[i].Workload.Test && !w.Test {
				used[i].Workload, used[i].Container = w, c
			}
			return
		}
		index[ref] = len(used)
		used = append(used, usedImage{Ref: ref, Workload: w, Container: c})
	})
	return used
}

// listedImages reads the entries of images. Those that cannot be read, or say
// the same as another, are reported.
func listedImages(pass *rule.Pass) []listedImage {
	var listed []listedImage
	for i, text := range pass.Ext.Metadata.Images {
		pointer := []string{"images", strconv.Itoa(i)}
		if text == "" {
			continue // no text: the schema says so
		}
		ref, err := imageref.Parse(text)
		if err != nil {
			pass.Problem(rule.Found("invalid-entry", text), pass.Ext.Document.Problem(fmt.Sprintf("%q is no image reference", text), "write it as REGISTRY/PATH:TAG, in lower case", pointer...))
			continue
		}
		if same := findImage(listed, ref); same != nil {
			pass.Problem(rule.Found("listed-twice", ref.String()), pass.Ext.Document.Problem(fmt.Sprintf("the image %s is listed twice", ref), "take one of the two out", pointer...))
			continue
		}
		listed = append(listed, listedImage{Ref: ref, Text: text, Pointer: pointer})
	}
	return listed
}

// hookImages are the images of annotations of extension.yaml, which KubeSphere runs
// besides those of the chart.
func hookImages(pass *rule.Pass) []listedImage {
	annotations, _ := pass.Field("annotations").(map[string]any)
	var images []listedImage
	for _, key := range rule.SortedKeys(annotations) {
		text, _ := annotations[key].(string)
		if !kubesphere.IsHookImage(key) || text == "" {
			continue
		}
		pointer := []string{"annotations", key}
		ref, err := imageref.Parse(text)
		if err != nil {
			pass.Problem(rule.Found("invalid-entry", text), pass.Ext.Document.Problem(fmt.Sprintf("%q is no image reference", text), "write it as REGISTRY/PATH:TAG, in lower case", pointer...))
			continue
		}
		images = append(images, listedImage{Ref: ref, Text: text, Pointer: pointer})
	}
	return images
}

func findImage(listed []listedImage, ref imageref.Ref) *listedImage {
	for i := range listed {
		if listed[i].Ref.Same(ref) {
			return &listed[i]
		}
	}
	return nil
}

func containsImage(listed []listedImage, ref imageref.Ref) bool { return findImage(listed, ref) != nil }

// noList reports an extension that lists no images at all, with the list that it
// should have.
func noList(pass *rule.Pass, used []usedImage, broken bool) {
	if len(used) == 0 {
		return
	}
	hint := "add to extension.yaml:"
	hint += "\nimages:"
	for _, u := range used {
		hint += "\n  - " + u.Ref.String()
	}
	if broken {
		hint += "\n"
		hint += "and those of the templates that do not render"
	}
	first := used[0]
	message := fmt.Sprintf("extension.yaml lists no images, and one image is in use (%s of %s uses %s)", first.Container, first.Workload, first.Ref)
	if len(used) > 1 {
		message = fmt.Sprintf("extension.yaml lists no images, and %d images are in use (%s of %s uses %s)", len(used), first.Container, first.Workload, first.Ref)
	}
	pass.Problem(rule.Found("no-list"), pass.Ext.Document.Problem(message, hint, "images"))
}

// reportUnlisted reports an image that is in use and not listed, at the template that
// uses it.
func reportUnlisted(pass *rule.Pass, r *helmchart.Rendering, u usedImage, listed []listedImage) {
	at, line := r.ImagePlace(u.Workload, u.Container)
	message := fmt.Sprintf("%s of %s uses %s, which images in extension.yaml does not list", u.Container, u.Workload, u.Ref)
	switch {
	case u.More == 1:
		message += " (as one other container does)"
	case u.More > 1:
		message += fmt.Sprintf(" (as %d other containers do)", u.More)
	}
	hint := "add it to images in extension.yaml:\n  - " + u.Ref.String()
	for _, l := range listed {
		if l.Ref.Repository() == u.Ref.Repository() {
			hint = fmt.Sprintf("images lists %s: use one of the two everywhere, or add\n  - %s", l.Ref, u.Ref)
			break
		}
	}
	pass.InSource(rule.Found("unlisted", u.Ref.String()), at, line, message, hint)
}

// unused reports the images that are listed and not in use. In use is an image of
// a container, and one that stands as a whole in any rendered text: operators
// take images by arguments, environment variables and ConfigMaps.
//
// An image that is used once something is switched on is listed with good reason, and so is
// one that what is installed brings in by itself (see isReached). Where .helmignore leaves out a
// part of the chart, which the rule helmignore reports, nobody knows what that would use.
func unused(pass *rule.Pass, plain *helmchart.Rendering, used []usedImage, listed []listedImage) {
	if pass.IsLeftOut(extension.NeededByHelm) {
		return
	}
	for _, l := range listed {
		if usesImage(used, l.Ref) || mentions(plain, l.Ref, imageref.Ref.Same) || isReached(pass, plain, used, l.Ref) {
			continue
		}
		pass.Problem(rule.Found("unused", l.Text), pass.Ext.Document.Problem(
			fmt.Sprintf("the image %s is listed, and nothing in the chart uses it", l.Text),
			nearUse(used, l.Ref), l.Pointer...))
	}
}

// isReached reports whether an image that nothing uses by default may come into use:
// with a subchart or a value that is switched on, or by what is installed.
func isReached(pass *rule.Pass, plain *helmchart.Rendering, used []usedImage, ref imageref.Ref) bool {
	// The version in use is another one: then the listed one is the wrong one, unless it is
	// named itself.
	wrongVersion := usesRepository(used, ref)
	loaded, found := pass.Chart(), false
	name := []byte(path.Base(ref.Path)) // the cheap look
	helmchart.Each(loaded.Root, func(c *chart.Chart) {
		found = found || namesImage("", c.Values, ref, wrongVersion)
		for _, template := range c.Templates {
			found = found || bytes.Contains(template.Data, name) && writesImage(string(template.Data), ref, wrongVersion)
		}
		for _, file := range c.Files {
			found = found || strings.Contains(file.Name, "/") && !isProse(file.Name) && bytes.Contains(file.Data, name) && ref.Mentions(string(file.Data), imageref.Ref.SameButRegistry)
		}
	})
	return found || inParts(plain, ref) || !wrongVersion && isCompanion(used, ref) || inSubchartThatIsOff(pass, ref)
}

// isProse reports whether a file names images for people.
func isProse(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".md", ".txt", "":
		return true
	}
	return false
}

// writesImage reports whether the source of a template has an image as a whole, or puts it
// together of its name and a version: /NAME:{{ … }}, or printf "…NAME:%s".
func writesImage(text string, ref imageref.Ref, wrongVersion bool) bool {
	if ref.Mentions(text, imageref.Ref.SameButRegistry) {
		return true
	}
	if wrongVersion {
		return false
	}
	name := path.Base(ref.Path)
	for rest := text; ; {
		i := strings.Index(rest, name)
		if i < 0 {
			return false
		}
		before, after := rest[:i], rest[i+len(name):]
		rest = after
		if n := len(before); n > 0 && isNameByte(before[n-1]) {
			continue
		}
		slash := strings.HasSuffix(before, "/")
		for _, follows := range [...]string{":{{", ":%s", ":%v", `:"`, "@{{", "@%s"} {
			if strings.HasPrefix(after, follows) {
				return true
			}
		}
		if slash && (strings.HasPrefix(after, "{{") || strings.HasPrefix(after, `"`)) {
			return true
		}
	}
}

func isNameByte(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '-' || b == '_' || b == '.'
}

// namesImage reports whether some values name an image: as a text of this path, with or
// without registry and tag, or in parts of one mapping, such as repository, image and
// version. A single word is a path only under a key that says so. Where the version has to
// be right, the text or the mapping has it.
func namesImage(key string, value any, ref imageref.Ref, withVersion bool) bool {
	switch v := value.(type) {
	case string:
		if !strings.Contains(v, ref.Path[strings.LastIndexByte(ref.Path, '/')+1:]) {
			return false // the cheap look
		}
		name, version := v, ""
		if i := strings.IndexByte(name, '@'); i >= 0 {
			name, version = name[:i], name[i+1:]
		}
		if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
			name, version = name[:i], name[i+1:]
		}
		if withVersion && (version == "" || version != ref.Tag && version != ref.Digest) {
			return false
		}
		return isPathOf(key, name, ref)
	case []any:
		return slices.ContainsFunc(v, func(element any) bool { return namesImage(key, element, ref, withVersion) })
	case map[string]any:
		if namesInParts(v, ref) {
			return true
		}
		for key, element := range v {
			if namesImage(key, element, ref, withVersion) {
				return true
			}
		}
	}
	return false
}

func isPathOf(key, name string, ref imageref.Ref) bool {
	key, short := strings.ToLower(key), ref.Short()
	said := strings.Contains(short, "/") || strings.Contains(key, "image") || strings.Contains(key, "repository")
	return name == short && said || strings.HasSuffix(name, "/"+short)
}

// namesInParts reports whether the texts of one mapping make up an image: its path in one
// or two of them, and its version in another.
func namesInParts(values map[string]any, ref imageref.Ref) bool {
	var texts []string
	for _, value := range values {
		switch v := value.(type) {
		case string:
			texts = append(texts, v)
		case float64, int64, int:
			texts = append(texts, rule.PlainScalar(v))
		}
	}
	hasVersion := ref.Tag == "" && ref.Digest != ""
	for _, text := range texts {
		hasVersion = hasVersion || text != "" && (text == ref.Tag || text == ref.Digest || ref.Tag != "" && strings.HasSuffix(text, ":"+ref.Tag))
	}
	if !hasVersion {
		return false
	}
	short := ref.Short()
	for key, value := range values {
		first, ok := value.(string)
		if !ok {
			continue
		}
		if isPathOf(key, first, ref) {
			return true
		}
		for _, second := range texts {
			second, _, _ = strings.Cut(second, ":")
			if first == "" || second == "" || second == first {
				continue
			}
			if joined := strings.TrimSuffix(first, "/") + "/" + second; joined == short || strings.HasSuffix(joined, "/"+short) {
				return true
			}
		}
	}
	return false
}

// inParts reports whether a rendered document has the parts of an image, as custom
// resources do that an operator makes workloads of: its registry or organization, its
// name and its version.
func inParts(plain *helmchart.Rendering, ref imageref.Ref) bool {
	organization, name := path.Split(ref.Short())
	version := ref.Tag
	if version == "" {
		version = ref.Digest
	}
	if organization == "" || version == "" {
		return false
	}
	for _, text := range plain.Texts {
		if !strings.Contains(text, version) || !strings.Contains(text, name) || !strings.Contains(text, strings.TrimSuffix(organization, "/")) {
			continue
		}
		for _, m := range manifest.Split(text) {
			if hasWord(m.Text, version, "/:", "/") && hasWord(m.Text, name, "", ":") && hasWord(m.Text, path.Base(organization), "", "") {
				return true
			}
		}
	}
	return false
}

// hasWord reports whether a text has a name by itself, and none of some characters in front
// of it or behind it.
func hasWord(text, word, notBefore, notBehind string) bool {
	for rest := text; ; {
		i := strings.Index(rest, word)
		if i < 0 {
			return false
		}
		before, after := rest[:i], rest[i+len(word):]
		alone := func(b byte, not string) bool { return !isNameByte(b) && strings.IndexByte(not, b) < 0 }
		if (before == "" || alone(before[len(before)-1], notBefore)) && (after == "" || alone(after[0], notBehind)) {
			return true
		}
		rest = after
	}
}

// isCompanion reports whether an image in use is of the same organization and version:
// what is released together is installed together, by an operator or an installer.
func isCompanion(used []usedImage, ref imageref.Ref) bool {
	organization := path.Dir(ref.Short())
	return organization != "." && ref.Tag != "" && ref.Tag != "latest" && slices.ContainsFunc(used, func(u usedImage) bool {
		return u.Ref.Registry == ref.Registry && path.Dir(u.Ref.Short()) == organization && u.Ref.Tag == ref.Tag
	})
}

func usesImage(used []usedImage, ref imageref.Ref) bool {
	for _, u := range used {
		if u.Ref.Same(ref) {
			return true
		}
	}
	return false
}

// usesRepository reports whether the image is in use in another version: then the
// one that is listed is the wrong one.
func usesRepository(used []usedImage, ref imageref.Ref) bool {
	return slices.ContainsFunc(used, func(u usedImage) bool { return u.Ref.Repository() == ref.Repository() })
}

// nearUse is the hint for an image that is listed and not used.
func nearUse(used []usedImage, ref imageref.Ref) string {
	for _, u := range used {
		if u.Ref.Repository() == ref.Repository() {
			return fmt.Sprintf("%s of %s uses %s: list that one instead", u.Container, u.Workload, u.Ref)
		}
	}
	return "take it out of images, or let the chart use it; an operator that brings it in by itself is a reason to keep it"
}

// mentions reports whether an image stands in any rendered template.
func mentions(r *helmchart.Rendering, ref imageref.Ref, equal func(imageref.Ref, imageref.Ref) bool) bool {
	for _, text := range r.Texts {
		if ref.Mentions(text, equal) {
			return true
		}
	}
	return false
}

// inSubchartThatIsOff reports whether an image is in use where a subchart is switched on
// that is off by default. The marked rendering has all subcharts on; its images may have
// another registry.
func inSubchartThatIsOff(pass *rule.Pass, ref imageref.Ref) bool {
	if len(pass.Chart().Off) == 0 {
		return false
	}
	marked := pass.MarkedRendering()
	if marked == nil {
		return false
	}
	found := false
	marked.EachContainer(func(_ workload.Workload, c workload.Container) {
		other, err := imageref.Parse(c.Image)
		found = found || err == nil && other.SameButRegistry(ref)
	})
	return found || mentions(marked, ref, imageref.Ref.SameButRegistry)
}
