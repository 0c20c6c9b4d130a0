// Package agent runs beside one Prometheus and makes its files say what the
// server says. It is a list of Tasks, each in a file of its own. It believes the
// server in nothing that it can check itself: what arrives is bounded, hashed,
// parsed and put to Prometheus's own judge before a byte of it becomes a file.
package agent
