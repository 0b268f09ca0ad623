package archtest

import (
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// oldWords are words of docs/glossary.md that stand for nothing any more.
var oldWords = regexp.MustCompile(`(?i)\b(told|beside|weigh(s|ed)?|heard|mend(s|ed)?|world|houses?|rooms?|standing|conceal(s|ed)?|scrub(s|bed)?|workshops?)\b`)

// exempt are files that need an old word: the glossary, which names them, and what
// reads the baselines of old versions.
var exempt = []string{"docs/glossary.md", "internal/baseline/worded.go"}

// TestWordsOfTheGlossary keeps old words out of code and documents.
func TestWordsOfTheGlossary(t *testing.T) {
	root := os.DirFS(moduleRoot(t))
	looked := 0
	err := walk(root, func(name string) error {
		code := strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go")
		if !code && !strings.HasSuffix(name, ".md") || slices.Contains(exempt, name) {
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		looked++
		for i, line := range strings.Split(string(text), "\n") {
			if word := oldWords.FindString(line); word != "" {
				t.Errorf("%s:%d: %q is an old word; docs/glossary.md has the one to use", name, i+1, word)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if looked < 100 {
		t.Errorf("only %d files were looked at", looked)
	}
}
