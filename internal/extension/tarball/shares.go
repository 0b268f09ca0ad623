package tarball

import (
	"cmp"
	"slices"

	"github.com/ksrelease/ksrelease/internal/extension/unpack"
)

// Size is the size in bytes of a package of these files, which are sorted
// by name, below the folder top: that of Pack for those of PackedFiles. It says
// what a change would bring, without making it.
func Size(top string, files []unpack.File) (int64, error) {
	packed, err := Make(top, files)
	return int64(len(packed)), err
}

// Shares says for each of the files how many bytes of the package it accounts
// for; all together they are Size.
//
// In one stream of gzip no byte belongs to one file alone, so this is an
// attribution: the growth of the stream from file to file, its header in the tar
// included, when the block of the compressor is ended after each. What a file has
// in common with one before it counts for the earlier one, as long as the
// compressor sees both (32 KiB). Ending the blocks costs about the same for each
// file whatever its size, so what the stream is too large by is taken off in equal
// parts; in the rare case that it is too small, what is missing is added in
// proportion. (Packing again without the file, for each, would show what leaving it out
// saves; those numbers have no sum, and take a hundred times as long.)
func Shares(top string, files []unpack.File) ([]int64, error) {
	packed, level, err := leveledTarball(top, files)
	if err != nil {
		return nil, err
	}
	_, grown, err := measuredTarball(level, top, files, func(unpack.File) bool { return true })
	if err != nil {
		return nil, err
	}
	shares := make([]int64, len(files))
	before, excess := 0, int64(-len(packed))
	for i, at := range grown {
		shares[i] = int64(at - before)
		excess += shares[i]
		before = at
	}
	if excess > 0 {
		takeOff(shares, excess)
	} else {
		stretch(shares, int64(before), int64(len(packed)))
	}
	return shares, nil
}

// stretch multiplies shares so that their sum is not sum but wanted.
func stretch(shares []int64, sum, wanted int64) {
	var at, stretched int64
	for i, share := range shares {
		at += share
		shares[i] = at*wanted/sum - stretched
		stretched += shares[i]
	}
}

// takeOff lowers the shares by excess in all, each by the same, but none below 1.
func takeOff(shares []int64, excess int64) {
	smallestFirst := make([]int, len(shares))
	for i := range smallestFirst {
		smallestFirst[i] = i
	}
	slices.SortStableFunc(smallestFirst, func(a, b int) int { return cmp.Compare(shares[a], shares[b]) })
	for n, i := range smallestFirst {
		part := min(excess/int64(len(shares)-n), shares[i]-1)
		shares[i] -= part
		excess -= part
	}
}
