// Package reloadtest runs the real parts that a reload goes through: a Prometheus,
// an nginx before it, and a D-Bus daemon. The one stand-in is that of systemd,
// because tests run where no systemd does.
package reloadtest
