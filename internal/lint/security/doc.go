// Package security has the rules of lint on what an extension may do in a cluster, and on what it must
// not give away.
package security
