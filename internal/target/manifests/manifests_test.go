package manifests_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	kubeyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/sharedfiles"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/manifests"
	"github.com/ksrelease/ksrelease/internal/target/targettest"
	"github.com/ksrelease/ksrelease/internal/testutil/storetest"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(dir string, one bool) *manifests.Target {
	return manifests.New(manifests.Options{Store: sharedfiles.NewFolder(dir, "deploy"), Shown: "deploy", One: one})
}

func TestContract(t *testing.T) {
	for _, one := range []bool{false, true} {
		t.Run(map[bool]string{false: "a file for each", true: "one file"}[one], func(t *testing.T) {
			targettest.Run(t, func(t *testing.T) targettest.Fixture {
				dir := filepath.Join(t.TempDir(), "deploy")
				file := filepath.Join(dir, "alc.yaml")
				if one {
					file = filepath.Join(dir, manifests.FileOfAll)
				}
				restore := func() {}
				return targettest.Fixture{
					Target: open(dir, one),
					Break: func(r targettest.Request, f targettest.Fault) bool {
						switch {
						case f == targettest.Fails && r == targettest.Publish:
							restore = storetest.Replace(t, dir, func() error { return os.WriteFile(dir, nil, 0o644) })
						case f == targettest.Fails:
							restore = storetest.Replace(t, file, func() error { return os.Mkdir(file, 0o755) })
						case f == targettest.Garbage && r != targettest.Publish:
							restore = storetest.Replace(t, file, func() error {
								return os.WriteFile(file, []byte("kind: Extension\n---\n<<<<<<< HEAD\nx: [\n"), 0o644)
							})
						case f == targettest.Hangs && r == targettest.Publish: // another process has the lock
							restore = storetest.Lock(t, dir)
						default:
							return false
						}
						return true
					},
					Restore: func() { restore() },
				}
			})
		})
	}
}

// packed is an extension with more of what an extension.yaml may have.
func packed(t *testing.T, name, version, more string) *extension.Package {
	t.Helper()
	dir := targettest.Folder(t, name, version, version)
	file := filepath.Join(dir, "extension.yaml")
	text, err := os.ReadFile(file)
	must(t, err)
	must(t, os.WriteFile(file, append(text, more...), 0o644))
	loaded, err := extension.Load(dir, extension.Options{})
	must(t, err)
	pkg, err := loaded.Pack(nil)
	must(t, err)
	return pkg
}

