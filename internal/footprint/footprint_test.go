package footprint

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/testutil/testshared"
	"github.com/ksrelease/ksrelease/internal/testutil/trees"
)

func load(t testing.TB, files map[string]string) *extension.Extension {
	t.Helper()
	if files[extension.MetadataFile] == "" {
		files[extension.MetadataFile] = "name: alc\nversion: 1.0.0\nicon: https://x/i.svg\n"
	}
	ext, err := extension.Load(trees.Write(t, files), extension.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return ext
}

func of(t testing.TB, ext *extension.Extension) *Footprint {
	t.Helper()
	f, err := Of(t.Context(), ext)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// What Helm makes up is the same in the footprints of the same extension, and what stands next
// to it is there.
func TestWhatIsGeneratedIsNoDifference(t *testing.T) {
	for name, template := range map[string]string{
		"a certificate":          `{{ $c := genSelfSignedCert "x" nil nil 1 }}data: {crt: {{ $c.Cert | b64enc }}, fixed: yes, sum: {{ $c.Cert | sha256sum }}}`,
		"an authority":           `{{ $ca := genCA "x" 1 }}{{ $c := genSignedCert "x" nil nil 1 $ca }}data: {crt: {{ $c.Key | b64enc }}, fixed: yes}`,
		"a password":             `data: {p: {{ randAlphaNum 20 | quote }}, fixed: yes}`,
		"bcrypt":                 `data: {p: {{ htpasswd "a" "b" | quote }}, fixed: yes}`,
		"a number of no meaning": `data: {p: {{ uuidv4 }}, fixed: yes}`,
		"the clock":              `data: {p: {{ now | date "15:04:05" | quote }}, fixed: yes}`,
		"a key of no meaning":    `data: {"{{ randAlpha 10 }}": x, fixed: yes}`,
		"a line of a text":       "data:\n  fixed: yes\n  text: |\n    user: jo\n    password: {{ randAlphaNum 20 }}\n    end: here\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ext := load(t, map[string]string{"templates/a.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n" + template})
			first, second := of(t, ext), of(t, ext)
			if !reflect.DeepEqual(first, second) {
				t.Errorf("%+v\n%+v", first.Objects, second.Objects)
			}
			text, err := json.Marshal(first.Objects)
			if err != nil || !strings.Contains(string(text), `"fixed":"yes"`) && !strings.Contains(string(text), `"fixed":true`) {
				t.Errorf("%s (%v)", text, err)
			}
			if name == "a line of a text" && (!strings.Contains(string(text), "user: jo") || !strings.Contains(string(text), "end: here")) {
				t.Errorf("lines that are not made up are gone: %s", text)
			}
		})
	}
	ext := load(t, map[string]string{"templates/a.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: 'a-{{ randAlpha 8 | lower }}'}\n"})
	if f := of(t, ext); len(f.Objects) != 1 || f.Objects[0].Name != Generated {
		t.Errorf("%+v", f.Objects)
	}
}

