package worker

import (
	"bufio"
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/footprint"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
	"github.com/ksrelease/ksrelease/internal/testutil/testshared"
	"github.com/ksrelease/ksrelease/internal/weight"
)

func TestMain(m *testing.M) {
	if Asked() {
		log.SetOutput(io.Discard)
		Serve(os.Stdin, os.Stdout)
	}
	os.Exit(m.Run())
}

// ample are limits that nothing here reaches.
var ample = lint.Limits{Time: 10 * time.Minute, Memory: 4 << 30}

// pool is a pool that ends with the test.
func pool(t testing.TB, size int) *Pool {
	p := New(size)
	t.Cleanup(p.Close)
	return p
}

// write makes an extension of some files.
func write(t testing.TB, files map[string]string) *extension.Extension {
	t.Helper()
	dir := t.TempDir()
	if files["extension.yaml"] == "" {
		files["extension.yaml"] = "apiVersion: kubesphere.io/v1alpha1\nname: a\nversion: 1.0.0\n"
	}
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	ext, err := extension.Load(dir, extension.Options{Display: "apps/a"})
	if err != nil {
		t.Fatal(err)
	}
	return ext
}

// limited is the finding of the rule limits in a report.
func limited(t *testing.T, report lint.Report) lint.Finding {
	t.Helper()
	for _, f := range report.Findings {
		if f.Rule() == lint.RuleLimits {
			return f
		}
	}
	t.Fatalf("no finding of limits in %v", report.Findings)
	return lint.Finding{}
}

const plainTemplate = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n"

// busy renders for some seconds where nobody ends it, and takes no memory: 8,000 times
// 8,000 steps.
const busy = "{{ $n := until 8000 }}{{ range $n }}{{ range $n }}{{ end }}{{ end }}" + plainTemplate

// large takes 88 MB, and then renders for as long as busy.
const large = `{{ $x := repeat 5500000 "0123456789abcdef" }}` + busy

// deep calls itself 900 times, which is fine with Helm: that stops at 1,000.
const deep = `{{ define "deep" }}{{ if gt . 0 }}{{ include "deep" (sub . 1) }}{{ end }}{{ end }}{{ include "deep" 900 }}` + plainTemplate

// A worker finds what is found in this process, in each example and real package.
func TestSameFindings(t *testing.T) {
	soak.Long(t)
	p := pool(t, 2)
	dirs, err := filepath.Glob("../../examples/*/extensions/*")
	if err != nil || len(dirs) == 0 {
		t.Fatal("no examples", err)
	}
	for _, dir := range dirs {
		sameFindings(t, p, dir)
	}
	// Pictures that .helmignore leaves out of the chart are uploaded all the same.
	sameFindingsOf(t, p, "a", write(t, map[string]string{
		"extension.yaml": "apiVersion: kubesphere.io/v1alpha1\nname: a\nversion: 1.0.0\ncategory: quantum # ksrelease:ignore category new in the marketplace\nicon: ./static/icon.svg\n",
		".helmignore":    "static/\n", "static/icon.svg": "<svg>" + strings.Repeat("x", 5000) + "</svg>", "templates/a.yaml": plainTemplate,
	}))
	t.Run("corpus", func(t *testing.T) {
		for _, archive := range testshared.Corpus(t) {
			sameFindings(t, p, archive)
		}
	})
}

func sameFindings(t *testing.T, p *Pool, path string) {
	ext, err := extension.Load(path, extension.Options{Display: filepath.Base(path)})
	if err != nil {
		t.Fatal(err)
	}
	sameFindingsOf(t, p, path, ext)
}

