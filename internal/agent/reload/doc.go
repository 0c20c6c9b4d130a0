// Package reload makes the running Prometheus read its configuration again, and
// looks whether it has. The two are apart because a reload that was answered
// with 200 is no proof: only what Prometheus's API shows afterwards is.
package reload
