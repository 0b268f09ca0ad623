package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/testutil/canary"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// walks are the documents whose sessions are typed by a test: each block of the language console
// has commands behind "$ ", and below each what it prints. What a reader has done before stands in
// comments of the document, <!-- before: COMMAND -->.
var walks = []string{"README.md", "README.zh.md", "docs/getting-started.md", "docs/getting-started.zh.md"}

// The sessions of the documents print what the documents show.
func TestSessionsOfDocuments(t *testing.T) {
	soak.Long(t)
	for _, name := range walks {
		t.Run(strings.ReplaceAll(name, "/", "-"), func(t *testing.T) {
			text := readDoc(t, name)
			parts := takeApart(text)
			spoken := "en"
			if inChinese(name) {
				spoken = "zh"
			}
			printed := typed(t, parts, spoken)
			var b strings.Builder
			for _, part := range parts {
				b.WriteString(part.text)
				if !part.isCommand {
					continue
				}
				got := printed[0]
				printed = printed[1:]
				if masked(got) == masked(part.output) {
					got = part.output
				} else if os.Getenv("UPDATE") == "" {
					t.Errorf("%s prints\n%s\nthe document shows\n%s", strings.TrimSpace(part.text), got, part.output)
				}
				b.WriteString(got)
			}
			if os.Getenv("UPDATE") != "" {
				root, err := moduleRoot()
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(root, filepath.FromSlash(name)), []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// part is a part of a document: text, or a command with its output.
type part struct {
	text      string
	before    string // a command that the reader does not see
	isCommand bool
	output    string
}

var (
	beforeComment = regexp.MustCompile(`^<!-- before: (.*) -->\n$`)
	changing      = regexp.MustCompile(`\b\d+(\.\d+)? (ms|s)\b|\b\d+\.\d KiB|\b\d{18}\b|\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?Z?|\b[0-9a-f]{7,40}\b`)
	happened      = regexp.MustCompile(`(?m)(^[a-z-]+ [0-9.]+: .*\n)+`) // in parallel, so in any order
	mark          = "\x1e"
)

// masked has a word for what is another one each time: durations, dates, IDs, commits and the sizes of
// packages with addresses of assets in them, and one order for what happens at the same time.
func masked(output string) string {
	output = changing.ReplaceAllString(output, "_")
	output = regexp.MustCompile(` {2,}`).ReplaceAllString(output, "  ")
	return happened.ReplaceAllStringFunc(output, func(lines string) string {
		sorted := strings.Split(lines, "\n")
		slices.Sort(sorted)
		return strings.Join(sorted, "\n")
	})
}

// takeApart divides a document.
func takeApart(text string) []part {
	var parts []part
	inside := false
	for line := range strings.Lines(text) {
		last := len(parts) - 1
		switch comment := beforeComment.FindStringSubmatch(line); {
		case comment != nil:
			parts = append(parts, part{text: line, before: comment[1]})
		case !inside || line == "```\n":
			inside = line == "```console\n"
			parts = append(parts, part{text: line})
		case strings.HasPrefix(line, "$ "):
			parts = append(parts, part{text: line, isCommand: true})
		case last >= 0 && parts[last].isCommand && strings.HasSuffix(parts[last].text, "\\\n"):
			parts[last].text += line
		case last >= 0 && parts[last].isCommand:
			parts[last].output += line
		default:
			parts = append(parts, part{text: line})
		}
	}
	return parts
}

// typed types the commands in one shell, with a marketplace in place of that of KubeSphere, and
// returns what each prints on both streams, in a language.
func typed(t *testing.T, parts []part, spoken string) []string {
	t.Helper()
	dir, bin, home := t.TempDir(), t.TempDir(), t.TempDir()
	server := serveMarketplace(t).server
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(bin, "ksrelease")); err != nil {
		t.Fatal(err)
	}
	script, commands := "exec 2>&1 </dev/null\n", 0
	for _, part := range parts {
		switch {
		case part.before != "":
			script += "{ " + part.before + "\n} >\"$HOME/before\" 2>&1 || { cat \"$HOME/before\"; exit 1; }\n"
		case part.isCommand:
			script += strings.TrimPrefix(part.text, "$ ") + "printf '" + mark + "'\n"
			commands++
		}
	}
	if commands == 0 {
		t.Fatal("the document has no session")
	}
	file := filepath.Join(home, "script.sh")
	if err := os.WriteFile(file, []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	shell := exec.Command("sh", file)
	shell.Dir = dir
	shell.Env = append(append(os.Environ(), "KSRELEASE_TEST_MAIN=1", "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"),
		"MARKET="+server.URL, "EXAMPLES="+filepath.Join(root, "examples"), "KEY="+canary.Token, "COLUMNS=100",
		"GIT_AUTHOR_NAME=Mei", "GIT_AUTHOR_EMAIL=mei@example.com", "GIT_COMMITTER_NAME=Mei", "GIT_COMMITTER_EMAIL=mei@example.com"), ownFolders(home)...)
	shell.Env = append(shell.Env, language.Variable+"="+spoken)
	out, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// What a released program does not say.
	out = regexp.MustCompile(`\bwarning: this ksrelease has no version.*\n`).ReplaceAll(out, nil)
	text := strings.NewReplacer(server.URL, "https://apis.kubesphere.cloud", dir, "/home/mei/extensions", home, "/home/mei").Replace(string(out))
	printed := strings.Split(text, mark)
	if len(printed) != commands+1 || printed[commands] != "" {
		t.Fatalf("%d outputs of %d commands:\n%s", len(printed)-1, commands, text)
	}
	return printed[:commands]
}
