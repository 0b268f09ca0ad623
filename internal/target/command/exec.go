package command

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ksrelease/ksrelease/internal/childprocess"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/helmrepo"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// The exit codes of a command that mean something. They are those of sysexits.h.
const (
	exitUnknown   = 64 // the action is not known
	exitExists    = 65 // of publish: the version is there with other content, and was left as it is
	exitLater     = 75 // nothing was done, and it may be tried again later
	exitForbidden = 77 // it was refused, for want of the right key or password
)

// answerLimit is how much a command, or a service, may answer, in bytes. A package in base64
// is a third larger than its file.
const answerLimit = helmrepo.PackageLimit*4/3 + 1<<20

// ExecOptions are those of a command.
type ExecOptions struct {
	Name    string        // of the target
	Run     string        // for a shell
	Dir     string        // absolute: where it runs, the folder of the config
	Timeout time.Duration // of one request
	// Environment is that of the program, NAME=value, and Env what of it the command gets although
	// it looks like a secret, and what it gets besides; as with hooks.
	Environment, Env []string
	// Redact takes secrets out of what it prints; nil leaves it as it is.
	Redact func(string) string
	// Secret gets each secret that it is given because Env names it; may be nil.
	Secret func(value string)
	// Temporary is the folder for packages that it reads and writes; empty is that of the system.
	Temporary string
	// Transport downloads pictures that packages name by their addresses.
	Transport *transport.Client
	// Idle says why the command is not run at all: whoever only reads, such as a dry run, runs
	// nothing that a repository configures. What it has is not known then. Empty runs it.
	Idle string
}

// NewExec makes a target of a command. Close ends what runs of it.
func NewExec(o ExecOptions) (t *Target, close func()) {
	if o.Redact == nil {
		o.Redact = func(s string) string { return s }
	}
	if o.Secret == nil {
		o.Secret = func(string) {}
	}
	c := &command{ExecOptions: o, who: fmt.Sprintf("the command of target %s", o.Name)}
	t = newTarget(o.Name, c.who, c, o.Transport)
	if t.idle = o.Idle; t.idle != "" {
		t.by = idle{}
	}
	return t, c.processes.Kill
}

// idle is a command that is not run: it knows no action.
type idle struct{}

func (idle) send(context.Context, request) (answer, error) { return answer{}, errUnknown }

// command is a carrier that runs a command for each request.
type command struct {
	ExecOptions
	who       string
	processes childprocess.Processes
}

var errTimeout = errors.New("its time is up")

func (c *command) send(ctx context.Context, q request) (answer, error) {
	folder, err := os.MkdirTemp(c.Temporary, "ksrelease-target-")
	if err != nil {
		return answer{}, fmt.Errorf("making a folder for the package: %w", failure.WithoutPath(err))
	}
	defer os.RemoveAll(folder)
	if q.Filename != "" {
		if filepath.Base(q.Filename) != q.Filename { // the name or version of an answer, which leads elsewhere
			return answer{}, fmt.Errorf("%s: %s: %q is no name of a file", c.who, q.what(), q.Filename)
		}
		q.File = filepath.Join(folder, q.Filename)
	}
	if q.Action == actionPublish {
		for ending, data := range map[string][]byte{"": q.Package, extension.ProvenanceEnding: []byte(q.Provenance), extension.SignatureEnding: []byte(q.Signature)} {
			if ending != "" && len(data) == 0 {
				continue
			}
			if err := os.WriteFile(q.File+ending, data, 0o600); err != nil {
				return answer{}, fmt.Errorf("writing the package for the command: %w", failure.WithoutPath(err))
			}
		}
	}
	q.Package, q.Provenance, q.Signature = nil, "", "" // they are in files
	out, withheld, err := c.run(ctx, q)
	if err != nil {
		return answer{}, c.explain(ctx, q, out, withheld, err)
	}
	if q.Action == actionFetch {
		return c.fetched(q)
	}
	// Its exit code is an answer to publish, where it says nothing besides.
	if q.Action == actionPublish && len(bytes.TrimSpace(out.answer.Bytes())) == 0 {
		return answer{Status: statusActive}, nil
	}
	if out.over {
		err = fmt.Errorf("its answer has more than %d bytes", answerLimit)
	}
	a, wrong := parse(q, out.answer.Bytes())
	if err = cmp.Or(err, wrong); err != nil {
		return answer{}, c.failed(q, out, &failedError{
			text: err.Error(), doubt: q.Action == actionPublish,
			hint: "its standard output is its answer, one JSON object, and nothing else: let it write all else to standard error (>&2)",
		})
	}
	return a, nil
}

// output is what a command has written.
type output struct {
	answer      bytes.Buffer
	over        bool // it wrote more
	diagnostics childprocess.Tail
}

func (o *output) Write(data []byte) (int, error) {
	if o.answer.Len()+len(data) > answerLimit {
		o.over = true
		return len(data), nil
	}
	return o.answer.Write(data)
}