func sameFindingsOf(t *testing.T, p *Pool, path string, ext *extension.Extension) {
	opts := lint.Options{Severities: map[string]lint.Severity{"images": lint.Error}, Siblings: map[string][]string{"x": {"1.0.0"}}}
	here := lint.Examine(t.Context(), ext, opts)
	there, err := p.Examine(t.Context(), ext, opts, ample)
	if err != nil || !reflect.DeepEqual(here, there) {
		t.Errorf("%s: %v\nhere:  %+v\nthere: %+v", path, err, here, there)
	}
	here = lint.ExamineMetadata(t.Context(), ext, opts)
	if there, err = p.ExamineMetadata(t.Context(), ext, opts, ample); err != nil || !reflect.DeepEqual(here, there) {
		t.Errorf("%s: %v\nmetadata here:  %+v\nthere: %+v", path, err, here, there)
	}
	sizes, err := weight.Of(t.Context(), ext, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := p.Sizes(t.Context(), ext, nil, 0, ample); err != nil || !reflect.DeepEqual(sizes, again) {
		t.Errorf("%s: %v\nweight here:  %+v\nthere: %+v", path, err, sizes, again)
	}
	// With its pictures uploaded it has other files, also where it has none of them.
	urls := extension.URLs{}
	for _, a := range ext.Assets {
		urls[a.File] = "https://market.example/files/usr-1/a/1.0.0/" + a.RemoteName
	}
	if sizes, err = weight.Of(t.Context(), ext, urls, 0); err != nil {
		t.Fatal(err)
	}
	if again, err := p.Sizes(t.Context(), ext, urls, 0, ample); err != nil || !reflect.DeepEqual(sizes, again) {
		t.Errorf("%s: %v\nweight with uploaded pictures here:  %+v\nthere: %+v", path, err, sizes, again)
	}
}

// What is chosen and what is found arrives whole: a new field that gob does not take
// is noticed here.
func TestAllFieldsTravel(t *testing.T) {
	var opts lint.Options
	var report lint.Report
	var sizes weight.Report
	var progress lint.Progress
	for _, v := range []any{&opts, &report, &sizes, &progress} {
		fill(t, reflect.ValueOf(v).Elem(), 4)
		var wire bytes.Buffer
		again := reflect.New(reflect.TypeOf(v).Elem())
		if err := errors.Join(gob.NewEncoder(&wire).Encode(v), gob.NewDecoder(&wire).Decode(again.Interface())); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(v, again.Interface()) {
			t.Errorf("%T:\nsent    %+v\narrived %+v", v, reflect.ValueOf(v).Elem(), again.Elem())
		}
	}
}

// fill sets each field to something that is not its zero value.
func fill(t *testing.T, v reflect.Value, depth int) {
	if depth == 0 {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("text")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint8:
		v.SetUint(7)
	case reflect.Struct:
		for i := range v.NumField() {
			if !v.Type().Field(i).IsExported() {
				t.Errorf("%s.%s does not travel", v.Type(), v.Type().Field(i).Name)
				continue
			}
			fill(t, v.Field(i), depth)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(t, v.Index(0), depth-1)
		if depth == 1 {
			v.SetZero()
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(t, key, depth-1)
		fill(t, value, depth-1)
		v.SetMapIndex(key, value)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), depth-1)
	case reflect.Func: // gob leaves it out: what a worker calls is its own
	default:
		t.Errorf("a %s does not travel", v.Type())
	}
}

// A template that does not end is ended and named; what was found before stays, and
// the same pool goes on with the next extension.
func TestTimeLimit(t *testing.T) {
	p := pool(t, 1)
	timeIsUp := make(chan struct{})
	p.after = func(d time.Duration, end func()) *time.Timer {
		if d == 700*time.Millisecond {
			go func() { <-timeIsUp; end() }()
		}
		return time.NewTimer(time.Hour)
	}
	p.at = func(at lint.Progress) {
		if at.Template == "a/templates/loop.yaml" {
			close(timeIsUp)
		}
	}
	ext := write(t, map[string]string{
		"extension.yaml":      "apiVersion: kubesphere.io/v1alpha1\nname: a\nversion: 1.0.0\ncategory: quantum # ksrelease:ignore category new in the marketplace\n",
		"templates/good.yaml": plainTemplate, "templates/loop.yaml": busy,
	})
	report, err := p.Examine(t.Context(), ext, lint.Options{}, lint.Limits{Time: 700 * time.Millisecond, Memory: 2 << 30})
	if err != nil {
		t.Fatal(err)
	}
	f := limited(t, report)
	if f.File != "templates/loop.yaml" || f.Severity != lint.Error || f.Code != "limits/time" || f.Subject != "a/templates/loop.yaml" || !strings.Contains(f.Message, "longer than 700ms") || !strings.Contains(f.Hint, "lint.timeout") {
		t.Errorf("got: %+v", f)
	}
	if report.Ended == nil || report.Ended.By != lint.LimitTime {
		t.Errorf("ended by %+v", report.Ended)
	}
	if len(report.Findings) < 3 || report.Silenced != 1 {
		t.Errorf("what was found before is lost: %d silenced, %v", report.Silenced, report.Findings)
	}
	good := write(t, map[string]string{"templates/good.yaml": plainTemplate})
	here := lint.Examine(t.Context(), good, lint.Options{})
	if there, err := p.Examine(t.Context(), good, lint.Options{}, ample); err != nil || !reflect.DeepEqual(here, there) {
		t.Errorf("the next extension: %v\n%+v\n%+v", err, here, there)
	}
}

// A footprint is what is found in this process, and its limits hold, too.
func TestFootprint(t *testing.T) {
	p := pool(t, 1)
	good := write(t, map[string]string{"templates/good.yaml": plainTemplate, "values.yaml": "a: 1.5\nb: [x, null]\n"})
	here, err := footprint.Of(t.Context(), good)
	if err != nil {
		t.Fatal(err)
	}
	if there, err := p.Footprint(t.Context(), good, ample); err != nil || !reflect.DeepEqual(here, there) {
		t.Errorf("%v\n%+v\n%+v", err, here, there)
	}
	ext := write(t, map[string]string{"templates/large.yaml": large})
	_, err = p.Footprint(t.Context(), ext, lint.Limits{Time: time.Minute, Memory: 64 << 20})
	var ended *Ended
	if !errors.As(err, &ended) || ended.By != lint.LimitMemory {
		t.Errorf("%v", err)
	}
}

// A template with more memory than it may have.
func TestMemoryLimit(t *testing.T) {
	p := pool(t, 1)
	ext := write(t, map[string]string{"templates/large.yaml": large})
	report, err := p.Examine(t.Context(), ext, lint.Options{}, lint.Limits{Time: time.Minute, Memory: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if f := limited(t, report); report.Ended.By != lint.LimitMemory || f.File != "templates/large.yaml" ||
		!strings.Contains(f.Message, "more memory than 64 MiB") || !strings.Contains(f.Hint, "lint.memory") {
		t.Errorf("got: %+v, by %s", f, report.Ended.By)
	}
}

// A template that is deeper than the stack.
func TestStackLimit(t *testing.T) {
	p := pool(t, 1)
	ext := write(t, map[string]string{"templates/deep.yaml": deep})
	report, err := p.Examine(t.Context(), ext, lint.Options{}, ample)
	if err != nil || report.Ended != nil {
		t.Fatalf("with ample limits: %v, %+v", err, report.Ended)
	}
	_, err = p.do(t.Context(), task{Kind: taskExamine, Content: ext.Content(), Limits: ample, Stack: 1 << 20})
	var ended *Ended
	if !errors.As(err, &ended) || ended.By != lint.LimitStack || ended.Template != "a/templates/deep.yaml" {
		t.Fatalf("with a stack of 1 MiB: %v, %+v", err, ended)
	}
	f := limited(t, lint.Cut(ext, lint.Options{}, ended.Ended, ended.Before, ended.Silenced))
	if f.File != "templates/deep.yaml" || !strings.Contains(f.Message, "deeper than there is stack for") || !strings.Contains(f.Hint, "calls itself") {
		t.Errorf("got: %+v", f)
	}
}

// When the run ends, the look ends.
func TestContextEnds(t *testing.T) {
	p := pool(t, 1)
	ext := write(t, map[string]string{"templates/loop.yaml": busy})
	ctx, cancel := context.WithCancel(t.Context())
	p.at = func(at lint.Progress) {
		if at.Template == "a/templates/loop.yaml" {
			cancel()
		}
	}
	if _, err := p.Examine(ctx, ext, lint.Options{}, ample); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if len(p.workers) != 0 {
		t.Errorf("%d workers are left", len(p.workers))
	}
}

// Many at once: one worker is enough for them, and each answer is of its extension.
func TestManyAtOnce(t *testing.T) {
	if runtime.GOMAXPROCS(0) < 2 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	}
	p := pool(t, 2)
	p.Warm(1)
	template := func(i int) string { return fmt.Sprintf("templates/bad-%d.yaml", i) }
	var group sync.WaitGroup
	for i := range 12 {
		ext := write(t, map[string]string{
			"extension.yaml": fmt.Sprintf("apiVersion: kubesphere.io/v1alpha1\nname: e%d\nversion: 1.0.0\n", i),
			template(i):      "{{ .Values.none.x }}",
		})
		ext.Path = fmt.Sprintf("apps/e%d", i)
		group.Go(func() {
			report, err := p.Examine(t.Context(), ext, lint.Options{}, ample)
			broken := slices.DeleteFunc(report.Findings, func(f lint.Finding) bool { return f.Code != "render/broken-template" })
			if err != nil || len(broken) != 1 || broken[0].File != template(i) {
				t.Errorf("%d: %v, %+v", i, err, broken)
			}
		})
	}
	group.Wait()
	if n := len(p.workers); n != 1 {
		t.Errorf("%d workers are left", n)
	}
}

// A worker has nothing of the environment, and no file but its three streams and the page of
// memory that is its note.
func TestWorkerHasNothing(t *testing.T) {
	t.Setenv("KSRELEASE_TOKEN", "kck-secret")
	p := pool(t, 1)
	if _, err := p.Examine(t.Context(), write(t, map[string]string{"templates/a.yaml": plainTemplate}), lint.Options{}, ample); err != nil {
		t.Fatal(err)
	}
	for _, w := range p.workers {
		if got := w.cmd.Env; len(got) != 1 || got[0] != "GOTRACEBACK=none" {
			t.Errorf("it has the environment %q", got)
		}
		for _, file := range w.cmd.ExtraFiles {
			if w.notes == nil || file != w.notes.file {
				t.Errorf("it has the file %s, too", file.Name())
			}
		}
		if w.cmd.Dir != string(filepath.Separator) {
			t.Errorf("it is in the folder %q", w.cmd.Dir)
		}
		// It writes no files, and takes no more memory at once than it may.
		limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", w.cmd.Process.Pid))
		if err != nil {
			continue // this system does not tell
		}
		for name, want := range map[string]string{"Max file size": "0", "Max core file size": "0", "Max data size": fmt.Sprint(ample.Memory + 1<<30)} {
			_, rest, _ := strings.Cut(string(limits), "\n"+name+" ")
			if fields := strings.Fields(rest); len(fields) == 0 || fields[0] != want {
				t.Errorf("%s is not %s:\n%s", name, want, limits)
			}
		}
	}
}

// What interrupts the program is for the program: its workers go on. Who kills one by
// force is taken for the system that has no memory left.
func TestSignalsToWorkers(t *testing.T) {
	p := pool(t, 1)
	ext := write(t, map[string]string{"templates/a.yaml": plainTemplate, "templates/loop.yaml": busy})
	var send []os.Signal
	p.at = func(at lint.Progress) {
		if at.Template != "a/templates/loop.yaml" {
			return
		}
		for _, w := range p.workers {
			for _, s := range send {
				if err := w.cmd.Process.Signal(s); err != nil {
					t.Error(err)
				}
			}
		}
	}
	for _, test := range []struct {
		send []os.Signal
		by   lint.Limit
	}{
		{[]os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, os.Kill}, lint.LimitMemory},
		{[]os.Signal{syscall.SIGABRT}, lint.LimitFault},
	} {
		send = test.send
		report, err := p.Examine(t.Context(), ext, lint.Options{}, ample)
		if err != nil || report.Ended == nil || report.Ended.By != test.by {
			t.Errorf("%v: %v, %+v", test.send, err, report.Ended)
		}
	}
	// One that is idle stays, too.
	send = nil
	good := write(t, map[string]string{"templates/a.yaml": plainTemplate})
	pids := map[int]bool{}
	for range 2 {
		if report, err := p.Examine(t.Context(), good, lint.Options{}, ample); err != nil || report.Ended != nil {
			t.Errorf("%v, %+v", err, report.Ended)
		}
		for _, w := range p.workers {
			pids[w.cmd.Process.Pid] = true
			for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
				if err := w.cmd.Process.Signal(s); err != nil {
					t.Error(err)
				}
			}
		}
	}
	if len(pids) != 1 {
		t.Errorf("workers %v", pids)
	}
}

