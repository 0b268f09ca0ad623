package worker

import (
	"fmt"
	"os"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// newNotes makes the pages in a program; nil where the system has none.
func newNotes(slots int) *notes {
	descriptor, err := unix.MemfdCreate(Name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil
	}
	defer unix.Close(descriptor)
	if unix.Ftruncate(descriptor, int64(slots)*noteSize) != nil {
		return nil
	}
	file, err := os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", descriptor), os.O_RDWR, 0)
	if err != nil {
		return nil
	}
	return &notes{file: file}
}

// theNotes are the pages of a worker, by slot; none where it was given none.
func theNotes() []*note {
	var info syscall.Stat_t
	if err := syscall.Fstat(noteDescriptor, &info); err != nil || info.Mode&syscall.S_IFMT != syscall.S_IFREG || info.Size == 0 || info.Size%noteSize != 0 {
		return nil
	}
	if _, err := unix.FcntlInt(noteDescriptor, unix.F_GET_SEALS, 0); err != nil {
		return nil // a file on a disk, of which nothing is known
	}
	pages, err := syscall.Mmap(noteDescriptor, 0, int(info.Size), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil
	}
	_ = syscall.Close(noteDescriptor) // the pages stay
	var all []*note
	for page := range slices.Chunk(pages, noteSize) {
		all = append(all, &note{page: page})
	}
	return all
}
