package extension

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"sigs.k8s.io/yaml"

	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/extension/unpack"
	"github.com/ksrelease/ksrelease/internal/kubesphere"
)

// ChartFile is the name of the file that makes a directory a Helm chart. An
// extension has none at its top; it is derived from extension.yaml.
const ChartFile = naming.ChartFile

// ContentDigestAnnotation is the annotation in the derived Chart.yaml under
// which ksrelease keeps ContentDigest. Helm copies annotations into index.yaml,
// so whether a published version has the same content is seen from the index,
// without a download.
const ContentDigestAnnotation = "ksrelease.dev/content-digest"

// The annotations in the derived Chart.yaml of a pushed package that say of which commit it was
// made, and whether all of it was committed ("true" or "false"). They are no content: the
// content digest does not cover them.
const (
	RevisionAnnotation  = "ksrelease.dev/revision"
	CommittedAnnotation = "ksrelease.dev/committed"
)

// Origin is of which commit a package is made.
type Origin struct {
	Revision  string // the object name of the commit
	Committed bool   // all that is packed is as the commit has it
}

// originOf is what a package says of its origin.
func originOf(e *Extension) *Origin {
	if !bytes.Contains(e.foundChart, []byte(RevisionAnnotation)) {
		return nil
	}
	md, err := e.FoundChart()
	if err != nil || md.Annotations[RevisionAnnotation] == "" {
		return nil
	}
	return &Origin{md.Annotations[RevisionAnnotation], md.Annotations[CommittedAnnotation] == "true"}
}

// WithOrigin is an extension that says in its package of which commit it is made; e stays as
// it is.
func WithOrigin(e *Extension, origin Origin) *Extension {
	with := &Extension{
		Path: e.Path, Files: e.Files, Metadata: e.Metadata, Document: e.Document,
		Assets: e.Assets, AssetProblems: e.AssetProblems, ArchiveDigest: e.ArchiveDigest, LeftOut: e.LeftOut,
		Resolved: e.Resolved, Replaced: e.Replaced,
		display: e.display, Limits: e.Limits, Origin: &origin,
		foundChart: e.foundChart, ChartType: e.ChartType, AppVersion: e.AppVersion,
	}
	with.digest.get(e.ContentDigest) // it is known already, mostly
	if tree := e.tree.known(); tree != "" {
		with.tree.get(func() string { return tree }) // which does not say of which commit it is
	}
	return with
}

// chartMetadata derives the metadata of the chart from those of the extension,
// as ksbuilder does (Metadata.ToChartYaml of ksbuilder/pkg/api), with three
// differences: our annotation; type and appVersion survive from extension.yaml
// or, failing that, from a Chart.yaml in the tree; and an extension without an
// English description takes that of its first language rather than none.
func (e *Extension) chartMetadata(icon string) *chart.Metadata {
	m := e.Metadata
	annotations := make(map[string]string, len(m.Annotations)+1)
	maps.Copy(annotations, m.Annotations)
	annotations[ContentDigestAnnotation] = e.ContentDigest()
	delete(annotations, RevisionAnnotation)
	delete(annotations, CommittedAnnotation)
	if e.Origin != nil {
		annotations[RevisionAnnotation] = e.Origin.Revision
		annotations[CommittedAnnotation] = strconv.FormatBool(e.Origin.Committed)
	}
	md := &chart.Metadata{
		APIVersion:   chart.APIVersionV2,
		Name:         m.Name,
		Version:      m.Version,
		Description:  Text(m.Description),
		Keywords:     m.Keywords,
		Sources:      m.Sources,
		KubeVersion:  m.KubeVersion,
		Home:         m.Home,
		Dependencies: m.Dependencies,
		Icon:         icon,
		Annotations:  annotations,
		Type:         e.ChartType,
		AppVersion:   e.AppVersion,
	}
	for _, p := range m.Maintainers {
		md.Maintainers = append(md.Maintainers, &chart.Maintainer{Name: p.Name, Email: p.Email, URL: p.URL})
	}
	return md
}

// embeddedStandIn stands for an embedded icon where it need not be looked at:
// YAML libraries take milliseconds over a line of that length.
const embeddedStandIn = "data:embedded"

// standIn gives the icon to marshal or parse in place of icon.
func standIn(icon string) string {
	if isEmbedded(icon) {
		return embeddedStandIn
	}
	return icon
}

// isEmbedded reports whether an icon is a data: URI of base64, which reads as
// itself in YAML without quotes.
func isEmbedded(icon string) bool {
	media, data, ok := strings.Cut(icon, ";base64,")
	return ok && strings.HasPrefix(media, "data:") && len(media) > len("data:") && isPlainWord(media[len("data:"):]) && isPlainWord(data)
}

