// Package worker looks at extensions in processes of their own, which can be ended:
// templates, and the parsers of Markdown, schemas and YAML, cannot be stopped
// from within, and what takes all stack ends the process that it is in.
//
// A worker is the program started again under the name [Name], with an empty
// environment and nothing but its three standard streams and, on Linux, pages of memory in
// which it notes what it is at. It is handed extensions over standard input (encoding/gob), as many
// at a time as there are processors, and says on standard output what it has found. It ends with its
// standard input, and so with the program that started it, however that ended.
//
// What is to be found is for internal/lint, internal/weight, internal/footprint and internal/images.
package worker

import (
	"bufio"
	"context"
	"encoding/gob"
	"encoding/json"
	"io"
	"math"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/ksrelease/ksrelease/internal/collector"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/footprint"
	"github.com/ksrelease/ksrelease/internal/images"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/weight"
)

// Name is what a worker is called (the first argument of its command line), and how
// the program knows that it is one.
const Name = collector.Worker

// Asked reports whether this process was started as a worker: a program that has
// workers asks first thing, and then calls Serve.
func Asked() bool { return len(os.Args) == 1 && os.Args[0] == Name }

// exitMemory is the exit code of a worker that has reached its memory limit.
const exitMemory = 97

// task is what a worker is asked to do.
type task struct {
	// Kind is one of the kinds below.
	Kind string
	// Slot is a number that no other task has that is at work; what is said of this one has it, too.
	Slot int
	// Content is the extension. The contents of its files follow, first those of Files and then those of
	// Outside, with so many bytes each.
	Content extension.Content
	Sizes   []int
	Limits  lint.Limits
	// Stack is how much stack one goroutine may take, in bytes; at least 1.
	Stack   int
	Options lint.Options
	// URLs are those of the package to look into, if Uploaded is set.
	URLs extension.URLs
	// Size is what that may have, in bytes.
	Size     int64
	Uploaded bool
}

const (
	taskExamine   = "examine"
	taskMetadata  = "metadata"
	taskSizes     = "sizes"
	taskFootprint = "footprint"
	taskImages    = "images"
)

// message is what a worker says. Done is set on the last of each task.
type message struct {
	Slot     int
	Progress *lint.Progress
	Report   *lint.Report
	Weight   *weight.Report
	// Footprint is one as JSON: gob does not know the types in values of charts.
	Footprint []byte
	// Images are those that extension.yaml names, where there is an Error, too.
	Images *images.Needed
	Error  string
	Done   bool
}

// Serve does what it is asked to on in (standard input), and answers on out (standard
// output). It ends the process when in ends, or nobody reads out any more. adjust changes
// the options of lint before they are used, for tests of a program that are about few rules.
func Serve(in io.Reader, out io.Writer, adjust ...func(*lint.Options)) {
	// What interrupts the program is for the program: it may still need its workers.
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	// As many as tasks; where that is one, the eye on its memory has the other.
	runtime.GOMAXPROCS(max(2, runtime.NumCPU()))
	confine()

	tasks := bufio.NewReaderSize(in, 64<<10)
	described := gob.NewDecoder(tasks)
	pages, voice := theNotes(), &voice{out: gob.NewEncoder(out)}
	for {
		t, err := receive(tasks, described)
		// Whatever is at work: nobody is there any more who waits for it.
		if err != nil {
			os.Exit(0)
		}
		for _, change := range adjust {
			change(&t.Options)
		}
		s := &speaker{voice: voice, slot: t.Slot}
		if t.Slot < len(pages) {
			s.note = pages[t.Slot]
		}
		go s.do(t)
	}
}

// send hands over a task: all but the contents of files, and then these, one after the other. gob
// would copy them twice on each side.
func send(out *bufio.Writer, described *gob.Encoder, t task) error {
	var contents [][]byte
	describe := func(files []extension.File) []extension.File {
		files = slices.Clone(files)
		for i := range files {
			contents = append(contents, files[i].Data)
			t.Sizes = append(t.Sizes, len(files[i].Data))
			files[i].Data = nil
		}
		return files
	}
	t.Content.Files, t.Content.Outside = describe(t.Content.Files), describe(t.Content.Outside)
	if err := described.Encode(t); err != nil {
		return err
	}
	for _, data := range contents {
		if _, err := out.Write(data); err != nil {
			return err
		}
	}
	return out.Flush()
}

