package extension

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"

	"github.com/ksrelease/ksrelease/internal/extension/helmignore"
	"github.com/ksrelease/ksrelease/internal/extension/unpack"
	"github.com/ksrelease/ksrelease/internal/yamledit"
)

// Same compares an extension with a published version of it that carries no
// content digest, such as one that ksbuilder pushed. Where they are not the
// same, reason names what differs ("templates/x.yaml differs").
//
// What ksbuilder does to a package on its way is no difference: extension.yaml
// written anew without comments, empty values and fields it does not know,
// screenshots on the server put before local ones, staticFileDirectory left out,
// charts/*.tgz unpacked and the Chart.yaml of subcharts written anew. So the
// charts are compared as Helm loads them, and extension.yaml as KubeSphere reads
// it. A file that we never pack, but others do, is no difference either.
//
// Where one names a file and the other an address, what fetch gives for the
// address is compared with the file; fetch is called only when all else is the
// same. err is its error, or that of a chart that does not load; then nothing is
// known.
func Same(local, published *Extension, fetch func(url string) ([]byte, error)) (same bool, reason string, err error) {
	differences := metadataDifferences(local, published)
	inFiles, err := fileDifferences(local, published)
	if err != nil {
		return false, "", err
	}
	differences = append(differences, inFiles...)
	if len(differences) > 0 {
		return false, summary(differences), nil
	}
	differences, err = assetDifferences(local, published, fetch)
	if err != nil {
		return false, "", fmt.Errorf("comparing %s with its published version: %w", local.display, err)
	}
	return len(differences) == 0, summary(differences), nil
}

// SameContent compares an extension with a published version of it that ksrelease
// packed, by all that ContentDigest covers; Same, by which it begins, passes over what
// other tools change on the way.
func SameContent(local, published *Extension, fetch func(url string) ([]byte, error)) (same bool, reason string, err error) {
	same, reason, err = Same(local, published, fetch)
	if err != nil || !same {
		return false, reason, err
	}
	if local.chartType != published.chartType || local.appVersion != published.appVersion {
		return false, ChartFile + ": type or appVersion differs", nil
	}
	if name := local.otherFile(published); name != "" {
		return false, name + " differs", nil
	}
	return true, "", nil
}

// otherFile is the first file whose content is not that of the published one; it is
// empty where there is none.
func (e *Extension) otherFile(published *Extension) string {
	ours, theirs := e.filesWith(published), published.contentFiles()
	for i := range theirs {
		if theirs[i].Name == MetadataFile {
			theirs[i].Data = published.Document.Source()
		}
	}
	m, other := &unpack.Meter{Limits: e.limits}, &unpack.Meter{Limits: published.limits}
	for i := 0; i < max(len(ours), len(theirs)); i++ {
		switch {
		case i >= len(theirs), i < len(ours) && ours[i].Name < theirs[i].Name:
			return ours[i].Name
		case i >= len(ours), ours[i].Name > theirs[i].Name:
			return theirs[i].Name
		}
		kind, content := contentOf(ours[i], m, 0)
		if otherKind, otherContent := contentOf(theirs[i], other, 0); kind != otherKind || !bytes.Equal(content, otherContent) {
			return ours[i].Name
		}
	}
	return ""
}

// filesWith are contentFiles with extension.yaml as Pack would have written it with the
// references of the published version.
func (e *Extension) filesWith(published *Extension) []File {
	references := map[string]string{}
	for _, ref := range published.Metadata.references() {
		references[strings.Join(ref.pointer, "/")] = ref.text
	}
	var edits []yamledit.Edit
	for _, ref := range e.Metadata.references() {
		if there, ok := references[strings.Join(ref.pointer, "/")]; ok && there != ref.text {
			edits = append(edits, yamledit.Edit{Pointer: ref.pointer, Value: there})
		}
	}
	files := e.contentFiles()
	for i := range files {
		if files[i].Name != MetadataFile {
			continue
		}
		files[i].Data = e.Document.Source()
		if data, err := yamledit.Apply(e.Document, edits); err == nil {
			files[i].Data = data
		}
	}
	return files
}

// maxDifferences is how many differences a reason names.
const maxDifferences = 3

func summary(differences []string) string {
	if more := len(differences) - maxDifferences; more > 0 {
		return fmt.Sprintf("%s, and %d more", strings.Join(differences[:maxDifferences], ", "), more)
	}
	return strings.Join(differences, ", ")
}

// metadataDifferences compares extension.yaml, but for icon and screenshots.
func metadataDifferences(local, published *Extension) []string {
	ours, theirs := normalised(local.Metadata), normalised(published.Metadata)
	var out []string
	for _, field := range metadataFields {
		if !reflect.DeepEqual(field.of(ours), field.of(theirs)) {
			out = append(out, MetadataFile+": "+field.name+" differs")
		}
	}
	return append(out, unknownDifferences(local, published)...)
}