var _ io.Writer = (*output)(nil)

// run runs the command for a request. withheld are the names of secrets that it did not get.
func (c *command) run(ctx context.Context, q request) (out *output, withheld []string, err error) {
	out = &output{}
	env, withheld, err := childprocess.Environment(c.Environment, c.Env, variables(q, c.Dir), c.Secret)
	if err != nil {
		return out, nil, &childprocess.StartError{Err: err}
	}
	input, err := json.Marshal(q)
	if err != nil {
		return out, nil, &childprocess.StartError{Err: err}
	}
	timed, cancel := context.WithTimeoutCause(ctx, c.Timeout, errTimeout)
	defer cancel()
	err = c.processes.Run(timed, childprocess.Command{Line: c.Run, Dir: c.Dir, Env: env, Input: input, Output: out, Diagnostics: &out.diagnostics})
	return out, withheld, err
}

// variables are what a command finds in its environment, besides that of the program.
func variables(q request, dir string) map[string]string {
	return map[string]string{
		"KSRELEASE_TARGET": q.Target, "KSRELEASE_TARGET_ACTION": string(q.Action),
		"KSRELEASE_NAME": q.Name, "KSRELEASE_VERSION": q.Version, "KSRELEASE_PACKAGE": q.File,
		"KSRELEASE_DIGEST": q.Digest, "KSRELEASE_CONTENT_DIGEST": q.ContentDigest,
		"KSRELEASE_ROOT": dir, "PWD": dir,
	}
}

// fetched reads the package that a command has written.
func (c *command) fetched(q request) (answer, error) {
	info, err := os.Lstat(q.File)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return answer{}, fmt.Errorf("%s: %s: it wrote no file $KSRELEASE_PACKAGE", c.who, q.what())
	case err != nil:
		return answer{}, fmt.Errorf("%s: %s: %w", c.who, q.what(), failure.WithoutPath(err))
	case !info.Mode().IsRegular():
		return answer{}, fmt.Errorf("%s: %s: what it wrote as $KSRELEASE_PACKAGE is no file", c.who, q.what())
	case info.Size() > helmrepo.PackageLimit:
		return answer{}, fmt.Errorf("%s: %s: the package has %d bytes, more than %d", c.who, q.what(), info.Size(), helmrepo.PackageLimit)
	}
	data, err := os.ReadFile(q.File)
	if err != nil {
		return answer{}, fmt.Errorf("%s: %s: %w", c.who, q.what(), failure.WithoutPath(err))
	}
	return answer{Package: data}, nil
}

// explain says what it means that a command has failed. Nothing is assumed of one that was
// ended, or has failed in its own way: it may have done all that it was asked.
func (c *command) explain(ctx context.Context, q request, out *output, withheld []string, err error) error {
	var start *childprocess.StartError
	var exit *childprocess.ExitError
	if errors.As(err, &start) {
		return &failedError{text: c.who + ": " + q.what() + ": it was not run: " + start.Err.Error(), hint: failure.Hint(start.Err), cause: start.Err}
	}
	if errors.As(err, &exit) {
		switch exit.Code {
		case exitUnknown:
			return errUnknown
		case exitExists:
			if q.Action == actionPublish {
				return errExists
			}
		case exitLater:
			return c.failed(q, out, &failedError{text: exit.Error() + ": try again later", later: true})
		case exitForbidden:
			return c.failed(q, out, &failedError{text: exit.Error() + ": it was refused", unauthorized: true, hint: c.onSecrets(withheld)})
		}
		return c.failed(q, out, &failedError{text: exit.Error(), doubt: q.Action == actionPublish, hint: c.onSecrets(withheld)})
	}
	text := "it was ended: " + err.Error()
	if ctx.Err() == nil && errors.Is(err, errTimeout) {
		text = fmt.Sprintf("it took longer than %s, and was ended", c.Timeout)
	}
	return c.failed(q, out, &failedError{text: text, doubt: q.Action == actionPublish, cause: err})
}

// failed puts a failure into words, with the last lines of its diagnostics.
func (c *command) failed(q request, out *output, why *failedError) error {
	why.text = c.who + ": " + q.what() + ": " + c.Redact(why.text)
	if said := out.diagnostics.LastLines(c.Redact); said != "" {
		why.text += "; the last it printed:\n" + said
	}
	return why
}

// onSecrets is the hint where a command may lack a variable that was kept from it.
func (c *command) onSecrets(withheld []string) string {
	withheld = slices.DeleteFunc(slices.Clone(withheld), func(name string) bool { return strings.HasPrefix(name, "KSRELEASE_") })
	if len(withheld) == 0 {
		return ""
	}
	return "if it needs one of the variables that look like secrets, name it in its env: " + strings.Join(withheld, ", ")
}

// firstLine is a text up to its first line break.
func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
