package lint

import (
	"fmt"
	"strings"
)

func imageRegistryRule() Rule {
	return Rule{
		Name:    "image-registry",
		Summary: "every container image obeys global.imageRegistry",
		Why: "In closed networks administrators set global.imageRegistry to the mirror that they have. An image that " +
			"does not pass it on cannot be pulled there.",
		Fix: "Put the registry of the image through the global value:\n\n" +
			registryRemedy,
		Source:     "The extension development guide of KubeSphere on global values; `ksbuilder lint` v0.4.5 (lint global.imageRegistry).",
		Default:    Warning,
		needsChart: true,
		check:      checkImageRegistry,
	}
}

const registryRemedy = `image: {{ .Values.global.imageRegistry | default "docker.io" }}/library/nginx:1.27.0`

func checkImageRegistry(s *subject) {
	marked, err := s.material.marked()
	if err != nil {
		return // the rules chart and render say so
	}
	for _, w := range marked.Workloads {
		for _, p := range w.Pods {
			for _, c := range p.Containers {
				if message, hint := registryFault(c); message != "" {
					at, line := marked.imagePlace(w, c)
					s.inSource(at, line, fmt.Sprintf("%s of %s %s", c, w, message), hint)
				}
			}
		}
	}
}

// registryFault says how the image of a container, rendered with the marker
// registry, disobeys it; the message is empty where it does not.
func registryFault(c container) (message, hint string) {
	rest, obeys := strings.CutPrefix(c.Image, markerRegistry)
	switch {
	case c.Image == "":
		return "", "" // the rule images says so
	case obeys && strings.HasPrefix(rest, "/"):
		return "", ""
	case obeys:
		return fmt.Sprintf("puts global.imageRegistry before the image %s without a slash between them", oneLine(rest)),
			"write {{ .Values.global.imageRegistry }}/ and the rest of the image"
	case strings.Contains(c.Image, markerRegistry):
		return fmt.Sprintf("has global.imageRegistry inside of its image, not at the beginning: %s", oneLine(strings.ReplaceAll(c.Image, markerRegistry, "REGISTRY"))),
			"where the global value is set, let it take the place of the registry of the image"
	default:
		return fmt.Sprintf("uses the image %s whatever global.imageRegistry is", oneLine(c.Image)),
			"put the registry of the image through the global value:\n" + registryRemedy
	}
}
