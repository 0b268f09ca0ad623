//go:build !unix

package cache

const atOnce = 0
