// Package texts has the rules of lint on what users read: names and descriptions in their
// languages, README and CHANGELOG.
package texts
