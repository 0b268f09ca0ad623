// Package archtest holds the import directions of the project: the table of
// units in imports_test.go says who may import whom, and its test reads the
// imports of every Go file and compares.
//
// Directions are a promise that no compiler keeps. Written only in a document
// they are broken by the first hurried change, and a pipeline that knows a
// terminal, or a marketplace client that knows the pipeline, can no longer be
// tested or replaced on its own.
//
// Nothing but that test belongs here; no package imports this one.
package archtest
