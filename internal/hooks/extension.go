package hooks

import (
	"path/filepath"
	"strings"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/results"
)

// Extension is one that hooks are run for. It belongs to one goroutine.
type Extension struct {
	Path     string // absolute: of its folder or package
	Settings config.Settings
	Result   *results.Extension // what is known of it; its hooks are added to it
	Observe  func(results.Hook) // gets each hook as it begins and as it ends, after the result
}

// folder is where its hooks run: its own, or that of the package.
func (x Extension) folder() string {
	if strings.HasSuffix(x.Path, ".tgz") {
		return filepath.Dir(x.Path)
	}
	return x.Path
}

// variables are what its hooks get besides those of all.
func (x Extension) variables() map[string]string {
	return map[string]string{
		"KSRELEASE_NAME": x.Result.Name, "KSRELEASE_VERSION": x.Result.Version,
		"KSRELEASE_PATH": x.Path, "KSRELEASE_OUTPUT": x.Settings.Package.Output,
	}
}

// keep adds to the result what becomes of a hook, and passes it on.
func (x Extension) keep(h results.Hook) {
	if all := x.Result.Hooks; h.Status != results.StageStarted {
		all[len(all)-1] = h
	} else {
		x.Result.Hooks = append(all, h)
	}
	x.Observe(h)
}

// Event is a hook that begins, or has ended, as an event of a run.
func Event(h results.Hook) results.Event {
	e := results.Event{Kind: results.EventHookStarted, Stage: h.Stage, Status: h.Status, Message: h.Run}
	if h.Status != results.StageStarted {
		e.Kind, e.Milliseconds = results.EventHookFinished, h.Milliseconds
	}
	return e
}
