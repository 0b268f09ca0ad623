package worker

import (
	"bytes"
	"encoding/gob"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/lint"
)

// shared is a page that lies in a file: that is enough for both sides of it.
func shared(t *testing.T) (worker *note, program *notes) {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "note"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return &note{page: make([]byte, noteSize)}, &notes{file: file}
}

// What is noted last is what is read, and nothing where it does not fit.
func TestNote(t *testing.T) {
	worker, program := shared(t)
	for _, test := range []struct {
		p     lint.Progress
		noted bool
	}{
		{lint.Progress{}, true},
		{lint.Progress{Rule: "render"}, true},
		{lint.Progress{Rule: "render", Template: "a/templates/b.yaml"}, true},
		{lint.Progress{Rule: "x", Template: strings.Repeat("t", noteSize)}, false},
		{lint.Progress{Template: strings.Repeat("t", notePlace-4)}, true},
		{lint.Progress{Template: strings.Repeat("t", notePlace-3)}, false},
		{lint.Progress{Rule: "r"}, true},
	} {
		if noted := worker.write(test.p); noted != test.noted {
			t.Errorf("%d bytes: noted %v", len(test.p.Template), noted)
		}
		if _, err := program.file.WriteAt(worker.page, 0); err != nil {
			t.Fatal(err)
		}
		got, ok := program.read(0)
		if ok != test.noted || ok && (got.Rule != test.p.Rule || got.Template != test.p.Template) {
			t.Errorf("%+v, %v", got, ok)
		}
	}
	for _, wrong := range [][]byte{nil, make([]byte, 5), bytes.Repeat([]byte{0xff}, noteSize), append([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, make([]byte, noteSize)...)} {
		if err := os.WriteFile(program.file.Name(), wrong, 0o600); err != nil {
			t.Fatal(err)
		}
		if p, ok := program.read(0); ok {
			t.Errorf("of %d bytes: %+v", len(wrong), p)
		}
	}
	var none *notes
	if _, ok := none.read(0); ok || (*note)(nil).write(lint.Progress{}) {
		t.Error("there is no page")
	}
}

// With a page nothing is said of what is at work, but what was found.
func TestNotedAndNotSaid(t *testing.T) {
	worker, _ := shared(t)
	var wire bytes.Buffer
	s := &speaker{voice: &voice{out: gob.NewEncoder(&wire)}, note: worker, seen: map[string]bool{}}
	s.progress(lint.Progress{Rule: "a"})
	s.progress(lint.Progress{Rule: "a", Template: "t"})
	if wire.Len() > 0 {
		t.Error("something was said")
	}
	s.progress(lint.Progress{Rule: "b", Silenced: 1})
	said := wire.Len()
	s.progress(lint.Progress{Rule: "c", Template: strings.Repeat("t", noteSize)})
	if said == 0 || wire.Len() == said {
		t.Error("what was found, or does not fit, is said")
	}
}

// BenchmarkProgress is what it takes to say which template is begun, with a page and without.
func BenchmarkProgress(b *testing.B) {
	for name, page := range map[string]*note{"noted": {page: make([]byte, noteSize)}, "said": nil} {
		b.Run(name, func(b *testing.B) {
			read, write, err := os.Pipe()
			if err != nil {
				b.Fatal(err)
			}
			defer write.Close()
			go func() {
				defer read.Close()
				in := gob.NewDecoder(read)
				for in.Decode(new(message)) == nil {
				}
			}()
			s := &speaker{voice: &voice{out: gob.NewEncoder(write)}, note: page}
			for b.Loop() {
				s.seen = map[string]bool{}
				s.progress(lint.Progress{Rule: "render", Template: "a/templates/b.yaml"})
			}
		})
	}
}
