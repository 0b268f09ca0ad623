package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/adopt/cifile"
	"github.com/ksrelease/ksrelease/internal/adopt/shellscript"
	"github.com/ksrelease/ksrelease/internal/adopt/successor"
)

// Each call of ksrelease in a file that adopt writes is one that this very program takes.
func TestAdoptWritesWhatThisProgramTakes(t *testing.T) {
	accepts, calls := accepts(), 0
	for bits := range 1 << 5 {
		on := func(bit int) bool { return bits&(1<<bit) != 0 }
		facts := successor.Facts{
			Version: "v1.2.3", Accepts: accepts, OnBranch: on(0), ByTitle: on(1), ByComment: on(2), Packs: on(3), Single: on(4),
			Tags: []string{"v*"}[:bits%2],
		}
		for _, system := range []cifile.System{cifile.GitHub, cifile.GitLab, cifile.Jenkins, cifile.Make} {
			file, _ := successor.Write(system, facts)
			for _, step := range cifile.Read(file.Path, system, []byte(file.Text)).Steps {
				commands, err := shellscript.Read(shellscript.Script{Text: step.Script, Expression: step.Expression})
				if err != nil {
					t.Fatalf("%s: %v", file.Path, err)
				}
				for _, c := range commands {
					if name := c.Name(); name != "ksrelease" && !strings.HasPrefix(name, "ksrelease-") {
						continue
					}
					calls++
					if !accepts("ksrelease " + strings.Join(c.Words[1:], " ")) {
						t.Errorf("%s: %s", file.Path, c.Text)
					}
				}
			}
		}
	}
	if calls < 500 {
		t.Errorf("only %d calls", calls)
	}
	for _, line := range []string{"ksrelease frobnicate", "ksrelease run --frobnicate", "ksrelease run --skip nothing"} {
		if accepts(line) {
			t.Error(line)
		}
	}
}

// The version that a new workflow installs is one that go install takes.
func TestAdoptPins(t *testing.T) {
	for asked, want := range map[string]string{
		"v1.2.3": "v1.2.3", "1.2.3": "v1.2.3", "v1.2.3-rc.1": "v1.2.3-rc.1", "0123456789abcdef0123456789abcdef01234567": "0123456789abcdef0123456789abcdef01234567",
		"latest": "", "main": "", "v1": "", "v1.2.3 && evil": "", "v1.2.3'": "", "$(evil)": "", "v1.2.3\n": "",
	} {
		got, err := (&adoptCommand{Pin: asked}).pinned(nil)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", fmt.Sprint(asked), got, err)
		}
	}
}