func publish(t *testing.T, d target.Target, packages ...*extension.Package) {
	t.Helper()
	for _, pkg := range packages {
		if _, err := d.Publish(t.Context(), pkg); err != nil {
			t.Fatalf("publishing %s: %v", pkg.Filename, err)
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	must(t, err)
	return string(data)
}

// The documents are those that ksbuilder publish and the controllers make, and nothing else.
func TestDocuments(t *testing.T) {
	dir := t.TempDir()
	pkg := packed(t, "alc", "1.2.0", `keywords: [logs]
kubeVersion: ">=1.19.0-0"
ksVersion: ">=4.0.0-0"
home: https://example.com
docs: https://example.com/docs
sources: [https://example.com/code]
namespace: logs
installationMode: Multicluster
externalDependencies: [{name: whizard, version: ">=1.0.0", required: true}, {name: other, type: extension, version: "*"}]
annotations: {executor-hook-image.kubesphere.io/install: "kubesphere/kubectl:v1.27.12"}
created: 2020-01-01T00:00:00Z
repository: other
chartURL: https://example.com/x
`)
	publish(t, open(dir, false), pkg)
	chart, err := extension.ReadChart(pkg.Data, extension.Limits{})
	must(t, err)
	var annotations strings.Builder
	text, err := yaml.Marshal(chart.Annotations)
	must(t, err)
	for line := range strings.Lines(string(text)) {
		annotations.WriteString("    " + line)
	}
	icon := base64.StdEncoding.EncodeToString([]byte("<svg xmlns='http://www.w3.org/2000/svg'><!-- 1.2.0 --></svg>"))
	want := fmt.Sprintf(`---
apiVersion: kubesphere.io/v1alpha1
kind: Extension
metadata:
  labels:
    kubesphere.io/category: computing
    kubesphere.io/managed: "true"
  name: alc
spec:
  description:
    en: An extension
  displayName:
    en: alc
  icon: data:image/svg+xml;base64,%[1]s
  provider:
    en:
      name: Example
---
apiVersion: kubesphere.io/v1alpha1
kind: ExtensionVersion
metadata:
  annotations:
%[2]s  labels:
    kubesphere.io/category: computing
    kubesphere.io/extension-ref: alc
  name: alc-1.2.0
spec:
  category: computing
  chartDataRef:
    key: chart.tgz
    name: extension-alc-1.2.0-chart
    namespace: kubesphere-system
  description:
    en: An extension
  digest: %[3]s
  displayName:
    en: alc
  docs: https://example.com/docs
  externalDependencies:
  - name: whizard
    required: true
    version: '>=1.0.0'
  - name: other
    required: false
    type: extension
    version: '*'
  home: https://example.com
  icon: data:image/svg+xml;base64,%[1]s
  installationMode: Multicluster
  keywords:
  - logs
  ksVersion: '>=4.0.0-0'
  kubeVersion: '>=1.19.0-0'
  namespace: logs
  provider:
    en:
      name: Example
  screenshots:
  - ./static/first view.svg
  sources:
  - https://example.com/code
  version: 1.2.0
---
apiVersion: v1
binaryData:
  chart.tgz: %[4]s
kind: ConfigMap
metadata:
  name: extension-alc-1.2.0-chart
  namespace: kubesphere-system
`, icon, annotations.String(), strings.TrimPrefix(pkg.Digest, "sha256:"), base64.StdEncoding.EncodeToString(pkg.Data))
	got := read(t, filepath.Join(dir, "alc.yaml"))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(annotations.String(), extension.ContentDigestAnnotation) || !strings.Contains(annotations.String(), "executor-hook-image.kubesphere.io/install") {
		t.Errorf("annotations:\n%s", annotations.String())
	}
	// kubectl decodes it with Kubernetes' own reader and types.
	decoder := kubeyaml.NewYAMLOrJSONDecoder(strings.NewReader(got), 4096)
	var kinds []string
	for {
		var raw map[string]any
		if decoder.Decode(&raw) != nil {
			break
		}
		kinds = append(kinds, fmt.Sprint(raw["kind"]))
		if raw["kind"] == "ConfigMap" {
			text, err := yaml.Marshal(raw)
			must(t, err)
			var object corev1.ConfigMap
			must(t, yaml.UnmarshalStrict(text, &object))
			if !bytes.Equal(object.BinaryData["chart.tgz"], pkg.Data) {
				t.Error("the package in the ConfigMap is another")
			}
		}
	}
	if fmt.Sprint(kinds) != "[Extension ExtensionVersion ConfigMap]" {
		t.Errorf("kinds: %s", kinds)
	}
	again := t.TempDir()
	publish(t, open(again, false), pkg)
	if read(t, filepath.Join(again, "alc.yaml")) != got {
		t.Error("the same package gives other manifests")
	}
}

// outline is what a file has, a line for each document.
func outline(t *testing.T, file string) string {
	t.Helper()
	var lines []string
	for _, text := range regexp.MustCompile(`(?m)^---.*\n`).Split(read(t, file), -1) {
		var object struct {
			Kind     string
			Metadata struct{ Name string }
		}
		must(t, yaml.Unmarshal([]byte(text), &object))
		switch {
		case object.Kind != "":
			lines = append(lines, object.Kind+" "+object.Metadata.Name)
		case strings.TrimSpace(text) != "":
			lines = append(lines, strings.TrimSpace(text))
		}
	}
	return strings.Join(lines, "\n")
}

// Another version is added in its place; the Extension is that of the highest one. What others have
// in the file stays as it is.
func TestMoreVersions(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, manifests.FileOfAll)
	must(t, os.WriteFile(file, []byte(`# Managed by hand and by ksrelease.
apiVersion: v1
kind: Namespace
metadata: {name: kubesphere-system} # ours
--- # of others
# keep this
apiVersion: kubesphere.io/v1alpha1
kind: Extension
metadata:
  name: mmm
  labels: {team: logs}
  annotations: {argocd.argoproj.io/sync-wave: "-1"}
spec: {displayName: {en: Old}}
---
{"apiVersion": "kubesphere.io/v1alpha1", "kind": "ExtensionVersion", "metadata": {"name": "mmm-1.0.0", "labels": {"kubesphere.io/extension-ref": "mmm"}}, "spec": {"version": "1.0.0", "chartURL": "oci://example.com/mmm:1.0.0"}}
---
apiVersion: example.com/v1
kind: ConfigMap
metadata: {name: last}`), 0o644))
	d := open(dir, true)
	publish(t, d, packed(t, "mmm", "2.0.0", ""), packed(t, "mmm", "1.5.0", ""), packed(t, "mmm", "0.9.0", ""), packed(t, "alc", "1.0.0", ""), packed(t, "zzz", "1.0.0", ""))
	if diff := cmp.Diff(`Namespace kubesphere-system
Extension alc
ExtensionVersion alc-1.0.0
ConfigMap extension-alc-1.0.0-chart
Extension mmm
ExtensionVersion mmm-2.0.0
ConfigMap extension-mmm-2.0.0-chart
ExtensionVersion mmm-1.5.0
ConfigMap extension-mmm-1.5.0-chart
ExtensionVersion mmm-1.0.0
ExtensionVersion mmm-0.9.0
ConfigMap extension-mmm-0.9.0-chart
ConfigMap last
Extension zzz
ExtensionVersion zzz-1.0.0
ConfigMap extension-zzz-1.0.0-chart`, outline(t, file)); diff != "" {
		t.Error(diff)
	}
	got := read(t, file)
	for _, kept := range []string{
		"# Managed by hand and by ksrelease.\napiVersion: v1\nkind: Namespace\nmetadata: {name: kubesphere-system} # ours\n",
		"--- # of others\n# keep this\n", "\n    team: logs\n", "argocd.argoproj.io/sync-wave: \"-1\"\n", `{"apiVersion": "kubesphere.io/v1alpha1", "kind": "ExtensionVersion", "metadata": {"name": "mmm-1.0.0"`,
		"apiVersion: example.com/v1\nkind: ConfigMap\nmetadata: {name: last}\n",
	} {
		if !strings.Contains(got, kept) {
			t.Errorf("%q is gone:\n%s", kept, got)
		}
	}
	if strings.Contains(got, "en: Old") || strings.Count(got, "<!-- 2.0.0 -->") > 0 {
		t.Errorf("the Extension is not that of the highest version")
	}
	index, err := d.Index(t.Context())
	must(t, err)
	versions, err := index.Versions(t.Context(), "mmm")
	if err != nil || fmt.Sprint(versions) != "[2.0.0 1.5.0 1.0.0 0.9.0]" {
		t.Errorf("versions: %v, %v", versions, err)
	}
	e, ok, err := index.Lookup(t.Context(), "mmm", "1.0.0")
	if !ok || err != nil || e.URLs[0] != "oci://example.com/mmm:1.0.0" {
		t.Errorf("that of others: %+v, %v", e, err)
	}
	if _, err := d.Fetch(t.Context(), e); err == nil || !strings.Contains(failure.Hint(err), "oci://example.com/mmm:1.0.0") {
		t.Errorf("its package: %v", err)
	}
	if _, err := d.Publish(t.Context(), packed(t, "mmm", "1.0.0", "")); err == nil || read(t, file) != got {
		t.Errorf("that of others was overwritten: %v", err)
	}
}

// What an API server would refuse is refused, with the limit and what to do.
func TestLimits(t *testing.T) {
	d := open(t.TempDir(), false)
	noise := func(n int) string {
		var text strings.Builder
		for i := 0; text.Len() < n; i++ {
			fmt.Fprintf(&text, "%x", i*2654435761)
		}
		return text.String()[:n]
	}
	for name, test := range map[string]struct {
		pkg  func(t *testing.T) *extension.Package
		want string
	}{
		"a package of more than 1 MiB": {func(t *testing.T) *extension.Package {
			pkg := packed(t, "alc", "1.0.0", "")
			pkg.Data = append(pkg.Data, make([]byte, 1<<20)...)
			return pkg
		}, "a ConfigMap takes 1048576"},
		"an icon that is too large": {func(t *testing.T) *extension.Package {
			dir := targettest.Folder(t, "alc", "1.0.0", "x")
			must(t, os.WriteFile(filepath.Join(dir, "static/icon.svg"), []byte("<svg xmlns='http://www.w3.org/2000/svg'>"+noise(200_000)+strings.Repeat("<g/>", 260_000)+"</svg>"), 0o644))
			loaded, err := extension.Load(dir, extension.Options{})
			must(t, err)
			pkg, err := loaded.Pack(nil)
			must(t, err)
			return pkg
		}, "an object of the cluster 1572864 at most"},
		"annotations": {func(t *testing.T) *extension.Package {
			return packed(t, "alc", "1.0.0", "annotations: {a: \""+noise(300_000)+"\"}\n")
		}, "262144 are allowed"},
		"a key of an annotation": {func(t *testing.T) *extension.Package {
			return packed(t, "alc", "1.0.0", "annotations: {\"a b\": c}\n")
		}, `the annotation "a b"`},
		"a mode": {func(t *testing.T) *extension.Package {
			return packed(t, "alc", "1.0.0", "installationMode: hostOnly\n")
		}, `installationMode is "hostOnly"`},
	} {
		t.Run(name, func(t *testing.T) {
			pkg := test.pkg(t)
			_, err := d.Publish(t.Context(), pkg)
			if planned := d.Fits(t.Context(), pkg); planned == nil || !strings.HasSuffix(err.Error(), planned.Error()) {
				t.Errorf("in the plan: %v", planned)
			}
			if err == nil || !strings.Contains(err.Error(), test.want) || failure.Hint(err) == "" || failure.InDoubt(err) {
				t.Errorf("%v (%s)", err, failure.Hint(err))
			}
			if s, err := d.Snapshot(t.Context(), "alc", "1.0.0"); err != nil || s.Status != target.StatusNone {
				t.Errorf("it is there: %+v, %v", s, err)
			}
		})
	}
}

// A package without its ConfigMap, or a ConfigMap without its version, is an error that says so.
func TestHalves(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "alc.yaml")
	d := open(dir, false)
	pkg := packed(t, "alc", "1.0.0", "")
	publish(t, d, pkg)
	parts := strings.SplitAfter(read(t, file), "---\n")
	must(t, os.WriteFile(file, []byte(parts[1]+parts[2]), 0o644))
	if _, err := d.Fetch(t.Context(), target.Entry{Name: "alc", Version: "1.0.0"}); err == nil || !strings.Contains(failure.Hint(err), "put the ConfigMap back") {
		t.Errorf("%v", err)
	}
	must(t, os.WriteFile(file, []byte(parts[1]+parts[3]), 0o644))
	if _, err := d.Publish(t.Context(), pkg); err == nil || !strings.Contains(failure.Hint(err), "remove it") {
		t.Errorf("%v", err)
	}
}

