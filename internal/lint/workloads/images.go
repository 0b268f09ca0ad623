package workloads

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// Images is the rule images.
func Images() rule.Rule {
	return rule.Rule{
		Name:    "images",
		Summary: "images in extension.yaml lists the container images in use, all of them and no others",
		Why: "The list is what administrators mirror into closed networks. An image that is in use and not listed cannot " +
			"be pulled there; one that is listed and not in use is mirrored for nothing. In use are the images of all workloads, on the " +
			"host cluster and on the chosen ones, and those of KubeSphere's own hooks (annotations `executor-hook-image.kubesphere.io/…`).",
		Fix:    "Add what is missing under images in extension.yaml, and take out what is left over.",
		Source: "The extension development guide of KubeSphere on images; `ksbuilder lint` v0.4.5 (lint images).",
		Codes: []rule.Code{
			{Name: "unlisted", Meaning: "an image is in use and not listed"},
			{Name: "no-list", Meaning: "images are in use, and none is listed"},
			{Name: "unused", Meaning: "an image is listed and not in use"},
			{Name: "used-if-switched-on", Meaning: "an image is listed that is in use only if something is switched on"},
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
	Ref       imageRef
	Workload  helmchart.Workload
	Container helmchart.Container
	// More counts the other containers that use it.
	More int
}

// listedImage is an entry of images in extension.yaml.
type listedImage struct {
	Ref     imageRef
	Text    string
	Pointer []string
}

func checkImages(pass *rule.Pass) {
	plain := pass.Rendering()
	used := usedImages(pass, plain)
	listed := listedImages(pass)
	hooks := hookImages(pass)
	if len(listed) == 0 && !pass.HasField("images") {
		noList(pass, used, len(plain.Broken) > 0)
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
		if !containsImage(listed, u.Ref) {
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
	index := map[imageRef]int{}
	r.EachContainer(func(w helmchart.Workload, c helmchart.Container) {
		if c.Image == "" {
			if !c.Lenient {
				at, line := r.Place(w)
				pass.InSource(rule.Found("no-image", w.Kind, w.Name, c.Name), at, line, fmt.Sprintf("%s of %s has no image", c, w), "give it one: Kubernetes refuses the pod")
			}
			return
		}
		ref, err := parseImage(c.Image)
		if err != nil {
			if !c.Lenient {
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
		ref, err := parseImage(text)
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

// hookPrefix is that of the annotations that name the image in which KubeSphere runs
// its installation hooks, such as executor-hook-image.kubesphere.io/install.
const hookPrefix = "executor-hook-image.kubesphere.io/"

// hookImages are the images of annotations of extension.yaml, which KubeSphere runs
// besides those of the chart.
func hookImages(pass *rule.Pass) []listedImage {
	annotations, _ := pass.Field("annotations").(map[string]any)
	var images []listedImage
	for _, key := range rule.SortedKeys(annotations) {
		text, _ := annotations[key].(string)
		if !strings.HasPrefix(key, hookPrefix) || text == "" {
			continue
		}
		pointer := []string{"annotations", key}
		ref, err := parseImage(text)
		if err != nil {
			pass.Problem(rule.Found("invalid-entry", text), pass.Ext.Document.Problem(fmt.Sprintf("%q is no image reference", text), "write it as REGISTRY/PATH:TAG, in lower case", pointer...))
			continue
		}
		images = append(images, listedImage{Ref: ref, Text: text, Pointer: pointer})
	}
	return images
}

func findImage(listed []listedImage, ref imageRef) *listedImage {
	for i := range listed {
		if listed[i].Ref.same(ref) {
			return &listed[i]
		}
	}
	return nil
}

func containsImage(listed []listedImage, ref imageRef) bool { return findImage(listed, ref) != nil }

// noList reports an extension that lists no images at all, with the list that it
// should have.
func noList(pass *rule.Pass, used []usedImage, broken bool) {
	if len(used) == 0 {
		return
	}
	hint := "add to extension.yaml:\nimages:"
	for _, u := range used {
		hint += "\n  - " + u.Ref.String()
	}
	if broken {
		hint += "\nand those of the templates that do not render"
	}
	first := used[0]
	pass.Problem(rule.Found("no-list"), pass.Ext.Document.Problem(
		fmt.Sprintf("extension.yaml lists no images, and %s in use (%s of %s uses %s)", rule.Counted(len(used), "image is", "images are"), first.Container, first.Workload, first.Ref),
		hint, "images"))
}

// reportUnlisted reports an image that is in use and not listed, at the template that
// uses it.
func reportUnlisted(pass *rule.Pass, r *helmchart.Rendering, u usedImage, listed []listedImage) {
	at, line := r.ImagePlace(u.Workload, u.Container)
	message := fmt.Sprintf("%s of %s uses %s, which images in extension.yaml does not list", u.Container, u.Workload, u.Ref)
	if u.More > 0 {
		message += fmt.Sprintf(" (as %s)", rule.Counted(u.More, "other container does", "other containers do"))
	}
	hint := "add it to images in extension.yaml:\n  - " + u.Ref.String()
	for _, l := range listed {
		if l.Ref.repository() == u.Ref.repository() {
			hint = fmt.Sprintf("images lists %s: use one of the two everywhere, or add\n  - %s", l.Ref, u.Ref)
			break
		}
	}
	severity := pass.Severity()
	if u.Workload.Test {
		severity, message = pass.AtMost(rule.Info), message+onlyTested
	}
	pass.InSourceAs(rule.Found("unlisted", u.Ref.String()), severity, at, line, message, hint)
}

// unused reports the images that are listed and not in use. In use is an image of
// a container, and one that stands as a whole in any rendered text: operators
// take images by arguments, environment variables and ConfigMaps.
//
// An image that is used once something is switched on is listed with good reason:
// that of a subchart that is off by default, and one that values name. They are
// reported for information only. Where .helmignore leaves out a part of the chart, which the
// rule helmignore reports, nobody knows what that would use.
func unused(pass *rule.Pass, plain *helmchart.Rendering, used []usedImage, listed []listedImage) {
	if pass.IsLeftOut(extension.NeededByHelm) {
		return
	}
	for _, l := range listed {
		if usesImage(used, l.Ref) || mentions(plain, l.Ref, imageRef.same) {
			continue
		}
		p := pass.Ext.Document.Problem(
			fmt.Sprintf("the image %s is listed, and nothing uses it", l.Text),
			nearUse(used, l.Ref), l.Pointer...)
		if component := optionalUser(pass, l.Ref); component != "" {
			p.Message = fmt.Sprintf("the image %s is listed, and used only by %s, which is off by default", l.Text, component)
			p.Hint = fineIfOptional
			pass.ProblemAs(rule.Found("used-if-switched-on", l.Text), pass.AtMost(rule.Info), p)
			continue
		}
		if file := namedByValues(pass, l.Ref); file != "" && !usesRepository(used, l.Ref) {
			p.Message = fmt.Sprintf("the image %s is listed, and nothing uses it by default; %s names %s", l.Text, file, l.Ref.short())
			p.Hint = fineIfOptional
			pass.ProblemAs(rule.Found("used-if-switched-on", l.Text), pass.AtMost(rule.Info), p)
			continue
		}
		pass.Problem(rule.Found("unused", l.Text), p)
	}
}

const fineIfOptional = "that is fine if users are to switch it on; else take it out of images"

// namedByValues is the file of values, of the extension or a subchart, in which the
// path of an image stands: a template may put the image together once something is
// switched on. It is empty where there is none.
func namedByValues(pass *rule.Pass, ref imageRef) string {
	loaded := pass.Chart()
	found := ""
	helmchart.Each(loaded.Root, func(c *chart.Chart) {
		if at, ok := loaded.Places.Of(c); ok && found == "" && namesImage("", c.Values, ref.short()) {
			file, inside := at.File("values.yaml")
			if found = file; inside != "" {
				found = inside + " in " + file
			}
		}
	})
	return found
}

// namesImage reports whether a text of some values is an image of this path, with
// or without registry and tag. A single word is one only under a key that says so.
func namesImage(key string, value any, path string) bool {
	switch v := value.(type) {
	case string:
		v, _, _ = strings.Cut(v, "@")
		if i := strings.LastIndexByte(v, ':'); i > strings.LastIndexByte(v, '/') {
			v = v[:i]
		}
		key = strings.ToLower(key)
		said := strings.Contains(path, "/") || strings.Contains(key, "image") || strings.Contains(key, "repository")
		return v == path && said || strings.HasSuffix(v, "/"+path)
	case []any:
		return slices.ContainsFunc(v, func(element any) bool { return namesImage(key, element, path) })
	case map[string]any:
		for key, element := range v {
			if namesImage(key, element, path) {
				return true
			}
		}
	}
	return false
}

func usesImage(used []usedImage, ref imageRef) bool {
	for _, u := range used {
		if u.Ref.same(ref) {
			return true
		}
	}
	return false
}

// usesRepository reports whether the image is in use in another version: then the
// one that is listed is the wrong one.
func usesRepository(used []usedImage, ref imageRef) bool {
	return slices.ContainsFunc(used, func(u usedImage) bool { return u.Ref.repository() == ref.repository() })
}

// nearUse is the hint for an image that is listed and not used.
func nearUse(used []usedImage, ref imageRef) string {
	for _, u := range used {
		if u.Ref.repository() == ref.repository() {
			return fmt.Sprintf("%s of %s uses %s: list that one instead", u.Container, u.Workload, u.Ref)
		}
	}
	return "take it out of images, or let the chart use it"
}

// mentions reports whether an image stands in any rendered template.
func mentions(r *helmchart.Rendering, ref imageRef, equal func(imageRef, imageRef) bool) bool {
	for _, text := range r.Texts {
		if ref.mentions(text, equal) {
			return true
		}
	}
	return false
}

// optionalUser names the workload that uses an image only where a subchart is
// switched on that is off by default; it is empty where there is none. The marked
// rendering has all subcharts on; its images may have another registry.
func optionalUser(pass *rule.Pass, ref imageRef) string {
	if len(pass.Chart().Off) == 0 {
		return ""
	}
	marked := pass.MarkedRendering()
	if marked == nil {
		return ""
	}
	user := ""
	marked.EachContainer(func(w helmchart.Workload, c helmchart.Container) {
		if found, err := parseImage(c.Image); user == "" && err == nil && found.sameButDomain(ref) {
			user = fmt.Sprintf("%s of %s", c, w)
		}
	})
	if user == "" && mentions(marked, ref, imageRef.sameButDomain) {
		user = "a subchart"
	}
	return user
}

// onlyTested is said of a workload that is there for tests: nobody who installs
// the extension meets it.
const onlyTested = "; only `helm test` makes it, which KubeSphere does not run"
