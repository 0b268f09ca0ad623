// Package generate makes monorepos of extensions, and indexes of Helm repositories, of any size
// and by a seed: the same seed gives the same bytes on every machine.
//
// The extensions look like real ones: sizes are spread as widely as those of public extensions,
// most bytes are YAML (API definitions, templates, values), and a tree has subcharts, texts in two
// languages and pictures. They pass lint without a finding. An index is written as Helm writes it,
// and knows the versions of the monorepo that it is made for.
//
// It is for the bench and for tests: nothing that ships may import it.
package generate
