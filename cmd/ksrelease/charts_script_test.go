package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
	"helm.sh/helm/v3/pkg/repo"
	"sigs.k8s.io/yaml"

	"github.com/ksrelease/ksrelease/internal/extension"
)

type servedCharts struct{}

// chartsInScript is the chart repository of one script, with what it was asked.
type chartsInScript struct {
	dir string
	mu  sync.Mutex
	log []string
}

func (s *chartsInScript) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.log = append(s.log, r.Method+" "+r.URL.RequestURI())
	s.mu.Unlock()
	http.StripPrefix("/stable/", http.FileServer(http.Dir(s.dir))).ServeHTTP(w, r)
}

// chartsCommandInScript is the command charts.
func chartsCommandInScript(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: charts serve DIR | charts log FILE")
	}
	s := ts.Value(servedCharts{}).(*chartsInScript)
	switch {
	case args[0] == "serve" && len(args) == 2:
		if s.dir == "" {
			s.dir = ts.MkAbs(".charts")
			server := httptest.NewServer(s)
			ts.Defer(server.Close)
			ts.Setenv("CHARTS", server.URL+"/stable")
		}
		ts.Check(packCharts(ts.MkAbs(args[1]), s.dir))
	case args[0] == "log" && len(args) == 2:
		s.mu.Lock()
		defer s.mu.Unlock()
		sorted := slices.Sorted(slices.Values(s.log))
		s.log = nil
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(strings.Join(append(sorted, ""), "\n")), 0o644))
	default:
		ts.Fatalf("usage: charts serve DIR | charts log FILE")
	}
}

// packCharts makes a Helm repository of the charts in the folders of dir.
func packCharts(dir, to string) error {
	folders, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	for _, folder := range folders {
		md, data, err := extension.PackChart(filepath.Join(dir, folder.Name()), extension.Limits{})
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, md.Name+"-"+md.Version+".tgz"), data, 0o644); err != nil {
			return err
		}
	}
	index, err := repo.IndexDirectory(to, "")
	if err != nil {
		return err
	}
	text, err := yaml.Marshal(index)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, "index.yaml"), text, 0o644)
}
