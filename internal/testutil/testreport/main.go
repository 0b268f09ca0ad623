// Command testreport reads the events of `go test -json` from standard input, and prints what
// `go test` prints of them, and the tests that skipped themselves with their reasons. It fails
// where a test failed, and where one skipped itself for a reason that is not among the patterns
// of its arguments: such a test would run nowhere, and nobody would see it.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

func main() {
	var may []*regexp.Regexp
	for _, pattern := range os.Args[1:] {
		may = append(may, regexp.MustCompile(pattern))
	}
	fine, err := report(os.Stdin, os.Stdout, may)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	if err != nil || !fine {
		os.Exit(1)
	}
}

// event is one of `go test -json` (go doc test2json).
type event struct {
	Action, Package, Test, Output string
}

// test is a test of a package; without a name it is the package itself.
type test struct{ pkg, name string }

// report does what the command does. fine is false where a test failed, or skipped itself and
// may not.
func report(from io.Reader, to io.Writer, may []*regexp.Regexp) (fine bool, err error) {
	fine = true
	output := map[test][]string{}
	ran, skipped := 0, 0
	var wrong []string
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil { // what make or go says itself
			fmt.Fprintln(to, lines.Text())
			continue
		}
		t := test{e.Package, e.Test}
		switch e.Action {
		case "output":
			output[t] = append(output[t], e.Output)
			continue
		case "build-output":
			fmt.Fprint(to, e.Output)
		case "build-fail":
			fine = false
		case "pass", "fail", "skip":
			fine = fine && e.Action != "fail"
			if e.Test == "" || e.Action == "fail" {
				printed(to, output[t])
			}
			if e.Test == "" {
				break
			}
			ran++
			if e.Action == "skip" {
				skipped++
				reason := reasonOf(output[t])
				fmt.Fprintf(to, "skipped: %s %s: %s\n", e.Package, e.Test, reason)
				if !matches(may, reason) {
					wrong = append(wrong, e.Package+" "+e.Test+": "+reason)
				}
			}
		default:
			continue
		}
		delete(output, t)
	}
	for t, left := range output { // of a process that ended without a word
		fmt.Fprintf(to, "%s %s did not end:\n%s", t.pkg, t.name, strings.Join(left, ""))
		fine = false
	}
	fmt.Fprintf(to, "%d tests, %d of them skipped\n", ran, skipped)
	if len(wrong) > 0 {
		fine = false
		fmt.Fprintf(to, "these run nowhere: install what they need, or say why they may skip:\n  %s\n", strings.Join(wrong, "\n  "))
	}
	return fine, lines.Err()
}

// printed prints what go test prints without -v.
func printed(to io.Writer, lines []string) {
	for _, line := range lines {
		if line != "PASS\n" && !strings.HasPrefix(line, "=== ") {
			fmt.Fprint(to, line)
		}
	}
}

// reasonOf is what a test says of why it skips: the last line that is not of go test.
func reasonOf(lines []string) string {
	for i := len(lines) - 1; i >= 0; i-- {
		if line := strings.TrimSpace(lines[i]); line != "" && !strings.HasPrefix(line, "--- ") && !strings.HasPrefix(line, "=== ") {
			return line
		}
	}
	return "no reason"
}

func matches(patterns []*regexp.Regexp, text string) bool {
	for _, p := range patterns {
		if p.MatchString(text) {
			return true
		}
	}
	return false
}
