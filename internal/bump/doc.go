// Package bump gives an extension its next version: it finds that version, and changes what
// names the old one (extension.yaml, the subcharts that follow it, Chart.lock, the constraints
// of other extensions) and the CHANGELOG in every language. All else of the files stays as it
// is, to the byte.
//
// It asks nobody: which commits there were since the last version is for others to say.
package bump
