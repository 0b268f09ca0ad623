//go:build !unix

package config

import "io/fs"

// ownerOf knows of no owners here: folders above a user's are not writable for others.
func ownerOf(fs.FileInfo) (owner string, others bool) { return "", false }
