// Package fleetfile reads and writes fleet files: YAML or JSON that says what the
// nodes and jobs of a fleet should be, one document a node or a job, so that they can
// be kept in git and reviewed. It says what a file says and where; what becomes of
// that is the server's. It touches no file by itself: it is given bytes, and an fs.FS.
package fleetfile