// A worker whose program is gone ends, whatever it is at.
func TestWorkerEndsWithItsProgram(t *testing.T) {
	p := pool(t, 1)
	p.at = func(at lint.Progress) {
		if at.Template == "a/templates/loop.yaml" {
			for _, w := range p.workers {
				_ = w.in.Close()
			}
		}
	}
	ext := write(t, map[string]string{"templates/loop.yaml": busy})
	if report, err := p.Examine(t.Context(), ext, lint.Options{}, ample); err != nil || report.Ended == nil || report.Ended.By != lint.LimitFault {
		t.Errorf("%v, %+v", err, report.Ended)
	}
}

// What is not said at once, as each template is rendered many times, is said by the eye
// on the memory.
func TestWhatWasNotSaidAtOnce(t *testing.T) {
	var wire bytes.Buffer
	s := &speaker{voice: &voice{out: gob.NewEncoder(&wire)}, seen: map[string]bool{}}
	for _, p := range []lint.Progress{{Template: "a"}, {Template: "b"}, {Rule: "r", Template: "a"}} {
		s.progress(p)
	}
	s.sayNow()
	s.sayNow()
	var said []lint.Progress
	for in := gob.NewDecoder(&wire); ; {
		var m message
		if err := in.Decode(&m); err != nil {
			break
		}
		said = append(said, *m.Progress)
	}
	want := []lint.Progress{{Template: "a"}, {Template: "b"}, {Rule: "r", Template: "a"}}
	if !reflect.DeepEqual(said, want) {
		t.Errorf("%+v", said)
	}
}

