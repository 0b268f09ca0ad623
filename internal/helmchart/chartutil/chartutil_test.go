package chartutil

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	stock "helm.sh/helm/v3/pkg/chartutil"

	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// TestTypesOfHelm: what templates can see of a type is what they see of Helm's.
func TestTypesOfHelm(t *testing.T) {
	for _, pair := range [][2]reflect.Type{
		{reflect.TypeFor[Values](), reflect.TypeFor[stock.Values]()},
		{reflect.TypeFor[*Capabilities](), reflect.TypeFor[*stock.Capabilities]()},
		{reflect.TypeFor[*KubeVersion](), reflect.TypeFor[*stock.KubeVersion]()},
		{reflect.TypeFor[VersionSet](), reflect.TypeFor[stock.VersionSet]()},
		{reflect.TypeOf(HelmVersion()), reflect.TypeOf(stock.DefaultCapabilities.HelmVersion)},
	} {
		ours, theirs := pair[0], pair[1]
		if ours.String() != theirs.String() {
			t.Errorf("%s is called %s by Helm", ours, theirs)
		}
		if got, want := methods(ours), methods(theirs); got != want {
			t.Errorf("%s has the methods\n%s, and in Helm\n%s", ours, got, want)
		}
		if ours.Kind() == reflect.Pointer {
			ours, theirs = ours.Elem(), theirs.Elem()
		}
		if ours.Kind() == reflect.Struct && fields(ours) != fields(theirs) {
			t.Errorf("%s has the fields\n%s, and in Helm\n%s", ours, fields(ours), fields(theirs))
		}
	}
}

func methods(t reflect.Type) string {
	var b strings.Builder
	for i := range t.NumMethod() {
		m := t.Method(i)
		fmt.Fprintln(&b, m.Name, strings.TrimPrefix(m.Type.String(), "func("))
	}
	return b.String()
}

func fields(t reflect.Type) string {
	var b strings.Builder
	for i := range t.NumField() {
		f := t.Field(i)
		fmt.Fprintln(&b, f.Name, f.Type, f.Tag)
	}
	return b.String()
}

func TestVersionOfHelm(t *testing.T) {
	want := stock.DefaultCapabilities.HelmVersion
	got := HelmVersion()
	if got.Version != want.Version || got.GitCommit != want.GitCommit || got.GitTreeState != want.GitTreeState {
		t.Errorf("the version is %+v, and that of Helm %+v", got, want)
	}
}

// TestInTemplates: templates make the same of the same values and capabilities.
func TestInTemplates(t *testing.T) {
	cluster := stock.KubeVersion{Version: "v1.31.2", Major: "1", Minor: "31"}
	theirs := map[string]any{
		"Values":       stock.Values{"a": map[string]any{"b": "c"}},
		"Capabilities": &stock.Capabilities{KubeVersion: cluster, APIVersions: stock.VersionSet{"v1", "apps/v1"}},
	}
	ours := map[string]any{
		"Values":       Values{"a": map[string]any{"b": "c"}},
		"Capabilities": &Capabilities{KubeVersion: KubeVersion(cluster), APIVersions: VersionSet{"v1", "apps/v1"}},
	}
	for _, text := range []string{
		`{{ .Values }} {{ .Values.a.b }} {{ .Values.YAML }} {{ typeOf .Values }} {{ kindOf .Values }} {{ .Values | toJson }} {{ printf "%T %v %+v" .Values .Values .Values }}`,
		`{{ .Values.AsMap }} {{ (.Values.Table "a").b }} {{ .Values.PathValue "a.b" }} {{ typeOf (.Values.Table "a") }}`,
		`{{ .Capabilities }} {{ typeOf .Capabilities }} {{ .Capabilities.Copy.KubeVersion }} {{ .Capabilities | toJson }}`,
		`{{ .Capabilities.KubeVersion }} {{ .Capabilities.KubeVersion.GitVersion }} {{ .Capabilities.KubeVersion.String }} {{ .Capabilities.KubeVersion.Minor }} {{ typeOf .Capabilities.KubeVersion }}`,
		`{{ .Capabilities.APIVersions.Has "apps/v1" }} {{ .Capabilities.APIVersions.Has "apps" }} {{ .Capabilities.APIVersions }} {{ has "v1" .Capabilities.APIVersions }} {{ typeOf .Capabilities.APIVersions }}`,
		`{{ typeOf .Capabilities.HelmVersion }} {{ .Capabilities.HelmVersion }} {{ .Capabilities.HelmVersion | toJson }}`,
		`{{ .Values.a.b.c }}`, `{{ .Values.a.b.c.d }}`, `{{ .Values.nothing.more }}`, `{{ .Capabilities.Nothing }}`, `{{ .Capabilities.APIVersions.Nothing }}`,
		`{{ .Values.Table 1 }}`, `{{ range .Capabilities }}{{ end }}`, `{{ index .Values 1 }}`, `{{ deepCopy .Values }} {{ merge (dict "x" 1) .Values }}`,
	} {
		parsed := template.Must(template.New("t").Funcs(sprig.TxtFuncMap()).Parse(text))
		var want, got bytes.Buffer
		wantErr, gotErr := parsed.Execute(&want, theirs), parsed.Execute(&got, ours)
		if want.String() != got.String() || fmt.Sprint(wantErr) != fmt.Sprint(gotErr) {
			t.Errorf("%s\nmakes %s (%v)\nand with Helm's types %s (%v)", text, &got, gotErr, &want, wantErr)
		}
	}
}

