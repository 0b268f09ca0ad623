// Package footprint says what an extension puts on clusters and in front of administrators:
// rendered objects, values, images, rights, dependencies, size and texts, in a form that two
// versions of it can be compared in.
//
// It renders what strangers wrote, which may last or grow without end: see internal/worker.
package footprint

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/tarball"
	"github.com/ksrelease/ksrelease/internal/helmchart"
	"github.com/ksrelease/ksrelease/internal/helmchart/chartutil"
	"github.com/ksrelease/ksrelease/internal/helmchart/merge"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// Footprint is what an administrator notices of a version. It can be written as JSON and
// read again.
type Footprint struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	// Objects are those of all installations, in the order in which they are rendered.
	Objects []Object `json:"objects"`
	// Values are all values of the chart and its subcharts, as they are without any of a user.
	Values map[string]any `json:"values"`
	// Images are those that extension.yaml lists and those that are rendered, sorted.
	Images []string `json:"images"`
	// ClusterRights and Rights are the rules of permissions.yaml: for the cluster, and for the
	// namespace of the extension.
	ClusterRights []rbacv1.PolicyRule `json:"cluster_rights"`
	Rights        []rbacv1.PolicyRule `json:"rights"`
	// Dependencies are subcharts and other extensions, by name.
	Dependencies map[string]string `json:"dependencies"`
	// Size is that of the package as it is sent, in bytes, apart from what differs between two
	// packages of equal content; 0 if it cannot be packed.
	Size int64 `json:"size"`
	// Texts are the other fields of extension.yaml.
	Texts map[string]any `json:"texts"`
	// Unknown are templates that do not render and documents that cannot be read: of what
	// they make nothing is known.
	Unknown []string `json:"unknown,omitempty"`
}

// The clusters on which objects come to be.
const (
	Host  = "host"
	Agent = "agent"
)

// Object is an object that an installation makes.
type Object struct {
	// Where is Host or Agent.
	Where      string `json:"where"`
	APIVersion string `json:"api_version"`
	Kind       string `json:"kind"`
	// Namespace is that of the release where none is written.
	Namespace string `json:"namespace"`
	// Name is Generated where it is another one at each rendering.
	Name string `json:"name"`
	// Template is the path of the file that it is from, as Helm names it.
	Template string `json:"template"`
	// Hook is set where Helm makes it apart from the release, and Kept where Helm leaves it
	// on the cluster (helm.sh/resource-policy).
	Hook bool `json:"hook,omitempty"`
	Kept bool `json:"kept,omitempty"`
	// InCRDs is set for those of a folder crds/, which Helm makes once and never updates.
	InCRDs bool `json:"in_crds,omitempty"`
	// Content is all of it, with Generated at the place of what is another text at each
	// rendering.
	Content map[string]any `json:"content"`
}

// Generated stands for what Helm makes up at each rendering: certificates, passwords, and
// checksums of them.
const Generated = "(generated at each installation)"

// Group is the API group of the object; empty for the core.
func (o Object) Group() string {
	group, _, ok := strings.Cut(o.APIVersion, "/")
	if !ok {
		return ""
	}
	return group
}

// IsDefinition reports whether it defines an API.
func (o Object) IsDefinition() bool { return o.Kind == "CustomResourceDefinition" }

// String names the object as kubectl users do: Deployment "web".
func (o Object) String() string { return fmt.Sprintf("%s %q", o.Kind, o.Name) }

// Of finds out the footprint of an extension. Each template is rendered twice, to see what is
// generated. Templates that do not render are in Unknown; the error is that of ctx, or says
// why there is no chart.
func Of(ctx context.Context, ext *extension.Extension) (*Footprint, error) {
	f := &Footprint{
		Name: ext.Metadata.Name, Version: ext.Metadata.Version,
		Dependencies: dependencies(ext), Texts: texts(ext), Images: slices.Clone(ext.Metadata.Images),
	}
	f.ClusterRights, f.Rights = rights(ext)
	f.Size = sizeOf(ext)
	c, err := helmchart.Load(ext)
	if err != nil {
		return nil, err
	}
	if f.Values, err = values(c); err != nil {
		return nil, err
	}
	first, err := c.Render(ctx, nil)
	if err != nil {
		return nil, err
	}
	if err := nextSecond(ctx, ext); err != nil {
		return nil, err
	}
	second, err := c.Render(ctx, nil)
	if err != nil {
		return nil, err
	}
	f.addObjects(first, second)
	for _, w := range first.Plain.Workloads {
		for _, pod := range w.Pods {
			for _, container := range pod.Containers {
				f.Images = append(f.Images, container.Image)
			}
		}
	}
	slices.Sort(f.Images)
	f.Images = slices.DeleteFunc(slices.Compact(f.Images), func(image string) bool { return image == "" })
	return f, nil
}

