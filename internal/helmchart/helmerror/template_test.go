package helmerror

import (
	"errors"
	"strings"
	"testing"
)

// FuzzOfTemplate: whatever Helm says, there is a cause in one piece.
func FuzzOfTemplate(f *testing.F) {
	f.Add(`template: a/b.yaml:1:2: executing "a/b.yaml" at <include "x" .>: error calling include: template: a/_h.tpl:3:4: executing "x" at <.a.b>: nil pointer evaluating interface {}.b`)
	f.Add(`execution error at (a/b.yaml:1:2): set it`)
	f.Add(`parse error at (a/b.yaml:1): function "x" not defined`)
	f.Add(`rendering template failed: boom`)
	isFile := func(name string) bool { return name == "a/b.yaml" || name == "a/_h.tpl" }
	f.Fuzz(func(t *testing.T, message string) {
		fault := OfTemplate(errors.New(message), isFile)
		if fault.At.Line < 0 || strings.Contains(fault.Cause, "\n") {
			t.Errorf("%q is explained as %+v", message, fault)
		}
	})
}