// What the parts of a pool promise by themselves.
func TestParts(t *testing.T) {
	if got := stack(lint.Limits{}); got != 1_000_000_000 {
		t.Errorf("without a limit the stack is %d", got)
	}
	if got := stack(lint.Limits{Memory: 64 << 20}); got != 16<<20 {
		t.Errorf("with 64 MiB the stack is %d", got)
	}
	if !(&Ended{}).LimitReached() {
		t.Error("no limit is reached")
	}
	var words lastWords
	for range 3 {
		if n, err := words.Write(bytes.Repeat([]byte("x"), 3000)); n != 3000 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	if n := len(words.String()); n != 4<<10 {
		t.Errorf("%d bytes of its last words are kept", n)
	}
	p := pool(t, 1)
	if _, err := p.do(t.Context(), task{Kind: "other", Content: write(t, map[string]string{}).Content(), Limits: ample, Stack: 1 << 20}); err == nil || err.Error() != "unknown task other" {
		t.Errorf("an unknown task: %v", err)
	}
	// Who waits for a worker waits no longer than the run.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p.working++
	j := &job{given: make(chan struct{})}
	if err := p.take(ctx, j); !errors.Is(err, context.Canceled) || len(p.waiting) > 0 {
		t.Errorf("%v, and %d wait", err, len(p.waiting))
	}
	p.working--
}

// A worker that is gone before it begins is replaced: a signal to all processes of a
// terminal ends one that is only just started.
func TestWorkerGoneBefore(t *testing.T) {
	p := pool(t, 1)
	ext := write(t, map[string]string{"templates/a.yaml": plainTemplate})
	if _, err := p.Examine(t.Context(), ext, lint.Options{}, ample); err != nil {
		t.Fatal(err)
	}
	for _, w := range p.workers {
		w.kill()
		<-w.gone
	}
	if report, err := p.Examine(t.Context(), ext, lint.Options{}, ample); err != nil || report.Ended != nil {
		t.Errorf("%v, %+v", err, report.Ended)
	}
}

// What ends a worker otherwise is a finding, too, and says what was at work.
func TestWorkerBreaksDown(t *testing.T) {
	p := pool(t, 1)
	p.at = func(at lint.Progress) {
		if at.Template != "" {
			for _, w := range p.workers {
				_ = w.cmd.Process.Signal(os.Interrupt) // is for the program alone
				_ = w.cmd.Process.Signal(syscall.SIGABRT)
			}
		}
	}
	report, err := p.Examine(t.Context(), write(t, map[string]string{"templates/loop.yaml": busy}), lint.Options{}, ample)
	if err != nil {
		t.Fatal(err)
	}
	if f := limited(t, report); report.Ended.By != lint.LimitFault || !strings.Contains(f.Hint, "lint.rules.rights to off") || strings.Contains(f.Message+f.Hint, "goroutine") {
		t.Errorf("got: %+v, by %s", f, report.Ended.By)
	}
}

// After the end of the pool nothing is started.
func TestClosed(t *testing.T) {
	p := pool(t, 1)
	if _, err := p.Examine(t.Context(), write(t, map[string]string{"x": "y"}), lint.Options{}, ample); err != nil {
		t.Fatal(err)
	}
	alive := slices.Clone(p.workers)
	p.Close()
	p.Close()
	for _, w := range alive {
		select {
		case <-w.gone:
		default:
			t.Error("a worker is left")
		}
	}
	if _, err := p.start(); !errors.Is(err, errOver) {
		t.Errorf("a closed pool starts a worker: %v", err)
	}
	if _, err := p.Examine(t.Context(), write(t, map[string]string{"x": "y"}), lint.Options{}, ample); err == nil {
		t.Error("a closed pool works")
	}
}

// What a worker costs against looking at the same extensions in this process: its
// start (cold), and handing over the extension and the findings (warm).
func BenchmarkExamine(b *testing.B) {
	dirs, err := filepath.Glob("../../examples/*/extensions/*")
	if err != nil || len(dirs) == 0 {
		b.Fatal("no examples", err)
	}
	if archives, err := filepath.Glob("../../../shared/corpus/*.tgz"); err == nil {
		dirs = append(dirs, archives...)
	}
	var all []*extension.Extension
	for _, dir := range dirs {
		ext, err := extension.Load(dir, extension.Options{Display: filepath.Base(dir)})
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, ext)
	}
	examine := func(b *testing.B, p *Pool) {
		for _, ext := range all {
			if _, err := p.Examine(b.Context(), ext, lint.Options{}, ample); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("in-process", func(b *testing.B) {
		for b.Loop() {
			for _, ext := range all {
				lint.Examine(b.Context(), ext, lint.Options{})
			}
		}
	})
	b.Run("warm", func(b *testing.B) {
		p := pool(b, 1)
		examine(b, p)
		for b.Loop() {
			examine(b, p)
		}
	})
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			p := New(1)
			examine(b, p)
			p.Close()
		}
	})
}

