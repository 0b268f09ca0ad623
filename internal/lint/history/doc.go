// Package history has the rules that hold an extension against what it was before.
package history
