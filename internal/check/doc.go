// Package check gives Prometheus's own verdict: is this a configuration that
// Prometheus would load, which of its values are secrets, and is it the one that
// a running Prometheus has. It links Prometheus's configuration package with
// every service discovery, and it is the only package that does, because that
// library is large and because two judges would disagree one day.
//
// It parses only. It opens no file, starts no discovery and sends nothing: files
// that a configuration names need not exist. What it reads may come from an
// enemy, so size, depth and aliases are bounded and a panic in the library is an
// error.
package check