// sizeOf is the size of the package as it is sent: pictures are uploaded and not in it. All their
// addresses are on one server, since a marketplace chooses them, and Chart.yaml is left out, since
// it is made anew for each package and names the commit.
func sizeOf(ext *extension.Extension) int64 {
	const server = "https://x/"
	urls := extension.URLs{}
	for _, a := range ext.Assets {
		urls[a.File] = server + a.RemoteName
	}
	files, err := ext.PackedFiles(urls)
	if err != nil {
		return 0
	}
	files = slices.DeleteFunc(files, func(f extension.File) bool { return f.Name == extension.ChartFile })
	for i, f := range files {
		if f.Name != extension.MetadataFile {
			continue
		}
		for _, address := range append(slices.Clone(ext.Metadata.Screenshots), ext.Metadata.Icon) {
			if strings.HasPrefix(address, "https://") || strings.HasPrefix(address, "http://") {
				files[i].Data = bytes.ReplaceAll(files[i].Data, []byte(address), []byte(server+path.Base(address)))
			}
		}
	}
	size, err := tarball.Size(ext.Metadata.Name, files, 0)
	if err != nil {
		return 0
	}
	return size
}

// clocks are the functions of templates that read the clock.
var clocks = lazyregexp.New(`\b(now|date|dateInZone|htmlDate|ago|unixEpoch)\b`)

// nextSecond waits until the clock shows another second, if a template may read it: what is
// made of the time is another text in the second rendering then.
func nextSecond(ctx context.Context, ext *extension.Extension) error {
	reads := slices.ContainsFunc(ext.Files, func(f extension.File) bool {
		return strings.Contains(f.Name, "templates/") && clocks.Match(f.Data)
	}) || slices.ContainsFunc(ext.PackagedFiles(), func(f extension.PackagedFile) bool {
		return strings.Contains(f.Inside, "templates/") && clocks.Match(f.Data)
	})
	if !reads {
		return nil
	}
	select {
	case <-time.After(time.Second):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// values are those of the chart with all its subcharts, also of those that are off. What is
// global stands at the top alone.
func values(c *helmchart.Chart) (map[string]any, error) {
	tree, err := helmchart.Process(helmchart.WithAllDependencies(c.Root), map[string]any{})
	if err != nil {
		return nil, err
	}
	all, err := merge.Values(tree, nil)
	if err != nil {
		return nil, err
	}
	// As JSON has them, which is how they are compared.
	data, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	plain := map[string]any{}
	if err := json.Unmarshal(data, &plain); err != nil {
		return nil, err
	}
	for _, child := range tree.Dependencies() {
		if below, ok := plain[child.Name()].(map[string]any); ok {
			delete(below, chartutil.GlobalKey)
		}
	}
	return plain, nil
}

// dependencies are subcharts and other extensions, each in a few words.
func dependencies(ext *extension.Extension) map[string]string {
	all := map[string]string{}
	present := map[string]string{}
	for _, s := range ext.Subcharts() {
		present[s.Name] = s.Version
	}
	for _, d := range ext.Metadata.Dependencies {
		words := []string{"chart"}
		if version := present[d.Name]; version != "" {
			words = append(words, version)
			delete(present, d.Name)
		} else if d.Version != "" {
			words = append(words, d.Version)
		}
		if d.Repository != "" && !strings.HasPrefix(d.Repository, "file://") {
			words = append(words, "from "+d.Repository)
		}
		if len(d.Tags) > 0 {
			words = append(words, "with tags "+strings.Join(d.Tags, ", "))
		}
		if d.Condition != "" {
			words = append(words, "if "+d.Condition)
		}
		name := d.Name
		if d.Alias != "" {
			name = d.Alias
		}
		all[name] = strings.Join(words, " ")
	}
	for name, version := range present {
		all[name] = strings.TrimSpace("chart " + version)
	}
	for _, d := range ext.Metadata.ExternalDependencies {
		words := []string{"extension", d.Version}
		if d.Required {
			words = append(words, "required")
		}
		all["extension "+d.Name] = strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), " ")
	}
	return all
}

// apart are fields of extension.yaml that are compared by themselves, or by the files that
// they name.
var apart = []string{"apiVersion", "name", "images", "dependencies", "externalDependencies", "icon", "screenshots", "staticFileDirectory"}

// texts are the fields of extension.yaml that say something to people, or to KubeSphere.
func texts(ext *extension.Extension) map[string]any {
	fields, _ := ext.Document.Value().(map[string]any)
	all := maps.Clone(fields)
	for _, name := range apart {
		delete(all, name)
	}
	data, err := json.Marshal(all)
	if err != nil {
		return nil
	}
	plain := map[string]any{}
	if json.Unmarshal(data, &plain) != nil {
		return nil
	}
	return plain
}
