package manual

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// odd is a grammar whose texts mean something to troff.
type odd struct {
	Plain struct {
		Force bool     `short:"f" help:".dot at the beginning, a back\\slash and \"quotes\"."`
		Mode  string   `placeholder:"MODE" help:"'apostrophe."`
		Files []string `arg:"" optional:"" name:"path" help:"Files."`
	} `cmd:"" help:"Do it. And more of it."`
	Group struct {
		Deep struct{} `cmd:"" help:"Below."`
	} `cmd:"" help:"Some commands."`
	Ghost struct{} `cmd:"" hidden:"" help:"Not shown."`
}

func pagesOf(t *testing.T) map[string][]byte {
	t.Helper()
	parser, err := kong.New(&odd{}, kong.Name("prog"), kong.Description("Does it all."))
	if err != nil {
		t.Fatal(err)
	}
	return Pages(parser.Model, "1.0", []Section{{"EXIT STATUS", []Entry{{"0", "All is well."}}}})
}

func TestPages(t *testing.T) {
	pages := pagesOf(t)
	if len(pages) != 4 {
		t.Errorf("%d pages", len(pages))
	}
	for file, wants := range map[string][]string{
		"prog.1":            {`.TH "PROG" "1" "" "prog 1.0" "prog manual"`, "prog \\- Does it all\n", "\\fBplain\\fR\nDo it. And more of it.\n", "EXIT STATUS", "All is well.", `\fBprog\-group\fR(1)`},
		"prog-plain.1":      {"prog-plain \\- Do it\n", `\fBprog plain\fR [\fIpath\fR ...] [\fIoptions\fR]`, "\\&.dot at the beginning, a back\\eslash and \"quotes\".\n", "\\&'apostrophe.", `\fB\-f\fR, \fB\-\-force\fR`, `\fB\-\-mode\fR=\fIMODE\fR`},
		"prog-group.1":      {`\fBprog group\fR \fIcommand\fR`, `\fBprog\fR(1), \fBprog\-group\-deep\fR(1)`},
		"prog-group-deep.1": {`\fBprog\fR(1), \fBprog\-group\fR(1)`},
	} {
		for _, want := range wants {
			if !strings.Contains(string(pages[file]), want) {
				t.Errorf("%s lacks %q:\n%s", file, want, pages[file])
			}
		}
		if strings.Contains(string(pages[file]), "host") {
			t.Errorf("%s has the hidden command", file)
		}
	}
	for file, page := range pagesOf(t) {
		if !bytes.Equal(page, pages[file]) {
			t.Errorf("%s is another the second time", file)
		}
	}
}

// groff reads the pages without a complaint, and shows each text as it is.
func TestPagesInGroff(t *testing.T) {
	groff, err := exec.LookPath("groff")
	if err != nil {
		t.Skip("groff is not installed: no page is set")
	}
	for file, page := range pagesOf(t) {
		command := exec.Command(groff, "-man", "-Tutf8", "-ww", "-P-cbou")
		command.Stdin = bytes.NewReader(page)
		var complaints bytes.Buffer
		command.Stderr = &complaints
		set, err := command.Output()
		if err != nil || complaints.Len() > 0 {
			t.Errorf("%s: %v\n%s", file, err, complaints.String())
		}
		if file == "prog-plain.1" {
			for _, want := range []string{".dot at the beginning, a back\\slash and \"quotes\".", "'apostrophe.", "-f, --force", "--mode=MODE", "prog plain [path ...] [options]"} {
				if !strings.Contains(string(set), want) {
					t.Errorf("no %q in\n%s", want, set)
				}
			}
		}
	}
}