// isPlainWord reports whether text has only the characters of media types and base64. A table,
// since a regular expression takes milliseconds over an icon, which is looked at several times.
func isPlainWord(text string) bool {
	for i := range len(text) {
		if !plainCharacters[text[i]] {
			return false
		}
	}
	return text != ""
}

var plainCharacters = func() (is [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=.-") {
		is[c] = true
	}
	return is
}()

// localChart is what the local form of the package has of the chart.
type localChart struct {
	icon string
	// full is Chart.yaml, short is the same without an embedded icon.
	full, short []byte
	err         error
}

// local derives localChart once: lint loads the chart several times.
func (e *Extension) local() localChart {
	e.localOnce.Do(func() {
		c := &e.localChart
		c.icon = e.Metadata.Icon
		if asset := e.iconAsset(); asset != nil {
			c.icon = dataURI(asset.File, asset.Data)
		}
		if c.short, c.err = e.shortChartYAML(c.icon); c.err == nil {
			c.full = withIcon(c.short, c.icon)
		}
	})
	return e.localChart
}

// chartYAML is the derived Chart.yaml. The keys are sorted by the marshaller.
func (e *Extension) chartYAML(icon string) ([]byte, error) {
	short, err := e.shortChartYAML(icon)
	if err != nil {
		return nil, err
	}
	return withIcon(short, icon), nil
}

// withIcon puts an embedded icon in the place of its stand-in. Nothing else in
// the file can begin a line with these words: what belongs to other keys is
// indented.
func withIcon(short []byte, icon string) []byte {
	if !isEmbedded(icon) {
		return short
	}
	return bytes.Replace(short, []byte("\nicon: "+embeddedStandIn+"\n"), []byte("\nicon: "+icon+"\n"), 1)
}

// shortChartYAML is chartYAML without an embedded icon.
func (e *Extension) shortChartYAML(icon string) ([]byte, error) {
	data, err := yaml.Marshal(e.chartMetadata(standIn(icon)))
	if err != nil {
		return nil, fmt.Errorf("deriving Chart.yaml from extension.yaml: %w", err)
	}
	return data, nil
}

// FoundChart gives the metadata in the Chart.yaml that was found at the top: in
// a published package that is what Helm and KubeSphere go by. It is nil, with
// no error, where there is none.
func (e *Extension) FoundChart() (*chart.Metadata, error) {
	if e.foundChart == nil {
		return nil, nil
	}
	md := new(chart.Metadata)
	short, icon := withoutIcon(bytes.TrimPrefix(e.foundChart, unpack.ByteOrderMark))
	if err := yaml.Unmarshal(short, md); err != nil {
		return nil, fmt.Errorf("reading Chart.yaml of %s: %s", e.display, kubesphere.Plain(err))
	}
	if md.Icon == embeddedStandIn && icon != "" {
		md.Icon = icon
	}
	return md, nil
}

// withoutIcon is a Chart.yaml with embeddedStandIn for an embedded icon in a line of its own,
// and that icon; it is empty where there is no such line.
func withoutIcon(source []byte) (short []byte, icon string) {
	const key = "\nicon: "
	before, after, ok := bytes.Cut(source, []byte(key))
	line, rest, more := bytes.Cut(after, []byte("\n"))
	if !ok || !isEmbedded(string(line)) || more && len(rest) > 0 && (rest[0] == ' ' || rest[0] == '\t') || bytes.Contains(rest, []byte(key)) {
		return source, ""
	}
	return slices.Concat(before, []byte(key+embeddedStandIn), after[len(line):]), string(line)
}

// surviving reads the two fields that a Chart.yaml in the tree passes on to the
// derived one. A Chart.yaml that cannot be read passes on nothing: it is
// replaced anyway, and ksbuilder does not look at it either.
func (e *Extension) surviving() (chartType, appVersion string) {
	chartType, appVersion = e.Metadata.Type, e.Metadata.AppVersion
	if chartType != "" && appVersion != "" || !mentionsSurviving(e.foundChart) {
		return chartType, appVersion
	}
	md, err := e.FoundChart()
	if err != nil || md == nil {
		return chartType, appVersion
	}
	if chartType == "" {
		chartType = md.Type
	}
	if appVersion == "" {
		appVersion = md.AppVersion
	}
	return chartType, appVersion
}

// mentionsSurviving spares the parsing of a Chart.yaml that can have neither
// field: with an embedded icon it may be hundreds of kilobytes.
func mentionsSurviving(source []byte) bool {
	for _, key := range []string{"type:", `type"`, "type'", "appVersion"} {
		if bytes.Contains(source, []byte(key)) {
			return true
		}
	}
	return false
}
