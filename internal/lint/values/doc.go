// Package values has the rules of lint on the values of charts: their schemas, and those under ci/.
package values
