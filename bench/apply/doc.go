// Package apply measures how long it takes to apply the fleet files of many nodes
// to a real server, for the first time and again, and how long other writers wait
// meanwhile.
package apply
