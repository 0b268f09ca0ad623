package compare

import (
	"reflect"

	"github.com/ksrelease/ksrelease/internal/extension"
)

// fieldDifferences compares the fields of extension.yaml, but for icon and screenshots.
// A field that is none of the format, and that the local file alone has, may have been
// dropped by ksbuilder when it was pushed: it counts where unknown is true.
func fieldDifferences(local, other *extension.Extension, unknown bool) Differences {
	ours, theirs := normalised(local.Metadata), normalised(other.Metadata)
	var out Differences
	for _, field := range metadataFields {
		if !reflect.DeepEqual(field.of(ours), field.of(theirs)) {
			out = append(out, inMetadata(field.name))
		}
	}
	return append(out, unknownDifferences(local, other, unknown)...)
}

// inMetadata is a difference in a field of extension.yaml.
func inMetadata(field string) Difference {
	return Difference{extension.MetadataFile, Changed, field}
}

// normalised is metadata with defaults in place and empty values left out.
func normalised(m extension.Metadata) extension.Metadata {
	if m.InstallationMode == "" {
		m.InstallationMode = "HostOnly"
	}
	for _, list := range []*[]string{&m.Keywords, &m.Sources, &m.Images} {
		if len(*list) == 0 {
			*list = nil
		}
	}
	for _, texts := range []*map[string]string{&m.DisplayName, &m.Description, &m.Annotations} {
		if len(*texts) == 0 {
			*texts = nil
		}
	}
	if len(m.Provider) == 0 {
		m.Provider = nil
	}
	return m
}

// metadataFields are the fields that both ksbuilder and ksrelease carry over, in
// the order of the format's description. Type and AppVersion are not among
// them: ksbuilder drops them.
var metadataFields = []struct {
	name string
	of   func(extension.Metadata) any
}{
	{"apiVersion", func(m extension.Metadata) any { return m.APIVersion }},
	{"name", func(m extension.Metadata) any { return m.Name }},
	{"version", func(m extension.Metadata) any { return m.Version }},
	{"displayName", func(m extension.Metadata) any { return m.DisplayName }},
	{"description", func(m extension.Metadata) any { return m.Description }},
	{"category", func(m extension.Metadata) any { return m.Category }},
	{"keywords", func(m extension.Metadata) any { return m.Keywords }},
	{"home", func(m extension.Metadata) any { return m.Home }},
	{"docs", func(m extension.Metadata) any { return m.Docs }},
	{"sources", func(m extension.Metadata) any { return m.Sources }},
	{"kubeVersion", func(m extension.Metadata) any { return m.KubeVersion }},
	{"ksVersion", func(m extension.Metadata) any { return m.KSVersion }},
	{"maintainers", func(m extension.Metadata) any { return m.Maintainers }},
	{"provider", func(m extension.Metadata) any { return m.Provider }},
	{"staticFileDirectory", func(m extension.Metadata) any { return m.StaticFileDirectory }},
	{"dependencies", func(m extension.Metadata) any { return m.Dependencies }},
	{"installationMode", func(m extension.Metadata) any { return m.InstallationMode }},
	{"namespace", func(m extension.Metadata) any { return m.Namespace }},
	{"images", func(m extension.Metadata) any { return m.Images }},
	{"externalDependencies", func(m extension.Metadata) any { return m.ExternalDependencies }},
	{"annotations", func(m extension.Metadata) any { return m.Annotations }},
}

// unknownDifferences compares the fields that are no field of the format: those that the
// other file has, and with all those that only the local one has.
func unknownDifferences(local, other *extension.Extension, all bool) Differences {
	ours, _ := local.Document.Value().(map[string]any)
	theirs, _ := other.Document.Value().(map[string]any)
	known := map[string]bool{"icon": true, "screenshots": true, "type": true, "appVersion": true}
	for _, field := range metadataFields {
		known[field.name] = true
	}
	var out Differences
	for key, value := range theirs {
		if !known[key] && !reflect.DeepEqual(ours[key], value) {
			out = append(out, inMetadata(key))
		}
	}
	for key := range ours {
		if _, ok := theirs[key]; all && !known[key] && !ok {
			out = append(out, inMetadata(key))
		}
	}
	return out
}
