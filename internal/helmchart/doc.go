// Package helmchart loads the chart of an extension as Helm does and renders it as
// KubeSphere installs it.
//
// Load gives a Chart: the tree of charts as it is read, the tree that Helm makes of it
// (aliases, conditions and tags applied), and where each chart stands in the extension.
// Chart.Render renders it for each kind of cluster that it is installed on. What comes
// back is a Rendering: the texts, the objects and workloads in them, the templates that
// do not render, and the place in a file for each of these. Package
// helmerror takes Helm's errors apart, into file, line, cause and hint.
//
// There is no rule in it: what is right or wrong is for internal/lint to say.
//
// Helm's packages write warnings about odd values to the standard logger of package
// log; a program that uses this package should send that logger where it wants them.
package helmchart
