// Command generate brings the catalog of messages up to date with the source: what is new stands in
// it without a translation, and what is gone is gone.
//
//	go run ./internal/language/generate               # asks for what is missing
//	go run ./internal/language/generate FILE.json…    # and takes what these files, of the same form, translate
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/language/collect"
)

const (
	name   = "internal/language/zh.gotext.json"
	source = "internal/language/zh.go"
)

func main() {
	if err := update(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func update(others []string) error {
	found, err := collect.Messages(".")
	if err != nil {
		return err
	}
	translations := map[string]string{}
	for _, name := range append([]string{name}, others...) {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		var old language.File
		if err := json.Unmarshal(text, &old); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, m := range old.Messages {
			if m.Translation != "" {
				translations[m.ID] = m.Translation
			}
		}
	}
	file, missing := language.File{Language: "zh"}, 0
	for _, m := range found {
		entry := language.Entry{ID: m.ID, Translation: cmp.Or(translations[m.ID], translations[m.One]), Position: strings.Join(m.Files, " ")}
		if entry.Translation == "" {
			missing++
		}
		file.Messages = append(file.Messages, entry)
	}
	fmt.Printf("%s: %d messages, %d without a translation\n", name, len(found), missing)
	var b bytes.Buffer
	w := json.NewEncoder(&b)
	w.SetEscapeHTML(false)
	w.SetIndent("", "    ")
	if err := w.Encode(file); err != nil {
		return err
	}
	if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
		return err
	}
	return os.WriteFile(source, collect.Source(file), 0o644)
}