// handed is what arrives of a task.
func handed(t testing.TB, given task) task {
	t.Helper()
	var wire bytes.Buffer
	out := bufio.NewWriter(&wire)
	if err := send(out, gob.NewEncoder(out), given); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReaderSize(&wire, 64<<10)
	got, err := receive(in, gob.NewDecoder(in))
	if err != nil || in.Buffered() > 0 {
		t.Fatal(err, in.Buffered())
	}
	return got
}

// An extension arrives as it was: files with nothing in them, those outside, and what is next to them.
func TestHandedOver(t *testing.T) {
	content := extension.Content{Display: "a",
		Files:   []extension.File{{Name: "a", Data: []byte("text")}, {Name: "empty"}, {Name: "large", Data: bytes.Repeat([]byte("x"), 200<<10)}},
		Outside: []extension.File{{Name: "icon", Data: []byte("picture")}, {Name: "none"}},
	}
	got := handed(t, task{Kind: taskExamine, Content: content})
	if !reflect.DeepEqual(got.Content, content) {
		t.Errorf("%+v", got.Content)
	}
	for _, f := range got.Content.Files {
		if cap(f.Data) != len(f.Data) {
			t.Errorf("what is added to %s overwrites the next file", f.Name)
		}
	}
	if given := handed(t, task{Kind: taskExamine}); len(given.Content.Files) > 0 {
		t.Errorf("%+v", given)
	}
	in := bufio.NewReader(strings.NewReader("torn"))
	if _, err := receive(in, gob.NewDecoder(in)); err == nil {
		t.Error("what is torn is taken")
	}
}