// Many targets on one folder, as many processes, lose nothing.
func TestRaces(t *testing.T) {
	for _, one := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "deploy")
		var group sync.WaitGroup
		var mu sync.Mutex
		published := map[string]string{}
		for i := range 10 {
			d := open(dir, one)
			own, shared := packed(t, fmt.Sprintf("own%d", i), "1.0.0", ""), targettest.Package(t, "shared", "1.0.0", fmt.Sprint(i))
			group.Go(func() {
				if _, err := d.Publish(t.Context(), own); err != nil {
					t.Error(err)
				}
			})
			group.Go(func() {
				if _, err := d.Publish(t.Context(), shared); err == nil {
					mu.Lock()
					defer mu.Unlock()
					published[shared.Digest] = ""
				}
			})
		}
		group.Wait()
		index, err := open(dir, one).Index(t.Context())
		must(t, err)
		for i := range 10 {
			if _, ok, err := index.Lookup(t.Context(), fmt.Sprintf("own%d", i), "1.0.0"); !ok || err != nil {
				t.Errorf("own%d is lost: %v", i, err)
			}
		}
		e, _, err := index.Lookup(t.Context(), "shared", "1.0.0")
		if _, ok := published["sha256:"+e.Digest]; err != nil || !ok || len(published) != 1 || e.Times != 1 {
			t.Errorf("%d of one version were published; %+v is there, %v", len(published), e, err)
		}
	}
}
