package main

import (
	"context"
)

// row is one of docs/performance.md.
type row struct {
	name    string
	title   string
	measure func(context.Context, *lab) ([]series, []claim, error)
}

// rows are all, in the order in which they are measured: those whose peers take minutes come last.
var rows = []row{
	{"start", "version, help, and the size of the binary", measureStart},
	{"sizes", "sizes of the packages", measureSizes},
	{"cold", "a dry run with an empty cache", measureCold},
	{"warm", "the same dry run again", measureWarm},
	{"changed", "a dry run after one extension changed", measureChanged},
	{"near", "a release of ten extensions to a server on this machine", measureNear},
	{"far", "the same to a server 50 ms away", measureFar},
	{"index", "one extension that exists, in an index of 30,000 versions", measureIndex},
	{"exists", "1,000 extensions that exist, first run", measureExists},
	{"again", "1,000 extensions that exist, repeated", measureAgain},
	{"many", "1,000, 3,000 and 10,000 extensions, one in ten new", measureMany},
	{"registry", "100 packages to a registry 50 ms away", measureRegistry},
}
