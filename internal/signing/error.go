package signing

// FileError is a key that cannot be used.
type FileError struct {
	// PGP says which of the two files of Options it is.
	PGP bool
	Err error
}

func (e *FileError) Error() string { return e.Err.Error() }
func (e *FileError) Unwrap() error { return e.Err }
