// Package output is the one way to standard output and standard error. Every
// print of every command goes through a [Stream], and no other package writes
// to a terminal (internal/archtest holds that).
//
// Much of what ksrelease prints was written by others: names of folders and
// versions in a pull request, the status line of a proxy, the name in a
// certificate. A terminal obeys control characters in such a text, and a CI
// system obeys lines in it. So what is printed has two kinds of parts:
//
//   - The words of this program are constants in its source. They may break lines.
//   - Everything else is a cell. It is shown with its control characters, and
//     characters that are not seen, in the form of escapes (\x1b, \u202e, \n): nothing
//     is dropped, nothing is obeyed, and it stays within its line. A text of several
//     lines, such as the error of a library, is a Paragraph, which is printed with its
//     lines set in.
//
// The two kinds are apart by type: a format is a constant, which no variable converts to,
// and a Text is made by this package alone.
//
// Last of all each line is cleared of commands to a CI system (commands.go).
package output
