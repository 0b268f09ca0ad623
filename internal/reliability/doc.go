// Package reliability holds the suites of docs/reliability.md that need the
// whole program: the real binary in processes of its own, over real HTTP,
// against the local marketplace with a fault or a scheduler in front of it.
//
// Promises that one package keeps alone are tested in that package. Nothing but
// tests belongs here; no package imports this one.
package reliability
