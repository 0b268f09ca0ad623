// Package workloads has the rules of lint on what a chart runs: its images, and the global values that
// they obey.
package workloads
