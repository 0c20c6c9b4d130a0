// Package inotify counts the inotify instances that a Prometheus on this host has
// and may have. Prometheus needs one for each file_sd config; a user has 128 by
// default (fs.inotify.max_user_instances), and a job whose watcher could not be
// made stays without targets. It reads /proc and nothing else.
package inotify