// receive takes what send has handed over. described reads from in, and nothing ahead.
func receive(in *bufio.Reader, described *gob.Decoder) (task, error) {
	var t task
	if err := described.Decode(&t); err != nil {
		return task{}, err
	}
	all := 0
	for _, size := range t.Sizes {
		all += size
	}
	contents := make([]byte, all)
	if _, err := io.ReadFull(in, contents); err != nil {
		return task{}, err
	}
	next := 0
	for _, list := range [][]extension.File{t.Content.Files, t.Content.Outside} {
		for i := range list {
			size := t.Sizes[next]
			next++
			if size > 0 {
				list[i].Data = contents[:size:size]
				contents = contents[size:]
			}
		}
	}
	return t, nil
}

// voice is what all tasks of a worker speak with. Its method may be called by several goroutines.
type voice struct {
	mu  sync.Mutex
	out *gob.Encoder
}

func (v *voice) say(m message) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.out.Encode(m) != nil { // nobody listens
		os.Exit(0)
	}
}

// speaker says what becomes of one task. Its methods may be called by several goroutines.
type speaker struct {
	voice *voice
	slot  int

	mu sync.Mutex
	// note is where what is at work stands at once; nil where all of it has to be said.
	note *note
	// seen are the templates that were announced: each of them is rendered many times, and to say
	// so each time would take longer than some renderings. What was not noticed at once is
	// noticed by the watch on the memory.
	seen   map[string]bool
	now    lint.Progress
	unsaid bool
}

func (s *speaker) say(m message) {
	m.Slot = s.slot
	s.voice.say(m)
}

// progress notes what is at work. What was found, or has no other way, is said at once.
func (s *speaker) progress(p lint.Progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = lint.Progress{Rule: p.Rule, Template: p.Template}
	noted := s.note.write(s.now)
	if noted && len(p.Findings) == 0 && p.Silenced == 0 || p.Template != "" && s.seen[p.Template] {
		s.unsaid = true
		return
	}
	s.seen[p.Template] = true
	s.unsaid = false
	s.say(message{Progress: &p})
}

// sayNow says what has not been said.
func (s *speaker) sayNow() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unsaid {
		s.unsaid = false
		now := s.now
		s.say(message{Progress: &now})
	}
}

// do does one task.
func (s *speaker) do(t task) {
	s.seen = map[string]bool{}
	s.note.write(lint.Progress{})
	s.say(message{Progress: &lint.Progress{}})
	watched := make(chan struct{})
	var eye sync.WaitGroup
	eye.Go(func() { s.watch(t.Limits, watched) })
	m := perform(t, s.progress)
	close(watched)
	eye.Wait()
	m.Done = true
	s.say(m)
	if inUse() > 128<<20 {
		debug.FreeOSMemory()
	}
}

func perform(t task, progress func(lint.Progress)) message {
	debug.SetMaxStack(t.Stack)
	ext, err := extension.FromContent(t.Content)
	if err != nil {
		return message{Error: err.Error()}
	}
	t.Options.Progress = progress
	ctx := context.Background() // the end of a worker is that of its process
	switch t.Kind {
	case taskExamine:
		report := lint.Examine(ctx, ext, t.Options)
		return message{Report: &report}
	case taskMetadata:
		report := lint.ExamineMetadata(ctx, ext, t.Options)
		return message{Report: &report}
	case taskSizes:
		if !t.Uploaded {
			t.URLs = nil
		} else if t.URLs == nil {
			t.URLs = extension.URLs{}
		}
		report, err := weight.Of(ctx, ext, t.URLs, t.Size)
		if err != nil {
			return message{Error: err.Error()}
		}
		return message{Weight: report}
	case taskFootprint:
		found, err := footprint.Of(ctx, ext)
		if err != nil {
			return message{Error: err.Error()}
		}
		data, err := json.Marshal(found)
		if err != nil {
			return message{Error: err.Error()}
		}
		return message{Footprint: data}
	case taskImages:
		needed, err := images.Of(ctx, ext)
		m := message{Images: needed}
		if err != nil {
			m.Error = err.Error()
		}
		return m
	}
	return message{Error: "unknown task " + t.Kind}
}

// watch ends the process when it has more memory than it may, and says what has not
// been reported, until done is closed.
//
// The collector is asked to stay well below the limit. So what goes beyond it is in
// use, and not only waiting to be collected.
func (s *speaker) watch(limits lint.Limits, done <-chan struct{}) {
	if limits.Memory > 0 {
		debug.SetMemoryLimit(limits.Memory / 4 * 3)
		limitData(limits.Memory)
	} else {
		debug.SetMemoryLimit(math.MaxInt64)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
		}
		s.sayNow()
		if limits.Memory > 0 && inUse() > limits.Memory {
			os.Exit(exitMemory)
		}
	}
}

// inUse is how much memory this process has, in bytes.
func inUse() int64 {
	sample := [...]metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(sample[:])
	return int64(sample[0].Value.Uint64() - sample[1].Value.Uint64())
}