// normalised is metadata with defaults in place and empty values left out.
func normalised(m Metadata) Metadata {
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
	of   func(Metadata) any
}{
	{"apiVersion", func(m Metadata) any { return m.APIVersion }},
	{"name", func(m Metadata) any { return m.Name }},
	{"version", func(m Metadata) any { return m.Version }},
	{"displayName", func(m Metadata) any { return m.DisplayName }},
	{"description", func(m Metadata) any { return m.Description }},
	{"category", func(m Metadata) any { return m.Category }},
	{"keywords", func(m Metadata) any { return m.Keywords }},
	{"home", func(m Metadata) any { return m.Home }},
	{"docs", func(m Metadata) any { return m.Docs }},
	{"sources", func(m Metadata) any { return m.Sources }},
	{"kubeVersion", func(m Metadata) any { return m.KubeVersion }},
	{"ksVersion", func(m Metadata) any { return m.KSVersion }},
	{"maintainers", func(m Metadata) any { return m.Maintainers }},
	{"provider", func(m Metadata) any { return m.Provider }},
	{"staticFileDirectory", func(m Metadata) any { return m.StaticFileDirectory }},
	{"dependencies", func(m Metadata) any { return m.Dependencies }},
	{"installationMode", func(m Metadata) any { return m.InstallationMode }},
	{"namespace", func(m Metadata) any { return m.Namespace }},
	{"images", func(m Metadata) any { return m.Images }},
	{"externalDependencies", func(m Metadata) any { return m.ExternalDependencies }},
	{"annotations", func(m Metadata) any { return m.Annotations }},
}

// unknownDifferences compares the fields that are no field of the format. One
// that only the local file has may have been dropped when it was pushed.
func unknownDifferences(local, published *Extension) []string {
	ours, _ := local.Document.Value().(map[string]any)
	theirs, _ := published.Document.Value().(map[string]any)
	known := map[string]bool{"icon": true, "screenshots": true, "type": true, "appVersion": true}
	for _, field := range metadataFields {
		known[field.name] = true
	}
	var out []string
	for _, key := range slices.Sorted(maps.Keys(theirs)) {
		if !known[key] && !reflect.DeepEqual(ours[key], theirs[key]) {
			out = append(out, MetadataFile+": "+key+" differs")
		}
	}
	return out
}

// fileDifferences compares all but extension.yaml, as charts that Helm loaded.
func fileDifferences(local, published *Extension) ([]string, error) {
	ours, err := local.Chart()
	if err != nil {
		return nil, err
	}
	theirs, err := published.Chart()
	if err != nil {
		return nil, err
	}
	c := chartComparison{local: local}
	c.compare("", ours, theirs)
	slices.Sort(c.differences)
	return c.differences, nil
}

// chartComparison collects what differs between two charts.
type chartComparison struct {
	local       *Extension
	differences []string
}

// compare compares two charts that lie at prefix, "" or "charts/NAME/".
func (c *chartComparison) compare(prefix string, ours, theirs *chart.Chart) {
	if prefix != "" && !sameJSON(ours.Metadata, theirs.Metadata) {
		c.differences = append(c.differences, prefix+ChartFile+" differs")
	}
	// Helm saves the lock only of charts of apiVersion v2.
	if ours.Metadata.APIVersion == chart.APIVersionV2 && !sameJSON(untimed(ours.Lock), untimed(theirs.Lock)) {
		c.differences = append(c.differences, prefix+"Chart.lock differs")
	}
	c.compareFiles(prefix, chartFiles(ours), chartFiles(theirs))
	c.compareDependencies(prefix, ours.Dependencies(), theirs.Dependencies())
}

// untimed is a lock without the time at which it was made, which is no content.
func untimed(lock *chart.Lock) *chart.Lock {
	if lock == nil {
		return nil
	}
	return &chart.Lock{Digest: lock.Digest, Dependencies: lock.Dependencies}
}

func (c *chartComparison) compareFiles(prefix string, ours, theirs map[string][]byte) {
	for name, data := range ours {
		other, ok := theirs[name]
		switch {
		case c.passesOver(prefix, name):
		case !ok:
			c.differences = append(c.differences, prefix+name+" is not in the published version")
		case !bytes.Equal(data, other):
			c.differences = append(c.differences, prefix+name+" differs")
		}
	}
	for name := range theirs {
		if _, ok := ours[name]; !ok && !c.passesOver(prefix, name) {
			c.differences = append(c.differences, prefix+name+" is only in the published version")
		}
	}
}

// passesOver reports whether a file is not compared byte by byte, or not at all.
func (c *chartComparison) passesOver(prefix, name string) bool {
	return helmignore.NeverPacked(name) || prefix == "" && (name == MetadataFile || helmignore.IsOwnPackage(c.local.Metadata.Name, name))
}

func (c *chartComparison) compareDependencies(prefix string, ours, theirs []*chart.Chart) {
	theirsByName := byName(theirs)
	for name, dep := range byName(ours) {
		other, ok := theirsByName[name]
		if !ok {
			c.differences = append(c.differences, prefix+"charts/"+name+" is not in the published version")
			continue
		}
		delete(theirsByName, name)
		c.compare(prefix+"charts/"+name+"/", dep, other)
	}
	for name := range theirsByName {
		c.differences = append(c.differences, prefix+"charts/"+name+" is only in the published version")
	}
}

