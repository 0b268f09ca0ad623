//go:build !unix

package output

import "os"

// inBackground is false where shells have no jobs.
func inBackground(*os.File) bool { return false }
