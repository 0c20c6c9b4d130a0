// Package apply brings the files of one Prometheus to what a Set says, in an
// order in which Prometheus never finds a configuration whose files are not
// there: target files, then prometheus.yml, then a reload, then a look whether
// it is loaded, and only then the removal of what is no longer named. It writes
// nothing where nothing has changed, and touches no file that is not its own.
package apply
