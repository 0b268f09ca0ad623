package kubesphere

import "strings"

// HookImage is the annotation of extension.yaml with the image in which KubeSphere runs its own
// hooks of an installation, for all actions. With a slash and an action behind it, it is for that
// one (staging/src/kubesphere.io/api/core/v1alpha1/constants.go of KubeSphere 4.1.3).
const HookImage = "executor-hook-image.kubesphere.io"

// IsHookImage reports whether an annotation names the image of a hook, for all actions or for one.
func IsHookImage(annotation string) bool {
	return annotation == HookImage || strings.HasPrefix(annotation, HookImage+"/")
}
