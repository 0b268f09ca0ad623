//go:build !unix

package regularfile

const atOnce = 0