// A package with addresses of pictures, and with the commit that it was made of, has the size of
// its extension.
func TestSizesOfEqualContentAreEqual(t *testing.T) {
	ext := load(t, map[string]string{
		extension.MetadataFile: "name: alc\nversion: 1.0.0\nstaticFileDirectory: static\nicon: ./static/i.svg\nscreenshots: [static/a.png, https://example.com/b.png]\n",
		"static/i.svg":         strings.Repeat("<svg/>", 1000),
		"static/a.png":         "a picture",
		"values.yaml":          "a: 1\n",
	})
	urls := extension.URLs{}
	for _, a := range ext.Assets {
		urls[a.File] = "https://market.example/files/0123456789/" + a.RemoteName
	}
	packed, err := extension.WithOrigin(ext, extension.Origin{Revision: strings.Repeat("a", 40)}).Pack(urls)
	if err != nil {
		t.Fatal(err)
	}
	sent, err := extension.Read("alc", packed.Data, extension.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if here, there := of(t, ext).Size, of(t, sent).Size; here != there || here == 0 {
		t.Errorf("the extension has %d bytes, its package %d", here, there)
	}
}

// Hosts and agents have what is installed there; tests of Helm are installed nowhere.
func TestObjects(t *testing.T) {
	ext := load(t, map[string]string{
		extension.MetadataFile:         "name: alc\nversion: 1.0.0\nicon: https://x/i.svg\ninstallationMode: Multicluster\nnamespace: there\nimages: [b:1]\ndependencies: [{name: agent, tags: [agent]}, {name: server, tags: [extension]}]\nexternalDependencies: [{name: bee, version: '>=1', required: true}]\n",
		"permissions.yaml":             "kind: ClusterRole\nrules: [{apiGroups: [''], resources: [pods], verbs: [get]}]\n---\nkind: Role\nrules: [{apiGroups: [apps], resources: [deployments], verbs: ['*']}]\n",
		"values.yaml":                  "a: 1\nglobal: {g: 1}\n",
		"charts/agent/Chart.yaml":      "apiVersion: v2\nname: agent\nversion: 0.1.0\n",
		"charts/agent/values.yaml":     "x: {y: z}\n",
		"charts/agent/templates/a.yml": "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ServiceAccount, metadata: {name: one}}\n- {apiVersion: v1, kind: ServiceAccount, metadata: {name: two, namespace: other}}\n",
		"charts/server/Chart.yaml":     "apiVersion: v2\nname: server\nversion: 0.2.0\n",
		"charts/server/crds/c.yaml":    "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: xs.y}\nspec: {scope: Cluster}\n",
		"charts/server/templates/a.yml": "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j, annotations: {helm.sh/hook: post-install}}\nspec: {template: {spec: {containers: [{name: c, image: 'a:1'}]}}}\n---\n" +
			"apiVersion: v1\nkind: Pod\nmetadata: {name: t, annotations: {helm.sh/hook: test}}\n---\n" +
			"apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: p, annotations: {helm.sh/resource-policy: keep}}\n",
		"templates/broken.yaml": "{{ fail `no` }}",
	})
	f := of(t, ext)
	var got []string
	for _, o := range f.Objects {
		words := []string{o.Where, o.Kind, o.Namespace, o.Name}
		for word, is := range map[string]bool{"hook": o.Hook, "kept": o.Kept, "crds": o.InCRDs} {
			if is {
				words = append(words, word)
			}
		}
		got = append(got, strings.Join(words, " "))
	}
	want := []string{
		"host CustomResourceDefinition there xs.y crds", "host Job there j hook", "host PersistentVolumeClaim there p kept",
		"agent ServiceAccount there one", "agent ServiceAccount other two",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("objects are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if !reflect.DeepEqual(f.Images, []string{"a:1", "b:1"}) || len(f.ClusterRights) != 1 || len(f.Rights) != 1 || f.Size == 0 {
		t.Errorf("%+v", f)
	}
	if f.Dependencies["agent"] != "chart 0.1.0 with tags agent" || f.Dependencies["extension bee"] != "extension >=1 required" {
		t.Errorf("dependencies: %v", f.Dependencies)
	}
	agent, _ := f.Values["agent"].(map[string]any)
	if agent["x"] == nil || agent["global"] != nil || f.Values["a"] != 1.0 {
		t.Errorf("values: %v", f.Values)
	}
	if len(f.Unknown) != 2 || f.Unknown[0] != "alc/templates/broken.yaml" { // on host and agent
		t.Errorf("unknown: %v", f.Unknown)
	}
	// As it comes from a worker.
	data, err := json.Marshal(f)
	again := new(Footprint)
	if err != nil || json.Unmarshal(data, again) != nil || !reflect.DeepEqual(f, again) {
		t.Errorf("%+v\n%+v (%v)", f, again, err)
	}
}

func TestFootprintsOfTheCorpus(t *testing.T) {
	for _, archive := range testshared.Corpus(t) {
		ext, err := extension.Load(archive, extension.Options{})
		if err != nil {
			t.Fatal(err)
		}
		first, second := of(t, ext), of(t, ext)
		if len(first.Objects) < 5 || !reflect.DeepEqual(first, second) {
			t.Errorf("%s: %d objects; the second footprint is another one", filepath.Base(archive), len(first.Objects))
		}
	}
}

// A certificate that is another one is generated as a whole, whatever lines of it are equal by
// chance and however long it is.
func TestCertificatesAreMaskedAsAWhole(t *testing.T) {
	block := func(lines ...string) string {
		return "-----BEGIN CERTIFICATE-----\n" + strings.Join(lines, "\n") + "\n-----END CERTIFICATE-----\n"
	}
	kept := block("kept")
	want := "ca:\n" + Generated + "\n" + kept + "end\n"
	for _, test := range []struct{ one, other string }{
		{block("aaaa", "time", "bbbb"), block("cccc", "time", "dddd")},
		{block("aaaa", "time", "bbbb"), block("cccc", "tome", "bbbb")},
		{block("aaaa", "time", "bbbb"), block("cccc", "time", "dddd", "e")},
	} {
		if got := masked("ca:\n"+test.one+kept+"end\n", "ca:\n"+test.other+kept+"end\n"); got != want {
			t.Errorf("got\n%v\nwant\n%s", got, want)
		}
	}
}
