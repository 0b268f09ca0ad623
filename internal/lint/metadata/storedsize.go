package metadata

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/kubesphere"
	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// StoredSize is the rule stored-size.
func StoredSize() rule.Rule {
	return rule.Rule{
		Name:    "stored-size",
		Summary: "the objects in which KubeSphere stores the extension are not too large for a cluster",
		Why: "KubeSphere stores what extension.yaml says in two objects: the Extension has name, description, icon and provider, and the ExtensionVersion all of it, with the screenshots and the " +
			"annotations. Each is refused by the cluster from 1,572,864 bytes on, of which some 4 KiB are for what Kubernetes adds. It counts as JSON, in which `<`, `>` and `&` have six bytes each, and quotes, " +
			"backslashes and line breaks two. A data: URI stands there as it is, however well the package compresses it.\n\n" +
			"The extension then never appears, or, where only the ExtensionVersion is too large, appears as an empty card. Each try to sync the repository ends there, so that other extensions are delayed.",
		Fix: "Make icon and screenshots files of the extension, and name these: they are uploaded, and the objects have their addresses.\n\n" +
			"icon: static/icon.svg\nscreenshots:\n  - static/overview.png",
		Source: "KubeSphere 4.1.3, https://github.com/kubesphere/kubesphere/blob/v4.1.3/pkg/controller/core/repository_controller.go and " +
			"https://github.com/kubesphere/kubesphere/blob/v4.1.3/staging/src/kubesphere.io/api/core/v1alpha1/types.go; --max-request-bytes of etcd 3.5.",
		Codes: []rule.Code{
			{Name: "extension", Meaning: "Extension and ExtensionVersion are too large to be stored"},
			{Name: "extension-version", Meaning: "the ExtensionVersion is too large to be stored"},
		},
		Default: rule.Error,
		Run:     checkStoredSize,
	}
}

// maxStored is how large an object may be as KubeSphere sends it, in bytes.
const maxStored = kubesphere.MaxObject - kubesphere.ObjectMetadata

// longestEscape is how many bytes of JSON stand for one at most.
const longestEscape = len(`\u003c`)

// addressOfAsset stands for the address of a picture that is not uploaded yet.
var addressOfAsset = "https://" + strings.Repeat("a", 192)

func checkStoredSize(pass *rule.Pass) {
	annotations := maps.Clone(pass.Ext.Metadata.Annotations)
	source := pass.Ext.Document.Source()
	if !bytes.Contains(source, []byte("&")) && len(source)*longestEscape < maxStored || textSize(pass.Ext.Document.Value())*longestEscape < maxStored {
		return // without aliases there is no more text than in the file
	}
	stored, err := kubesphere.DecodeExtension(source)
	if err != nil {
		return // the schema says so
	}
	for i, ref := range append([]string{stored.Icon}, stored.Screenshots...) {
		switch {
		case !extension.IsLocalRef(ref):
		case i == 0:
			stored.Icon = addressOfAsset
		default:
			stored.Screenshots[i-1] = addressOfAsset
		}
	}
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[extension.ContentDigestAnnotation] = pass.Ext.ContentDigest()
	size, card := stored.VersionSize(annotations), stored.CardSize()
	if size <= maxStored {
		return
	}
	found, objects, outcome := "extension-version", "the ExtensionVersion, in which KubeSphere stores this version, would have %s bytes", "the version never appears (and the extension as an empty card at most)"
	if card > maxStored {
		found, objects, outcome = "extension", "the Extension and the ExtensionVersion, in which KubeSphere stores this version, would have %s bytes", "the extension never appears"
	}
	parts, largest := partsOfStored(stored, annotations)
	pass.Problem(rule.Found(found), pass.Ext.Document.Problem(
		fmt.Sprintf(objects+" as JSON (%s), and a cluster takes %s: %s, and each try to sync the repository ends there, which delays other extensions",
			humanize.Comma(int64(size)), rule.Listed(parts, 3), humanize.Comma(maxStored), outcome),
		"make icon and screenshots files of the extension, and name these; shorten other texts", largest))
}

// partsOfStored are the fields that take most, with their sizes, and the first of them.
func partsOfStored(stored kubesphere.Extension, annotations map[string]string) (parts []string, largest string) {
	type part struct {
		field string
		size  int
	}
	text, _ := json.Marshal(stored)
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(text, &fields) // it was just written
	text, _ = json.Marshal(annotations)
	all := []part{{"annotations", len(text)}}
	for field, value := range fields {
		all = append(all, part{field, len(value)})
	}
	slices.SortFunc(all, func(a, b part) int { return cmp.Or(cmp.Compare(b.size, a.size), strings.Compare(a.field, b.field)) })
	for _, p := range all {
		if p.size > maxStored/100 {
			parts = append(parts, p.field+" "+humanize.Comma(int64(p.size)))
		}
	}
	return parts, all[0].field
}

// textSize is how many bytes the texts in a value have, those behind aliases as often as they
// are named.
func textSize(value any) int {
	switch value := value.(type) {
	case string:
		return len(value)
	case []any:
		size := 0
		for _, item := range value {
			size += textSize(item) + 3
		}
		return size
	case map[string]any:
		size := 0
		for key, item := range value {
			size += len(key) + textSize(item) + 6
		}
		return size
	}
	return 16
}
