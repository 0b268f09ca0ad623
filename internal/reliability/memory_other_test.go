//go:build !linux

package reliability

import "os"

// peakMemory is not measured here: other systems count it in other ways.
func peakMemory(*os.ProcessState) int64 { return 0 }

// forgetPeak has nothing to forget.
func forgetPeak() {}
