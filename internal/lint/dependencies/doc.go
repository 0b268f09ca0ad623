// Package dependencies has the rules of lint on the charts and extensions that an extension depends
// on, and on where KubeSphere installs them.
package dependencies
