// Package sqlitedriver measures the pure-Go SQLite drivers side by side on
// promfleet's own load. docs/adr/0001-storage.md draws the conclusion; `make
// bench` runs it again. It is the only package that imports both drivers.
package sqlitedriver
