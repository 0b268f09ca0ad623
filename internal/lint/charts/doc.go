// Package charts has the rules of lint on the chart: Helm loads it, renders it, and takes what it
// renders.
package charts
