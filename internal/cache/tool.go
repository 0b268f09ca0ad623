package cache

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
)

// ToolID is what tells this build of the program apart from others. A released version (such as
// 1.2.3) is enough for that, with the Go that built it, whose libraries pack and print, and the system,
// whose files have modes or not. Any other build is known by its executable: two that are made of one
// commit may differ in what was not committed. To read all of it would take longer than the start of the program.
func ToolID(version string) string {
	parts := []string{version, runtime.Version(), runtime.GOOS, runtime.GOARCH}
	if released(version) {
		return strings.Join(parts, " ")
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" || s.Key == "vcs.modified" {
				parts = append(parts, s.Value)
			}
		}
	}
	if path, err := os.Executable(); err == nil {
		if info, err := os.Stat(path); err == nil {
			parts = append(parts, strconv.FormatInt(info.Size(), 10), strconv.FormatInt(info.ModTime().UnixNano(), 10))
		}
	}
	return strings.Join(parts, " ")
}

// released reports whether a version is that of a release: numbers alone. What Go or git make up for
// another commit has more in it (1.2.3-0.20260102030405-abcdef, 1.2.3-4-gabcdef, 1.2.3+dirty).
func released(version string) bool {
	numbers := strings.Split(strings.TrimPrefix(version, "v"), ".")
	for _, n := range numbers {
		if n == "" || strings.Trim(n, "0123456789") != "" {
			return false
		}
	}
	return len(numbers) == 3
}
