package kubesphere

import (
	"encoding/base64"
	"encoding/json"
	"mime"
	"net/http"
	"path"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// What the API server takes of the objects that KubeSphere's repository controller makes of
// an extension: an Extension, and an ExtensionVersion for each version that it keeps
// (createOrUpdateExtension and createOrUpdateExtensionVersion of
// pkg/controller/core/repository_controller.go, 4.1.3). What is refused ends the try to read
// the whole repository: the extensions behind it have to wait for another one.
const (
	// MaxObject is the size of a request that etcd takes, in bytes (--max-request-bytes).
	MaxObject = 1_572_864
	// ObjectMetadata is what is left for what the server itself adds to an object, in bytes.
	ObjectMetadata = 4 << 10
	// MaxConfigMap is the sum of the sizes of all values of a ConfigMap, in bytes; those of
	// binaryData count as they are, and not as base64 (ValidateConfigMap of
	// k8s.io/kubernetes/pkg/apis/core/validation).
	MaxConfigMap = 1 << 20
	// MaxAnnotations is the sum of the sizes of all keys and values, in bytes
	// (TotalAnnotationSizeLimitB of k8s.io/apimachinery/pkg/api/validation).
	MaxAnnotations = 256 << 10
)

// InstallationModes are those that KubeSphere has; case matters (the enum of
// ExtensionVersionSpec in staging/src/kubesphere.io/api/core/v1alpha1/types.go).
var InstallationModes = []string{"HostOnly", "Multicluster"}

// AnnotationKey says why the API server refuses a key of an annotation, in words of
// Kubernetes; empty where it takes it. Keys are judged in lower case
// (ValidateAnnotations of k8s.io/apimachinery/pkg/api/validation).
func AnnotationKey(key string) string {
	return strings.Join(validation.IsQualifiedName(strings.ToLower(key)), "; ")
}

// ObjectName says why a text cannot be the name of an object, in words of Kubernetes; empty where
// it can.
func ObjectName(text string) string {
	return strings.Join(validation.IsDNS1123Subdomain(text), "; ")
}

// AnnotationsSize is what counts against MaxAnnotations.
func AnnotationsSize(annotations map[string]string) int {
	sum := 0
	for key, value := range annotations {
		sum += len(key) + len(value)
	}
	return sum
}

// LabelValue says why a text cannot be the value of a label, in words of Kubernetes; empty
// where it can. The category of an extension becomes one.
func LabelValue(text string) string {
	return strings.Join(validation.IsValidLabelValue(text), "; ")
}

// Stored is an extension as its objects hold it: the icon, where it names a file of the
// package, is in them as a data: address (fetchExtensionVersionSpec in
// pkg/controller/core/util.go). file gives the content of a file of the package, nil where
// there is none.
func (e Extension) Stored(file func(name string) []byte) Extension {
	data := file(strings.TrimPrefix(e.Icon, "./"))
	if data == nil {
		return e
	}
	kind := mime.TypeByExtension(path.Ext(e.Icon))
	if kind == "" {
		kind = http.DetectContentType(data)
	}
	e.Icon = "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(data)
	return e
}

// VersionSize is the size of the ExtensionVersion of an extension that is Stored, as JSON the
// way Go writes it, in bytes, but for what the server adds.
func (e Extension) VersionSize(annotations map[string]string) int {
	return jsonSize(e) + jsonSize(annotations)
}

// CardSize is the same of the Extension, which is made of the highest version.
func (e Extension) CardSize() int {
	return jsonSize(Extension{DisplayName: e.DisplayName, Description: e.Description, Icon: e.Icon, Provider: e.Provider, Created: e.Created})
}

// jsonSize is the size of a value that can be written as JSON.
func jsonSize(value any) int {
	text, err := json.Marshal(value)
	if err != nil {
		return 0
	}
	return len(text)
}
