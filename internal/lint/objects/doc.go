// Package objects has the rules of lint on the objects that a chart renders: what Helm, the
// `kustomize build` of KubeSphere's installation, and Kubernetes make of them.
package objects
