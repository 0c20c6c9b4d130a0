package fleet

import (
	"context"
	"fmt"
	"regexp"

	"promfleet"
)

// What fleet files say is theirs to change: a record that is managed refuses every
// other write, so that nobody loses an edit to the next apply.

// validManager is what a manager may be called.
var validManager = regexp.MustCompile(`^[a-zA-Z0-9._/-]{1,100}$`)

// managed refuses a write of what somebody manages. field is what to release it by.
func managed(what, manager, field string) error {
	if manager == "" {
		return nil
	}
	return promfleet.Errorf(promfleet.Conflict, `%s managed by %q, so this write would be undone by the next apply: change it in the files and apply them, or release it first (PATCH with "%s": "")`, what, manager, field)
}

func (n *NodeRecord) called() string { return fmt.Sprintf("node %s (%s)", n.UUID, n.Hostname) }
func (j *JobRecord) called() string  { return fmt.Sprintf("job %d (%s)", j.ID, j.Key) }

// editable refuses a write of a managed node.
func (n *NodeRecord) editable() error { return managed(n.called()+" is", n.ManagedBy, "managed_by") }

// editable refuses a write of a managed job.
func (j *JobRecord) editable() error { return managed(j.called()+" is", j.ManagedBy, "managed_by") }

// deletable refuses the end of a job that is managed, or whose targets are.
func (j *JobRecord) deletable() error {
	if err := j.editable(); err != nil {
		return err
	}
	return j.targetsEditable()
}

// restorable refuses to bring back a job that its manager deleted.
func (j *JobRecord) restorable() error {
	if j.ManagedBy == "" {
		return nil
	}
	return promfleet.Errorf(promfleet.Conflict, "%s was managed by %q and is in its files no more: put it back into the files and apply them, or create it anew to edit it by hand", j.called(), j.ManagedBy)
}

// targetsEditable refuses a write of managed targets.
func (j *JobRecord) targetsEditable() error {
	return managed("the targets of "+j.called()+" are", j.TargetsManagedBy, "targets_managed_by")
}

// released gives who manages something after a patch of that: the same as now, or
// nobody. None given is null, which takes a field away.
func released(at, now string, given *string) (string, error) {
	switch {
	case given == nil || *given == "":
		return "", nil
	case *given == now:
		return now, nil
	}
	return "", promfleet.BadField(at, `can only be released, by ""; it is set by applying fleet files`)
}

// tagEditable refuses a change of a tag that would show in what somebody manages.
func tagEditable(ctx context.Context, tx Tx, tag int64) error {
	nodes, err := tx.NodesWithTag(ctx, tag)
	if err != nil {
		return err
	}
	for i := range nodes {
		if err := nodes[i].editable(); err != nil {
			return err
		}
	}
	jobs, err := tx.JobsWithTag(ctx, tag)
	if err != nil {
		return err
	}
	for i := range jobs {
		if err := jobs[i].targetsEditable(); err != nil {
			return err
		}
	}
	return nil
}