// BenchmarkHandOver is an extension of 2 MB, in 200 files, on its way through a pipe.
func BenchmarkHandOver(b *testing.B) {
	var content extension.Content
	for i := range 200 {
		content.Files = append(content.Files, extension.File{Name: fmt.Sprint("templates/", i), Data: bytes.Repeat([]byte("x"), 10<<10)})
	}
	read, write, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	out, in := bufio.NewWriterSize(write, 64<<10), bufio.NewReaderSize(read, 64<<10)
	encoder, decoder := gob.NewEncoder(out), gob.NewDecoder(in)
	b.SetBytes(200 * 10 << 10)
	for b.Loop() {
		sent := make(chan error)
		go func() { sent <- send(out, encoder, task{Kind: taskExamine, Content: content}) }()
		_, err := receive(in, decoder)
		if err := errors.Join(err, <-sent); err != nil {
			b.Fatal(err)
		}
	}
}

// Memory is set aside for a few extensions that are looked at, and not while very many are read.
func TestWarmSetsMemoryAsideForFew(t *testing.T) {
	for among, want := range map[int]bool{1: true, few: true, few + 1: false, 10_000: false} {
		p := pool(t, 1)
		aside := 0
		p.setAside = func() { aside++ }
		p.Warm(among)
		p.Warm(1)
		if (aside == 1) != want || len(p.workers) != 1 {
			t.Errorf("among %d: set aside %d times, for %d workers", among, aside, len(p.workers))
		}
		p.Close()
	}
}
