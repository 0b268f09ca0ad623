package sourceindex

// state is what the system says of a file or folder. Times are nanoseconds since 1970.
type state struct {
	path                string
	device, inode, mode uint64
	size                int64
	modified, changed   int64
}
