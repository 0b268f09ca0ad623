package chartmuseum_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/signing"
	"github.com/ksrelease/ksrelease/internal/target/chartmuseum"
	"github.com/ksrelease/ksrelease/internal/target/targettest"
	"github.com/ksrelease/ksrelease/internal/testutil/helmtest"
	"github.com/ksrelease/ksrelease/internal/testutil/keytest"
	"github.com/ksrelease/ksrelease/internal/testutil/museumtest"
	"github.com/ksrelease/ksrelease/internal/transport"
)

func signer(t *testing.T) (sign func(content string) *extension.Package, ring string) {
	t.Helper()
	pgp, ring, err := keytest.PGP(t.TempDir(), "release", "")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := signing.Load(signing.Options{PGPFile: pgp})
	if err != nil {
		t.Fatal(err)
	}
	return func(content string) *extension.Package {
		t.Helper()
		signed, err := keys.Sign(targettest.Package(t, "alc", "1.0.0", content))
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}, ring
}

// A package comes with its provenance file, whatever is there of them, and whatever the museum
// takes; a stock helm verifies it.
func TestSignedPackages(t *testing.T) {
	helm := helmtest.Binary(t)
	sign, ring := signer(t)
	first := sign("one")
	for name, test := range map[string]struct {
		options museumtest.Options
		before  func(t *testing.T, to put)
		wrong   string // what keeps it from being published
	}{
		"nothing":                              {},
		"folders":                              {options: museumtest.Options{Depth: 2}},
		"overwrites":                           {options: museumtest.Options{AllowOverwrite: true}},
		"per-chart-limit":                      {options: museumtest.Options{PerChartLimit: 3}},
		"per-chart-limit in a folder":          {options: museumtest.Options{PerChartLimit: 3, Depth: 1}},
		"a run was killed before the package":  {before: func(_ *testing.T, to put) { to("prov", first.Provenance) }},
		"that, with per-chart-limit":           {options: museumtest.Options{PerChartLimit: 3}, before: func(_ *testing.T, to put) { to("prov", first.Provenance) }},
		"a run was killed, with other content": {before: func(_ *testing.T, to put) { to("prov", sign("two").Provenance) }, wrong: "the file is of other bytes"},
		"the package is there":                 {before: func(_ *testing.T, to put) { to("charts", first.Data); to("prov", first.Provenance) }},
		"another is there":                     {before: func(_ *testing.T, to put) { to("charts", sign("two").Data) }, wrong: "with other bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			store := museumtest.New(test.options)
			server := httptest.NewServer(store)
			defer server.Close()
			path := strings.Repeat("/a", test.options.Depth)
			if test.before != nil {
				test.before(t, func(what string, data []byte) {
					answer, err := http.Post(server.URL+"/api/"+what, "", strings.NewReader(string(data)))
					if err != nil || answer.StatusCode != http.StatusCreated {
						t.Fatal(answer, err)
					}
					_ = answer.Body.Close()
				})
			}
			museum := connect(t, store, path, nil)
			_, err := museum.Publish(t.Context(), sign("one"))
			if test.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), test.wrong) || failure.Hint(err) == "" || failure.InDoubt(err) {
					t.Errorf("%v: %s", err, failure.Hint(err))
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			home := t.TempDir()
			command := exec.Command(helm, "pull", "alc", "--repo", server.URL+path, "--version", "1.0.0", "--verify", "--keyring", ring)
			command.Dir, command.Env = home, []string{"HOME=" + home, "PATH=" + os.Getenv("PATH")}
			if out, err := command.CombinedOutput(); err != nil || !strings.Contains(string(out), "Signed by: Example") {
				t.Errorf("%v: %s", err, out)
			}
			if store.Forced() > 0 {
				t.Error("it was asked to overwrite something")
			}
		})
	}
}

// The program keeps a package whose provenance file it has refused, below the root of its
// storage, and says that it has failed.
func TestSignedPackagesInTheRealOne(t *testing.T) {
	sign, _ := signer(t)
	for _, depth := range []int{0, 1} {
		address := museumtest.Start(t, t.TempDir(), museumtest.Options{Depth: depth, PerChartLimit: 3}.Flags()...)
		web := transport.New(transport.Options{Attempts: 1})
		defer web.Close()
		museum, err := chartmuseum.New(chartmuseum.Options{URL: address + strings.Repeat("/a", depth), Transport: web})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 { // of the two files either may come first
			pkg := sign("one")
			if _, err := museum.Publish(t.Context(), pkg); err != nil {
				t.Fatal(err)
			}
			if prov, err := museum.Signatures(t.Context(), "alc", "1.0.0"); err != nil || !strings.Contains(string(prov.Provenance), pkg.Digest) {
				t.Errorf("depth %d: %d bytes, %v", depth, len(prov.Provenance), err)
			}
		}
	}
}

// put uploads something by hand.
type put func(what string, data []byte)

// An answer that is lost is in doubt; both are there, or neither.
func TestSignedPackageWhoseAnswerIsLost(t *testing.T) {
	sign, _ := signer(t)
	for _, arrives := range []bool{true, false} {
		store := museumtest.New(museumtest.Options{})
		lose := true
		museum := connect(t, stale{store, func(w http.ResponseWriter, q *http.Request) bool {
			if q.Method == http.MethodPost && lose {
				if arrives {
					store.ServeHTTP(httptest.NewRecorder(), q)
				}
				panic(http.ErrAbortHandler)
			}
			return false
		}}, "", nil)
		pkg := sign("one")
		if _, err := museum.Publish(t.Context(), pkg); !failure.InDoubt(err) {
			t.Errorf("arrives: %t: %v", arrives, err)
		}
		signed, err := museum.Signatures(t.Context(), "alc", "1.0.0")
		if there := signed.Provenance != nil; err != nil || there != arrives {
			t.Errorf("arrives: %t: %t, %v", arrives, there, err)
		}
		lose = false
		if _, err := museum.Publish(t.Context(), pkg); err != nil {
			t.Error(err)
		}
	}
}
