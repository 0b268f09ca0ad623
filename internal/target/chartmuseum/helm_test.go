package chartmuseum_test

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/target/chartmuseum"
	"github.com/ksrelease/ksrelease/internal/target/targettest"
	"github.com/ksrelease/ksrelease/internal/testutil/helmtest"
	"github.com/ksrelease/ksrelease/internal/testutil/museumtest"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// A stock helm finds and pulls what was released, byte by byte: in folders, with a password.
func TestHelmReadsWhatWasReleased(t *testing.T) {
	options := museumtest.Options{Depth: 2, Username: "ci", Password: "secret"}
	helms := map[string]string{"3": helmtest.Binary(t), "4": helmtest.BinaryOf(t, helmtest.Helm4)}
	for name, start := range map[string]func(*testing.T) string{
		"double": func(t *testing.T) string {
			server := httptest.NewServer(museumtest.New(options))
			t.Cleanup(server.Close)
			return server.URL
		},
		"ChartMuseum": func(t *testing.T) string { return museumtest.Start(t, t.TempDir(), options.Flags()...) },
	} {
		t.Run(name, func(t *testing.T) {
			address := start(t) + "/org/repo"
			web := transport.New(transport.Options{})
			defer web.Close()
			museum, err := chartmuseum.New(chartmuseum.Options{URL: address, Username: "ci", Password: "secret", Transport: web})
			if err != nil {
				t.Fatal(err)
			}
			pkg := targettest.Package(t, "alc", "1.1.0-rc.1", "two")
			publish(t, museum, "alc", "1.0.0", "one")
			if _, err := museum.Publish(t.Context(), pkg); err != nil {
				t.Fatal(err)
			}
			for version, helm := range helms {
				home := t.TempDir()
				run := func(args ...string) string {
					command := exec.Command(helm, args...)
					command.Dir, command.Env = home, []string{"HOME=" + home, "PATH=" + os.Getenv("PATH")}
					out, err := command.CombinedOutput()
					if err != nil {
						t.Errorf("helm %s: %s: %v\n%s", version, strings.Join(args, " "), err, out)
					}
					return string(out)
				}
				run("repo", "add", "museum", address, "--username", "ci", "--password", "secret")
				if found := run("search", "repo", "museum/alc", "--versions", "--devel"); !strings.Contains(found, "1.0.0") || !strings.Contains(found, "1.1.0-rc.1") {
					t.Errorf("helm %s finds:\n%s", version, found)
				}
				run("pull", "museum/alc", "--version", "1.1.0-rc.1")
				if got, err := os.ReadFile(filepath.Join(home, pkg.Filename)); err != nil || string(got) != string(pkg.Data) {
					t.Errorf("helm %s: %d bytes, %v", version, len(got), err)
				}
			}
		})
	}
}
