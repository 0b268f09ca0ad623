// Package fileowner says whose a file is, where the system knows owners.
package fileowner
