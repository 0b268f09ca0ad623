package worker

import "syscall"

// confine takes from this process what no worker needs: it writes no files, neither
// those that a fault would leave.
func confine() {
	setLimit(syscall.RLIMIT_CORE, 0)
	setLimit(syscall.RLIMIT_FSIZE, 0)
}

// dataSlack is for what Go and the C library set aside and do not use.
const dataSlack = 1 << 30

// limitData bounds what the system gives the process at once: between two looks at
// its memory it could take all that the machine has.
func limitData(memory int64) { setLimit(syscall.RLIMIT_DATA, uint64(memory)+dataSlack) }

// setLimit sets a soft limit, as far as the hard one allows. It is one of several
// guards, so that a system which refuses it is no reason to do without the others.
func setLimit(resource int, value uint64) {
	var now syscall.Rlimit
	if syscall.Getrlimit(resource, &now) == nil {
		now.Cur = min(value, now.Max)
		_ = syscall.Setrlimit(resource, &now)
	}
}
