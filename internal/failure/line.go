package failure

// InOneLine is an error with what can be done about it, in one line, where
// that is more than to wait.
func InOneLine(err error) string {
	if hint := Hint(err); hint != "" && !Temporary(err) {
		return err.Error() + ": " + hint
	}
	return err.Error()
}
