package workloads

import (
	"fmt"
	"strings"

	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/helmchart/workload"
	"github.com/ksrelease/ksrelease/internal/imageref"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// ImageRegistry is the rule image-registry.
func ImageRegistry() rule.Rule {
	return rule.Rule{
		Name:    "image-registry",
		Summary: "every container image obeys global.imageRegistry",
		Why: "In closed networks administrators set global.imageRegistry to the mirror that they have. An image that " +
			"does not pass it on cannot be pulled there. What only `helm test` makes never runs, and is not looked at.",
		Fix: "Put the registry of the image through the global value:\n\n" +
			registryExample,
		Source: "The extension development guide of KubeSphere on global values; `ksbuilder lint` v0.4.5 (lint global.imageRegistry).",
		Codes: []rule.Code{
			{Name: "not-obeyed", Meaning: "an image is the same whatever the value is"},
			{Name: "no-slash", Meaning: "there is no slash between the value and the image"},
			{Name: "not-at-the-beginning", Meaning: "the value is not at the beginning of the image"},
		},
		Default: rule.Warning,
		Needs:   rule.MarkedRendering,
		Run:     checkImageRegistry,
	}
}

// registryHintFor is the hint for an image, as the template has it (written) or
// as it is rendered.
func registryHintFor(image string, written bool) string {
	ref, err := imageref.Parse(image)
	if err != nil {
		return "let the template put .Values.global.imageRegistry, where it is set, in the place of the registry of the image"
	}
	if written {
		return fmt.Sprintf("write it as\nimage: {{ .Values.global.imageRegistry | default %q }}/%s", ref.Registry, ref.Rest())
	}
	return fmt.Sprintf("take the registry out of the value that the image comes from, if it is in there, and let the template put it in front:\n"+
		"image: {{ .Values.global.imageRegistry | default %q }}/…", ref.Registry)
}

const registryExample = `image: {{ .Values.global.imageRegistry | default "docker.io" }}/library/nginx:1.27.0`

func checkImageRegistry(pass *rule.Pass) {
	marked := pass.MarkedRendering()
	for _, w := range marked.Workloads {
		if w.Test { // nobody pulls its images
			continue
		}
		for _, p := range w.Pods {
			for _, c := range p.Containers {
				found, message, hint := registryFault(fmt.Sprintf("%s of %s", c, w), c, strings.Contains(marked.Sources[w.Template].Text, c.Image))
				if message == "" {
					continue
				}
				at, line := marked.ImagePlace(w, c)
				pass.InSource(rule.Found(found, w.Kind, w.Name, c.Name), at, line, message, hint)
			}
		}
	}
}

// registryFault says how the image of a container, rendered with the marker
// registry, disobeys it; the message is empty where it does not. written says that
// the image stands in the template as it is.
func registryFault(who string, c workload.Container, written bool) (found, message, hint string) {
	rest, obeys := strings.CutPrefix(c.Image, rule.MarkerRegistry)
	switch {
	case c.Image == "":
		return "", "", "" // the rule images says so
	case obeys && strings.HasPrefix(rest, "/"):
		return "", "", ""
	case obeys:
		return "no-slash", fmt.Sprintf("%s puts global.imageRegistry before the image %s without a slash between them", who, excerpt.OneLine(rest)),
			"write {{ .Values.global.imageRegistry }}/ and the rest of the image"
	case strings.Contains(c.Image, rule.MarkerRegistry):
		return "not-at-the-beginning", fmt.Sprintf("%s has global.imageRegistry inside of its image, not at the beginning: %s", who, excerpt.OneLine(strings.ReplaceAll(c.Image, rule.MarkerRegistry, "REGISTRY"))),
			"where the global value is set, let it take the place of the registry of the image"
	default:
		return "not-obeyed", fmt.Sprintf("%s uses the image %s whatever global.imageRegistry is", who, excerpt.OneLine(c.Image)),
			registryHintFor(c.Image, written)
	}
}
