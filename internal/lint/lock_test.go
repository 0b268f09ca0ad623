package lint

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ksrelease/ksrelease/internal/extension"
)

// withRemote is the good extension with a dependency from a repository.
func withRemote(version string, changes ...string) map[string]string {
	metadata := replaced(goodMetadata, "dependencies:\n", "dependencies:\n  - name: redis\n    version: \""+version+"\"\n    repository: https://charts.example.com\n")
	return with(goodFiles(), append([]string{"extension.yaml", metadata}, changes...)...)
}

func redis(t testing.TB, version string) string {
	t.Helper()
	return packed(t, "redis", map[string]string{"Chart.yaml": "apiVersion: v2\nname: redis\nversion: " + version + "\n"})
}

func TestDependencyLock(t *testing.T) {
	const lock = `dependencies:
- name: redis
  repository: https://charts.example.com
  version: 1.10.0
- name: web
  repository: ""
digest: sha256:DIGEST`
	tests := []struct {
		name   string
		files  map[string]string
		bring  string // a version of redis that is not in the tree
		locked bool
		want   []string
		hint   string
	}{
		{
			name: "a range without a lock", files: withRemote("^1.0.0"), bring: "1.10.0",
			want: []string{`warning dependency-lock ext/extension.yaml:13:14: the version of the dependency "redis" is not locked: 1.10.0 is the highest for ^1.0.0 today`},
			hint: "to keep it, put this next to extension.yaml as Chart.lock:\n" + lock,
		},
		{
			name: "no version at all", files: withRemote(""), bring: "1.10.0",
			want: []string{`warning dependency-lock ext/extension.yaml:13:14: the version of the dependency "redis" is not locked: 1.10.0 is the highest for any version today`},
		},
		{name: "an exact version", files: withRemote("1.10.0"), bring: "1.10.0"},
		{
			name: "an old package in the tree", files: withRemote("1.10.0", "charts/redis-0.1.0.tgz", redis(t, "0.1.0")), bring: "1.10.0",
			want: []string{"warning dependency-lock ext/charts/redis-0.1.0.tgz: charts/redis-0.1.0.tgz is not packed: no dependency asks for its version, and another has taken its place"},
			hint: "remove the file, or ask for its version in extension.yaml",
		},
		{
			name: "another version than the locked one", locked: true,
			files: withRemote("^1.0.0", "charts/redis-1.10.0.tgz", redis(t, "1.10.0")),
			want:  []string{`warning dependency-lock ext/charts/redis-1.9.0.tgz: the chart of the dependency "redis" is there, but not in version 1.10.0 of Chart.lock`},
			hint:  "run `helm dependency build`, or make Chart.lock anew",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ext := load(t, tt.files)
			if tt.locked {
				text, ok := ext.ProposedLock()
				if !ok {
					t.Fatal("no lock")
				}
				ext = load(t, with(tt.files, "Chart.lock", text, "charts/redis-1.10.0.tgz", "", "charts/redis-1.9.0.tgz", redis(t, "1.9.0")))
			}
			if tt.bring != "" {
				var err error
				ext, err = ext.WithCharts([]extension.Resolved{{Dependency: 0, Name: "redis", Version: tt.bring, Data: []byte(redis(t, tt.bring))}})
				if err != nil {
					t.Fatal(err)
				}
			}
			findings := seen(Examine(context.Background(), ext, only("chart", "dependency-lock")).Findings)
			if diff := cmp.Diff(tt.want, told(findings)); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
			if tt.hint == "" {
				return
			}
			hint := findings[0].Hint
			if before, after, ok := strings.Cut(hint, "digest: sha256:"); ok {
				if len(after) != 64 {
					t.Errorf("no digest: %q", after)
				}
				hint = before + "digest: sha256:DIGEST"
			}
			if diff := cmp.Diff(tt.hint, hint); diff != "" {
				t.Errorf("hint (-want +got):\n%s", diff)
			}
		})
	}
}