// TestValuesOfHelm: random paths lead where they lead in Helm.
func TestValuesOfHelm(t *testing.T) {
	words := []string{"a", "b", "c", ""}
	found := 0
	for n := range soak.Cases(t, 5_000, 500_000) {
		r := rand.New(rand.NewPCG(uint64(n), 16))
		var table func(depth int) map[string]any
		table = func(depth int) map[string]any {
			m := map[string]any{}
			for range r.IntN(4) {
				key := words[r.IntN(4)]
				switch kind := r.IntN(8); {
				case kind < 4 && depth > 0:
					m[key] = table(depth - 1)
				case kind == 4:
					m[key] = nil
				case kind == 5:
					m[key] = []any{1, "x"}
				default:
					m[key] = kind == 6
				}
			}
			return m
		}
		values := table(3)
		var steps []string
		for range 1 + r.IntN(4) {
			steps = append(steps, words[r.IntN(4)])
		}
		path := strings.Join(steps, ".")
		want, wantErr := stock.Values(values).PathValue(path)
		got, gotErr := Values(values).PathValue(path)
		if (wantErr == nil) != (gotErr == nil) || wantErr == nil && !reflect.DeepEqual(want, got) {
			t.Fatalf("%v at %q is %v (%v), and in Helm %v (%v)", values, path, got, gotErr, want, wantErr)
		}
		wantTable, wantErr := stock.Values(values).Table(path)
		gotTable, gotErr := Values(values).Table(path)
		if (wantErr == nil) != (gotErr == nil) || wantErr == nil && !reflect.DeepEqual(map[string]any(wantTable), map[string]any(gotTable)) {
			t.Fatalf("the mapping of %v at %q is %v (%v), and in Helm %v (%v)", values, path, gotTable, gotErr, wantTable, wantErr)
		}
		if gotErr == nil {
			found++
		}
		if want, got := stock.Values(values).AsMap(), Values(values).AsMap(); !reflect.DeepEqual(want, got) {
			t.Fatalf("%v is %v as a mapping, and in Helm %v", values, got, want)
		}
		wantText, _ := stock.Values(values).YAML()
		gotText, _ := Values(values).YAML()
		var wantCode, gotCode bytes.Buffer
		if stock.Values(values).Encode(&wantCode) != nil || Values(values).Encode(&gotCode) != nil || wantText != gotText || wantCode.String() != gotCode.String() {
			t.Fatalf("%v is the YAML %q, and in Helm %q", values, gotText, wantText)
		}
		wantRead, wantErr := stock.ReadValues([]byte(wantText))
		gotRead, gotErr := ReadValues([]byte(wantText))
		if wantErr != nil || gotErr != nil || !reflect.DeepEqual(map[string]any(wantRead), map[string]any(gotRead)) {
			t.Fatalf("%q is read as %v (%v), and by Helm as %v (%v)", wantText, gotRead, gotErr, wantRead, wantErr)
		}
	}
	if found == 0 {
		t.Error("no path led anywhere")
	}
	for _, text := range []string{"", "null", "[]", "a: 1", "a: [", "a: 1\na: 2", "1: x\ntrue: y", "- a", "text", "a: 0x1F\nb: 1e400\nc: .inf"} {
		want, wantErr := stock.ReadValues([]byte(text))
		got, gotErr := ReadValues([]byte(text))
		if strings.ReplaceAll(fmt.Sprint(wantErr), "stock.", "") != fmt.Sprint(gotErr) || !reflect.DeepEqual(map[string]any(want), map[string]any(got)) {
			t.Errorf("%q is read as %v (%v), and by Helm as %v (%v)", text, got, gotErr, want, wantErr)
		}
	}
}

// TestRangesOfHelm: random constraints take the versions that they take in Helm.
func TestRangesOfHelm(t *testing.T) {
	parts := []string{"1", "2.0", "1.2.3", "v1.2.0", "1.x", "*", "1.2.3-beta.1", "x.y", "", "1.2.3+a", "01.2.3", "1.2.3.4"}
	signs := []string{"", ">=", "<", "~", "^", "!=", "=", "~>", "=>"}
	taken := 0
	for n := range soak.Cases(t, 5_000, 200_000) {
		r := rand.New(rand.NewPCG(uint64(n), 17))
		constraint := signs[r.IntN(len(signs))] + parts[r.IntN(len(parts))]
		for range r.IntN(3) {
			constraint += []string{" ", ", ", " || ", " - ", "|"}[r.IntN(5)] + signs[r.IntN(len(signs))] + parts[r.IntN(len(parts))]
		}
		version := parts[r.IntN(len(parts))]
		want, got := stock.IsCompatibleRange(constraint, version), IsCompatibleRange(constraint, version)
		if want != got {
			t.Fatalf("%q takes %q: %t, and in Helm %t", constraint, version, got, want)
		}
		if got {
			taken++
		}
	}
	if taken == 0 {
		t.Error("no version was taken")
	}
	if ValuesfileName != stock.ValuesfileName || GlobalKey != stock.GlobalKey {
		t.Error("the names are not those of Helm")
	}
}
