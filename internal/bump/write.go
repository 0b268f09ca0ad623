package bump

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/ksrelease/ksrelease/internal/atomicfile"
	"github.com/ksrelease/ksrelease/internal/failure"
)

// write writes files, or puts back those that it has written.
func write(files []File) error {
	for _, f := range files {
		if err := f.unchanged(); err != nil {
			return err
		}
	}
	for _, f := range files {
		if err := atomicfile.Probe(filepath.Dir(f.real)); err != nil {
			return fmt.Errorf("%s cannot be written: %w; nothing is changed", f.Path, failure.WithoutPath(err))
		}
	}
	return writeChecked(files)
}

func writeChecked(files []File) error {
	for i, f := range files {
		err := f.put(f.After)
		if err == nil {
			continue
		}
		err = fmt.Errorf("%s cannot be written: %w", f.Path, failure.WithoutPath(err))
		var left []string
		for _, written := range files[:i] {
			if written.put(written.Before) != nil {
				left = append(left, written.Path)
			}
		}
		if len(left) > 0 {
			return failure.WithHint(fmt.Errorf("%w; changed, and not put back: %s", err, strings.Join(left, ", ")), "git checkout -- PATH gives a file the content that was committed")
		}
		return fmt.Errorf("%w; nothing is changed", err)
	}
	return nil
}

// unchanged says that nobody has changed the file since it was read.
func (f File) unchanged() error {
	now, err := os.ReadFile(f.real)
	if err != nil {
		return fmt.Errorf("%s: %w", f.Path, failure.WithoutPath(err))
	}
	if !bytes.Equal(now, f.Before) {
		return failure.WithHint(errors.New(f.Path+" has changed in the meantime; nothing is written"), "run the command again")
	}
	return nil
}

func (f File) put(data []byte) error {
	if err := atomicfile.Write(f.real, data, f.mode); err != nil {
		return err
	}
	return os.Chmod(f.real, f.mode) // whatever the umask is
}

// DiffLines are the lines of Diff.
func (p *Plan) DiffLines() []string {
	text := strings.TrimSuffix(p.Diff(), "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// Diff shows all changes of a plan as a unified diff.
func (p *Plan) Diff() string {
	var out strings.Builder
	for _, f := range p.files() {
		name := filepath.ToSlash(f.Path)
		text := string(diff.Diff("a/"+name, f.Before, "b/"+name, f.After))
		// Its first line is the command, which nobody has run.
		_, text, _ = strings.Cut(text, "\n")
		out.WriteString(text)
	}
	return out.String()
}
