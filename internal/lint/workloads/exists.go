package workloads

import (
	"fmt"
	"strings"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// ImageExists is the rule image-exists.
func ImageExists() rule.Rule {
	return rule.Rule{
		Name:    "image-exists",
		Summary: "every image is in its registry, for the platforms that are asked for",
		Why: "An extension whose image is not there is installed, and its pods wait for ever (ImagePullBackOff): a tag with a slip in it, an image that " +
			"CI has not pushed yet, one for amd64 alone on a cluster of arm64. Looked at are the images that extension.yaml lists, those of all workloads, " +
			"and those of KubeSphere's own hooks.\n\n" +
			"The rule asks registries, so `lint` and `check`, which are offline, do not run it. A run does, as a part of its plan, for what it would release, " +
			"where `images.exist` of the config says how much a missing image matters; `ksrelease images check` does at any time. A registry that cannot be asked, " +
			"or refuses, is reported as such: its images are not called missing. With `images.exist: error` that keeps the extension from being released, too.",
		Fix: "Push the image before the extension is released, or correct its tag. Where it is there in a private registry, log in (docker login) on the machine that asks. " +
			"One that cannot be asked for from there can be silenced at its line:\n\n" +
			"  - registry.internal/x/y:1.0 # ksrelease:ignore image-exists CI cannot reach that registry",
		Source: "Kubernetes documentation, Images (https://kubernetes.io/docs/concepts/containers/images/); OCI Distribution Specification 1.1, Pulling manifests " +
			"(https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#pulling-manifests).",
		Codes: []rule.Code{
			{Name: rule.ImageMissing, Meaning: "the registry has no such image"},
			{Name: rule.ImageNotFor, Meaning: "the image is not for all platforms that are asked for"},
			{Name: rule.ImageNotKnown, Meaning: "the registry could not be asked, or refuses"},
		},
		Default: rule.Off,
		Asks:    true,
		Run:     checkImageExists,
	}
}

func checkImageExists(pass *rule.Pass) {
	for _, fault := range pass.Registries().Faults {
		image := excerpt.OneLine(fault.Image)
		var message, hint string
		switch fault.Fault {
		case rule.ImageMissing:
			message = fmt.Sprintf("the image %s is not in its registry (%s)", image, fault.By)
			hint = "push it before the extension is released, or correct the tag"
		case rule.ImageNotFor:
			message = fmt.Sprintf("the image %s is not for %s, but for %s (%s)", image, strings.Join(fault.Lacks, ", "), strings.Join(fault.Has, ", "), fault.By)
			hint = "build it for these platforms, too, or ask for fewer with images.platforms"
		default:
			message = fmt.Sprintf("whether the image %s is in its registry is not known (%s): %s", image, fault.By, excerpt.Sentence(fault.Why))
			if hint = fault.Hint; hint == "" {
				hint = "try again; ksrelease images check asks for it alone"
			}
		}
		if fault.Inside != "" {
			message += " (" + fault.Inside + " in the package)"
		}
		pass.Report(rule.Found(fault.Fault, fault.Image), pass.Severity(), rule.Finding{
			File: fault.File, Range: diagnostic.At(fault.Line, 0), Message: message, Hint: hint, Excerpt: fault.Excerpt,
		})
	}
}
