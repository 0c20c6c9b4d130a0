package agent

import (
	"cmp"
	"context"
	"slices"
)

// A Task is one of the things that an agent does all the time. A new one is one
// new file, which registers itself with addTask from init.
type Task interface {
	// Init prepares the task. Tasks are initialised one after the other, in their
	// order; an error ends the agent.
	Init(ctx context.Context) error
	// Run does it until ctx is done, and then returns nil. All tasks run at the
	// same time; an error ends the agent.
	Run(ctx context.Context) error
}

// onceTask is a Task with a part in a single pass (--once), which comes in the
// order of the tasks. The others are left out there.
type onceTask interface {
	Task
	// Once does the task's part of the pass and returns.
	Once(ctx context.Context) error
}

// disklessTask is a Task that needs nothing of the disk: it runs before that is open.
type disklessTask interface {
	Task
	needsNoDisk()
}

type taskEntry struct {
	name  string
	order int
	build func(*Agent) Task
}

var taskEntries []taskEntry

// addTask makes a task known. Tasks with a lower order are initialised first.
func addTask(name string, order int, build func(*Agent) Task) {
	taskEntries = append(taskEntries, taskEntry{name, order, build})
	slices.SortStableFunc(taskEntries, func(a, b taskEntry) int {
		return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.name, b.name))
	})
}
