package manifests_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/sharedfiles"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/manifests"
	"github.com/ksrelease/ksrelease/internal/target/runtest"
	"github.com/ksrelease/ksrelease/internal/testutil/storetest"
)

// Promises P2, P4 and P9.
func TestRuns(t *testing.T) {
	configMap := regexp.MustCompile(`(?s)chart\.tgz: (\S+)\nkind: ConfigMap\nmetadata:\n  name: extension-(\S+)-chart\n`)
	runtest.Suite{
		Short: 40, Whole: 5000, Real: true,
		Once: func(request, _ string) bool { return request == storetest.Change },
		New: func(t *testing.T, _ time.Duration) runtest.Fixture {
			dir := t.TempDir()
			file := filepath.Join(dir, "alc.yaml")
			store := storetest.New(sharedfiles.NewFolder(dir, "deploy"))
			d := manifests.New(manifests.Options{Store: store, Shown: "deploy"})
			held := func() map[string][]byte {
				found := map[string][]byte{}
				data, err := os.ReadFile(file)
				if os.IsNotExist(err) {
					return found
				}
				must(t, err)
				for _, m := range configMap.FindAllStringSubmatch(string(data), -1) {
					pkg, err := base64.StdEncoding.DecodeString(m[1])
					must(t, err)
					found[m[2]+".tgz"] = pkg
				}
				return found
			}
			return runtest.Fixture{
				Place:    target.Place{Target: d, Name: "deploy", Kind: "manifests", URL: "deploy", Noun: "the folder of manifests"},
				Break:    func(script string) { store.Break(t, script) },
				Requests: []string{storetest.Change, storetest.Read + "alc.yaml", storetest.View},
				Held:     held,
				Put: func(pkg *extension.Package) {
					other := manifests.New(manifests.Options{Store: sharedfiles.NewFolder(dir, ""), Shown: "deploy"})
					if _, err := other.Publish(t.Context(), pkg); err != nil && !strings.Contains(err.Error(), "already, of another package") {
						t.Fatal(err)
					}
				},
				Damage: func(name string) {
					data, err := os.ReadFile(file)
					must(t, err)
					was := held()[name]
					is := append([]byte{}, was...)
					is[len(is)-5] ^= 1
					must(t, os.WriteFile(file, []byte(strings.Replace(string(data), base64.StdEncoding.EncodeToString(was), base64.StdEncoding.EncodeToString(is), 1)), 0o644))
				},
			}
		},
	}.Run(t)
}
