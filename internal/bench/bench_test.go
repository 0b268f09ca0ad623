package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
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

func TestReport(t *testing.T) {
	const ms = time.Millisecond
	sound := report{
		dry:     series{"dry", rounds(100<<20, 100*ms, 300*ms, 120*ms)},
		others:  []series{{"helm loop", rounds(50<<20, 400*ms, 1200*ms, 480*ms)}},
		targets: []float64{1.0 / 3},
		version: series{"version", rounds(10<<20, 20*ms)},
		binary:  40_000_000,
	}
	slow := sound
	slow.dry = series{"dry", rounds(300<<20, 300*ms, 900*ms, 360*ms)}
	slow.version = series{"version", rounds(10<<20, 41*ms)}
	slow.binary = 70_000_001
	blind := sound
	blind.dry = series{"dry", rounds(0, 100*ms)}
	tests := []struct {
		name   string
		report report
		want   []string
	}{
		{"all met", sound, []string{
			"dry        120 ms  100 ms   300 ms   60 ms        100 MiB",
			"helm loop  480 ms  400 ms   1200 ms  240 ms       50 MiB",
			"dry : helm loop, pair by pair: 0.250 0.250 0.250",
			"dry run : helm loop         0.333    0.250    met",
			"peak memory of the dry run  200 MiB  100 MiB  met",
			"version                     40 ms    20 ms    met",
			"binary, stripped            70.0 MB  40.0 MB  met",
		}},
		{"none met", slow, []string{
			"dry run : helm loop         0.333    0.750    NOT MET",
			"peak memory of the dry run  200 MiB  300 MiB  NOT MET",
			"version                     40 ms    41 ms    NOT MET",
			"binary, stripped            70.0 MB  70.0 MB  NOT MET",
		}},
		{"memory is not told", blind, []string{
			"peak memory of the dry run  200 MiB  unknown  not measured",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			if err := tt.report.write(&out); err != nil {
				t.Fatal(err)
			}
			for _, line := range tt.want {
				if !strings.Contains(out.String(), line+"\n") {
					t.Errorf("the report has no line %q:\n%s", line, out.String())
				}
			}
		})
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
	got, err := takeTurns(t.Context(), []tool{mark("a"), mark("b")}, 2)
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
	if len(got) != 2 || len(got[0].rounds) != 2 || got[1].name != "b" {
		t.Errorf("got the series %v, want two of two rounds", got)
	}
	for _, s := range got {
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
	_, err := takeTurns(context.Background(), []tool{{name: "x", commands: [][]string{{"/bin/sh", "-c", "echo no such chart; exit 3"}}}}, 1)
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
