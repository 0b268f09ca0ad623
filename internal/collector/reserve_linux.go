package collector

import (
	"os"
	"runtime"
	"runtime/debug"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ahead is how much memory is set aside: about what the heap grows to where a few large extensions
// are looked at.
const ahead = 64 << 20

// Reserve asks the system to give the next 64 MiB of the heap in huge pages (madvise(2),
// MADV_HUGEPAGE), as soon as they are used: that is one fault for 2 MiB, where Go leaves it at one for each
// 4 KiB. It is for a process that is going to need them, and costs it a collection. None of the memory is
// taken before it is used. A system without such pages, or that gives them to all, passes over it.
//
// The pages of a heap cannot be advised before they are mapped, and Go maps them when they are needed. So a
// block of that size is allocated, advised, and let go: the heap grows into it again.
func Reserve() {
	changing.Lock()
	defer changing.Unlock()
	percent := debug.SetGCPercent(-1) // else the block makes the next collection come late
	adviseHuge()
	debug.FreeOSMemory() // which also has the block count as not in use
	debug.SetGCPercent(percent)
}

// adviseHuge leaves nothing behind that refers to the block.
//
//go:noinline
func adviseHuge() {
	block := make([]byte, ahead)
	page := uintptr(os.Getpagesize())
	begin := -uintptr(unsafe.Pointer(unsafe.SliceData(block))) & (page - 1)
	_ = unix.Madvise(block[begin:ahead-page], unix.MADV_HUGEPAGE) // it is an advice
	runtime.KeepAlive(block)
}
