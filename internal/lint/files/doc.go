// Package files has the rules of lint on which files a package has, and in which form.
package files
