package app

import (
	"runtime/debug"
	"strings"

	"github.com/ksrelease/ksrelease/internal/report"
	"github.com/ksrelease/ksrelease/internal/results"
)

// projectURL is where ksrelease lives; servers see it in the User-Agent.
const projectURL = "https://github.com/ksrelease/ksrelease"

// LinkedVersion is the version that the linker has set in package main; "" where it has set none.
var LinkedVersion string

// Version is that of the module, as Go puts it into the program: by go install, and by go build in
// a checkout (the tag, or what stands for the commit). One that was linked in comes before it.
func Version() string {
	if LinkedVersion != "" {
		return strings.TrimPrefix(LinkedVersion, "v")
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return strings.TrimPrefix(info.Main.Version, "v")
	}
	return "devel"
}

// UserAgent is what servers see of the program.
func UserAgent() string { return "ksrelease/" + Version() + " (+" + projectURL + ")" }

// MadeBy is what result documents say they were made by.
func MadeBy() results.Tool { return results.Tool{Name: "ksrelease", Version: Version()} }

// Tool is what other reports say they were made by.
func Tool() report.Tool { return report.Tool{Version: Version(), URL: projectURL} }
