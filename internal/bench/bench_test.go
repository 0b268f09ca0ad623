package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	tests := []struct {
		of   []float64
		want float64
	}{
		{nil, 0},
		{[]float64{3}, 3},
		{[]float64{9, 1, 5}, 5},
		{[]float64{4, 1, 3, 2}, 2.5},
	}
	for _, tt := range tests {
		given := slices.Clone(tt.of)
		if got := median(tt.of); got != tt.want {
			t.Errorf("median(%v) = %v, want %v", tt.of, got, tt.want)
		}
		if !slices.Equal(given, tt.of) {
			t.Errorf("median has put its argument into another order: %v", tt.of)
		}
	}
}

func rounds(peak int64, walls ...time.Duration) []round {
	var out []round
	for _, w := range walls {
		out = append(out, round{wall: w, cpu: w / 2, peak: peak})
	}
	return out
}

func TestVerdicts(t *testing.T) {
	tests := []struct {
		name    string
		claim   claim
		verdict string
		missed  bool
	}{
		{"at least", claim{is: 20, target: 20, atLeast: true}, "met", false},
		{"at least, nearly", claim{is: 18.1, target: 20, atLeast: true}, "within a tenth", false},
		{"at least, not", claim{is: 17.9, target: 20, atLeast: true}, "MISSED", true},
		{"at most", claim{is: 1, target: 1}, "met", false},
		{"at most, nearly", claim{is: 1.09, target: 1}, "within a tenth", false},
		{"at most, not", claim{is: 1.11, target: 1}, "MISSED", true},
		{"exact", claim{is: 1.01, target: 1, exact: true}, "MISSED", true},
		{"shown", claim{is: 99, target: 1, shown: true}, "not met, not judged", false},
		{"shown and met", claim{is: 1, target: 1, shown: true}, "met, not judged", false},
		{"no peer", claim{is: 0, target: 20, atLeast: true, missing: "no such file"}, "not compared: no such file", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.claim.verdict(); got != tt.verdict || tt.claim.missed() != tt.missed {
				t.Errorf("the verdict is %q, missed %v; want %q, %v", got, tt.claim.missed(), tt.verdict, tt.missed)
			}
		})
	}
}

// some is an outcome with a figure that is met, one without a peer, and an absolute time that is not met.
func some() outcome {
	const ms = time.Millisecond
	ours := series{name: "ours", rounds: rounds(100<<20, 100*ms, 300*ms, 120*ms)}
	loop := series{name: "helm loop", rounds: rounds(50<<20, 400*ms, 1200*ms, 480*ms)}
	away := series{name: "ksbuilder loop", without: "KSBUILDER names none"}
	return outcome{
		row: row{name: "cold", title: "a dry run"}, series: []series{ours, loop, away},
		claims: []claim{faster(ours, loop, 3), faster(ours, away, 20), within(ours, 200<<20), lasts(ours, 40*ms)},
	}
}

func TestReport(t *testing.T) {
	met := some()
	slow := some()
	slow.claims = []claim{faster(slow.series[0], slow.series[1], 6), within(series{name: "ours", rounds: rounds(0, 1)}, 1)}
	broken := outcome{row: met.row, err: errors.New("it ended before it answered")}
	tests := []struct {
		name    string
		outcome outcome
		missed  bool
		want    []string
	}{
		{"met", met, false, []string{
			"=== cold: a dry run",
			"ours            120 ms  100 ms   300 ms   60 ms        100 MiB",
			"helm loop       480 ms  400 ms   1200 ms  240 ms       50 MiB",
			"ksbuilder loop  –       –        –        –            –",
			"ours: times as fast as helm loop       ≥ 3.0 ×    4.0 ×    met",
			"ours: times as fast as ksbuilder loop  ≥ 20.0 ×   –        not compared: KSBUILDER names none",
			"peak memory of ours                    ≤ 200 MiB  100 MiB  met",
			"ours                                   ≤ 40 ms    120 ms   not met, not judged",
		}},
		{"missed", slow, true, []string{
			"ours: times as fast as helm loop  ≥ 6.0 ×  4.0 ×  MISSED",
			"peak memory of ours               ≤ 0 MiB  –      not compared: this system does not tell memory",
		}},
		{"not measured", broken, true, []string{"NOT MEASURED: it ended before it answered"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			if err := tt.outcome.write(&out); err != nil {
				t.Fatal(err)
			}
			for _, line := range tt.want {
				if !strings.Contains(out.String(), line+"\n") {
					t.Errorf("the report has no line %q:\n%s", line, out.String())
				}
			}
			if err := verdict([]outcome{tt.outcome}); (err != nil) != tt.missed {
				t.Errorf("the bench ends with %v", err)
			}
		})
	}
}