// byName gives subcharts by name; where two versions of one are there, by name
// and version.
func byName(charts []*chart.Chart) map[string]*chart.Chart {
	count := make(map[string]int)
	for _, c := range charts {
		count[c.Name()]++
	}
	out := make(map[string]*chart.Chart, len(charts))
	for _, c := range charts {
		name := c.Name()
		if count[name] > 1 {
			name += "-" + c.Metadata.Version
		}
		out[name] = c
	}
	return out
}

// chartFiles are the files of a chart that survive packing as they are.
func chartFiles(c *chart.Chart) map[string][]byte {
	out := make(map[string][]byte)
	for _, list := range [][]*chart.File{c.Templates, c.Files} {
		for _, f := range list {
			out[f.Name] = f.Data
		}
	}
	for _, f := range c.Raw {
		if f.Name == "values.yaml" || f.Name == "values.schema.json" {
			out[f.Name] = f.Data
		}
	}
	return out
}

// sameJSON compares what was read from YAML whichever way it was written.
func sameJSON(a, b any) bool {
	left, errLeft := json.Marshal(a)
	right, errRight := json.Marshal(b)
	return errLeft == nil && errRight == nil && bytes.Equal(left, right)
}

// assetDifferences compares icon and screenshots.
func assetDifferences(local, published *Extension, fetch func(string) ([]byte, error)) ([]string, error) {
	c := assetComparison{local: local, published: published, fetch: fetch, fetched: make(map[string][]byte)}
	var out []string
	same, err := c.all([]string{local.Metadata.Icon}, []string{published.Metadata.Icon})
	if err != nil {
		return nil, err
	}
	if !same {
		out = append(out, MetadataFile+": icon differs")
	}
	same, err = c.all(local.Metadata.Screenshots, published.Metadata.Screenshots)
	if err == nil && !same {
		same, err = c.all(remoteFirst(local.Metadata.Screenshots), published.Metadata.Screenshots)
	}
	if err != nil {
		return nil, err
	}
	if !same {
		out = append(out, MetadataFile+": screenshots differs")
	}
	return out, nil
}

// remoteFirst is the order that ksbuilder gives to screenshots.
func remoteFirst(refs []string) []string {
	out := make([]string, 0, len(refs))
	for _, local := range []bool{false, true} {
		for _, ref := range refs {
			if IsLocalRef(ref) == local {
				out = append(out, ref)
			}
		}
	}
	return out
}

// assetComparison compares references, of which each may be a file, a data: URI
// or an address.
type assetComparison struct {
	local, published *Extension
	fetch            func(string) ([]byte, error)
	fetched          map[string][]byte
}

func (c *assetComparison) all(ours, theirs []string) (bool, error) {
	if len(ours) != len(theirs) {
		return false, nil
	}
	// What an address leads to is not ours to look after: another address is a
	// difference, and known as one without asking anybody.
	for i := range ours {
		if isAddress(ours[i]) && ours[i] != theirs[i] {
			return false, nil
		}
	}
	for i := range ours {
		if same, err := c.one(ours[i], theirs[i]); err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

func (c *assetComparison) one(ours, theirs string) (bool, error) {
	if ours == theirs && !IsLocalRef(ours) {
		return true, nil
	}
	data, ok, err := c.content(c.local, ours)
	if err != nil {
		return false, err
	}
	other, otherOK, err := c.content(c.published, theirs)
	if err != nil {
		return false, err
	}
	if !ok || !otherOK {
		return ok == otherOK && ours == theirs, nil
	}
	return sha256.Sum256(data) == sha256.Sum256(other), nil
}

func isAddress(ref string) bool {
	return !IsLocalRef(ref) && !strings.EqualFold(ref[:len("data:")], "data:")
}

// content is what a reference stands for; ok is false where that is nothing.
func (c *assetComparison) content(e *Extension, ref string) (data []byte, ok bool, err error) {
	switch {
	case ref == "":
		return nil, false, nil
	case IsLocalRef(ref):
		file, inside := localFile(ref)
		for _, a := range e.Assets {
			if inside && a.File == file {
				return a.Data, true, nil
			}
		}
		return nil, false, nil
	case !isAddress(ref):
		data, ok = decodeDataURI(ref)
		return data, ok, nil
	}
	if data, ok := c.fetched[ref]; ok {
		return data, true, nil
	}
	if data, err = c.fetch(ref); err != nil {
		return nil, false, err
	}
	c.fetched[ref] = data
	return data, true, nil
}

// decodeDataURI gives the content of a data: URI (RFC 2397).
func decodeDataURI(ref string) ([]byte, bool) {
	head, body, ok := strings.Cut(ref, ",")
	if !ok {
		return nil, false
	}
	text, err := url.PathUnescape(body)
	if err != nil {
		return nil, false
	}
	if !strings.HasSuffix(head, ";base64") {
		return []byte(text), true
	}
	data, err := base64.StdEncoding.DecodeString(text)
	return data, err == nil
}
