package tarball

import (
	"cmp"
	"slices"

	"github.com/ksrelease/ksrelease/internal/extension/unpack"
)

// Size is the size in bytes of a package of these files, which are sorted by name, below the
// folder top: that of Make, with this limit. It says what a change would bring, without making it.
func Size(top string, files []unpack.File, limit int64) (int64, error) {
	packed, err := Make(top, files, limit)
	return int64(len(packed.Data)), err
}

// Shares says for each of the files how many bytes of the package it accounts
// for; all together they are Size.
//
// In one stream of gzip no byte belongs to one file alone, so this is an
// attribution: the growth of the stream from file to file, its header in the tar
// included, when each file has blocks of its own. What a file has
// in common with one before it counts for the earlier one, as long as the
// compressor sees both (32 KiB). Blocks of its own cost about the same for each
// file whatever its size, so what the stream is too large by is taken off in equal
// parts; in the rare case that it is too small, what is missing is added in
// proportion. (Packing again without the file, for each, would show what leaving it out
// saves; those numbers have no sum, and take a hundred times as long.)
func Shares(top string, files []unpack.File, limit int64) ([]int64, error) {
	s, err := lay(top, files)
	if err != nil {
		return nil, err
	}
	defer s.release()
	packed := s.make(limit)
	z := newGzip(packed.Hardness, s.data, s.hasFew())
	defer z.release()
	shares := make([]int64, len(files))
	before, excess := 0, int64(-len(packed.Data))
	for _, seg := range s.segments {
		z.add(seg.from, seg.to, seg.kind)
		grown := int64(len(z.out) - before)
		shares[seg.file] += grown
		excess += grown
		before = len(z.out)
	}
	if excess > 0 {
		takeOff(shares, excess)
	} else {
		stretch(shares, int64(before), int64(len(packed.Data)))
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