func TestMarkdown(t *testing.T) {
	var out bytes.Buffer
	if err := writeMarkdown(&out, "a machine", []outcome{some(), {row: row{name: "far"}, err: errors.New("no |\nserver")}}); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		blockBegins, blockEnds, "a machine",
		"| cold | ours: times as fast as helm loop | ≥ 3.0 × | 4.0 × | met |",
		`| far | – | – | – | NOT MEASURED: no \| |`,
		"| cold | ours | 120 ms | 100 ms | 300 ms | 60 ms | 100 MiB |",
	} {
		if !strings.Contains(out.String(), line+"\n") {
			t.Errorf("the block has no line %q:\n%s", line, out.String())
		}
	}
}

// TestTheDocumentHasTheBlock: what the bench prints has its place, and each row its explanation.
func TestTheDocumentHasTheBlock(t *testing.T) {
	data, err := os.ReadFile("../../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	if strings.Count(page, blockBegins) != 1 || strings.Count(page, blockEnds) != 1 {
		t.Errorf("docs/performance.md has not one block between %q and %q", blockBegins, blockEnds)
	}
	for _, r := range rows {
		if !strings.Contains(page, "| `"+r.name+"` |") {
			t.Errorf("docs/performance.md does not explain the row %s", r.name)
		}
	}
}

func TestChoose(t *testing.T) {
	if of, err := choose(nil); err != nil || len(of) != len(rows) {
		t.Errorf("%d rows, %v", len(of), err)
	}
	if of, err := choose([]string{"warm", "cold"}); err != nil || len(of) != 2 || of[0].name != "cold" {
		t.Errorf("%v, %v", of, err)
	}
	if _, err := choose([]string{"cold", "tepid"}); err == nil || !strings.Contains(err.Error(), "tepid") {
		t.Errorf("an unknown row: %v", err)
	}
}

// TestFarAway: an answer takes a round trip longer, a connection one more.
func TestFarAway(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer server.Close()
	far, err := newFarAway(server.Listener.Addr().String(), 40*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer far.close()
	for _, least := range []time.Duration{80 * time.Millisecond, 40 * time.Millisecond} {
		begun := time.Now()
		answer, err := http.Get("http://" + far.host)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if took := time.Since(begun); took < least {
			t.Errorf("an answer after %v, want at least %v", took, least)
		}
	}
}

// TestRepositoryCounts: a run that knows the ETag is answered 304, and both are counted.
func TestRepositoryCounts(t *testing.T) {
	dir := t.TempDir()
	if err := (sizes{seed: 1, extensions: 1, versions: 2}).write(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	r, err := serveIndex(filepath.Join(dir, "repository", "index.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	tag := ""
	for _, want := range []int{http.StatusOK, http.StatusNotModified} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.address+"/index.yaml", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("If-None-Match", tag)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		tag = answer.Header.Get("ETag")
		if answer.StatusCode != want || tag == "" {
			t.Errorf("the answer is %s with the ETag %q, want %d", answer.Status, tag, want)
		}
	}
	if r.asked.Load() != 2 || r.same.Load() != 1 {
		t.Errorf("%d requests, %d answered 304", r.asked.Load(), r.same.Load())
	}
}

// TestTakeTurns has two tools leave their marks in one file: A B A B.
func TestTakeTurns(t *testing.T) {
	shell := "/bin/sh"
	if _, err := os.Stat(shell); err != nil {
		t.Skip("no /bin/sh")
	}
	marks := filepath.Join(t.TempDir(), "marks")
	mark := func(name string) tool {
		return tool{name: name, commands: [][]string{{shell, "-c", `printf "$0$MARK" >>"$1"`, name, marks}}, env: []string{"MARK=-"}}
	}
	got, err := takeTurns(t.Context(), []tool{mark("a"), mark("b"), {name: "c", without: "none"}}, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadFile(marks)
	if err != nil {
		t.Fatal(err)
	}
	if string(left) != "a-b-a-b-a-b-" {
		t.Errorf("the tools ran in the order %s, want a-b-a-b-a-b-: the first round is the one that does not count", left)
	}
	if len(got) != 3 || len(got[0].rounds) != 2 || got[1].name != "b" || len(got[2].rounds) != 0 {
		t.Errorf("got the series %v, want two of two rounds, and one of none", got)
	}
	for _, s := range got[:2] {
		for _, r := range s.rounds {
			if r.wall <= 0 {
				t.Errorf("a round of %s took %v", s.name, r.wall)
			}
		}
	}
}

func TestAToolThatFailsIsReported(t *testing.T) {
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("no /bin/sh")
	}
	_, err := takeTurns(context.Background(), []tool{{name: "x", commands: [][]string{{"/bin/sh", "-c", "echo no such chart; exit 3"}}}}, 1, 1)
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "no such chart") {
		t.Errorf("want the command, its status and its output, got %v", err)
	}
}

func TestUnpack(t *testing.T) {
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	archive := tar.NewWriter(zip)
	for name, text := range map[string]string{"demo/Chart.yaml": "name: demo\n", "demo/charts/sub/Chart.yaml": "name: sub\n"} {
		if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []interface{ Close() error }{archive, zip} {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "demo-1.0.0.tgz")
	if err := os.WriteFile(file, packed.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := unpack(file, dir); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "demo", "charts", "sub", "Chart.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != "name: sub\n" {
		t.Errorf("unpacked %q", got)
	}
}
