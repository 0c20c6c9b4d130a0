// Package fleet holds the rules: what a node, a job and a target may be, who may
// change them, what a change means for the files of a node. Everything that
// writes goes through a Service, which declares the Store it needs and knows
// neither SQL nor HTTP.
package fleet
