package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kingpin/v2"
)

// operation says how the command line does what an operation of the API does.
type operation struct {
	command string
	none    string // why there is no command
	// elsewhere are query parameters that are no flag of their name, each with what
	// there is instead.
	elsewhere map[string]string
}

var (
	patches  = "update changes single fields, and a whole record comes from a fleet file"
	ofAgents = "for agents alone"
	noFile   = map[string]string{"dry_run": "no file of a node changes"}
)

// operations are all that the OpenAPI document has.
var operations = map[string]operation{
	"agent-answer":    {none: ofAgents},
	"agent-fetch":     {none: ofAgents},
	"agent-questions": {none: ofAgents},
	"agent-register":  {none: ofAgents},
	"agent-report":    {none: ofAgents},
	"agent-watch":     {none: ofAgents},
	"http-sd":         {none: "for Prometheus itself; promfleet target export gives the targets of a job"},

	"login":       {command: "login"},
	"logout":      {command: "logout"},
	"get-session": {command: "whoami"},

	"list-nodes":          {command: "node list"},
	"watch-nodes":         {none: "a stream for pages; status --watch and node list --watch show the same"},
	"get-nodes-summary":   {none: "promfleet status shows the nodes that it counts"},
	"get-nodes-map":       {none: "for drawing; promfleet node list shows the same nodes"},
	"get-node":            {command: "node get"},
	"patch-node":          {command: "node update"},
	"delete-node":         {command: "node delete"},
	"restore-node":        {command: "node restore"},
	"get-node-config":     {command: "node config"},
	"get-node-loaded":     {command: "node loaded"},
	"get-node-doctor":     {command: "node doctor"},
	"list-node-revisions": {command: "node revisions"},
	"confirm-removal":     {command: "node confirm"},
	"import-node":         {command: "import"},
	"export-node":         {command: "export"},
	"apply":               {command: "apply"},
	"explain":             {command: "explain"},
	"get-node-health":     {command: "node health"},
	"get-targets-health":  {command: "target health"},

	"list-jobs":   {command: "job list"},
	"create-job":  {command: "job create"},
	"get-job":     {command: "job get"},
	"patch-job":   {command: "job update"},
	"put-job":     {command: "job update"},
	"delete-job":  {command: "job delete"},
	"restore-job": {command: "job restore"},

	"get-job-targets":  {command: "target export"},
	"post-job-targets": {command: "target import"},
	"put-job-targets":  {command: "target import"},

	"list-targets":   {command: "target list"},
	"create-target":  {command: "target create"},
	"get-target":     {command: "target get"},
	"patch-target":   {command: "target update"},
	"patch-targets":  {command: "target patch"},
	"put-target":     {none: patches},
	"delete-target":  {command: "target delete"},
	"restore-target": {command: "target restore"},

	"list-tags":   {command: "tag list"},
	"create-tag":  {command: "tag create"},
	"get-tag":     {command: "tag get"},
	"patch-tag":   {command: "tag update"},
	"put-tag":     {none: patches},
	"delete-tag":  {command: "tag delete"},
	"restore-tag": {command: "tag restore"},

	"list-users":        {command: "user list"},
	"create-user":       {command: "user create", elsewhere: noFile},
	"get-user":          {command: "user get"},
	"patch-user":        {command: "user update", elsewhere: noFile},
	"put-user":          {none: patches},
	"delete-user":       {command: "user delete", elsewhere: noFile},
	"restore-user":      {command: "user restore", elsewhere: noFile},
	"put-user-password": {command: "user set-password"},

	"list-user-tokens":  {command: "user token list"},
	"create-user-token": {command: "user token create"},
	"revoke-user-token": {command: "user token delete"},

	"list-contacts":      {command: "contact list"},
	"list-user-contacts": {command: "contact list"},
	"create-contact":     {command: "contact create"},
	"get-contact":        {command: "contact get"},
	"patch-contact":      {command: "contact update"},
	"put-contact":        {none: patches},
	"delete-contact":     {command: "contact delete"},
	"restore-contact":    {command: "contact restore"},

	"list-tokens":  {command: "token list"},
	"create-token": {command: "token create"},
	"revoke-token": {command: "token delete"},

	"list-join-tokens":  {command: "join-token list"},
	"create-join-token": {command: "join-token create"},
	"revoke-join-token": {command: "join-token delete"},

	"list-events":  {command: "event list"},
	"get-event":    {command: "event get"},
	"revert-event": {command: "event revert"},
}

// Every operation of the API has a command, whose flags are the query parameters of
// the operation, or a reason why it has none.
func TestOperations(t *testing.T) {
	commands := map[string]*kingpin.CmdModel{}
	for _, m := range (&command{}).application().Model().FlattenedCommands() {
		commands[m.FullCommand] = m
	}
	documented := queries(t)
	for id, parameters := range documented {
		op, ok := operations[id]
		if !ok {
			t.Errorf("operation %s is not in the table: give it a command, or say why it has none", id)
			continue
		}
		if (op.command == "") == (op.none == "") {
			t.Errorf("operation %s needs either a command or a reason why it has none", id)
		}
		if op.command == "" {
			continue
		}
		m := commands[op.command]
		if m == nil {
			t.Errorf("operation %s: there is no command %q", id, op.command)
			continue
		}
		for _, p := range parameters {
			flag := strings.ReplaceAll(p, "_", "-")
			has := slices.ContainsFunc(m.Flags, func(f *kingpin.FlagModel) bool { return f.Name == flag })
			if has == (op.elsewhere[p] != "") {
				t.Errorf("operation %s: parameter %s needs either a flag --%s of %q or a reason", id, p, flag, op.command)
			}
		}
	}
	for id := range operations {
		if _, ok := documented[id]; !ok {
			t.Errorf("the API has no operation %s", id)
		}
	}
}

// queries gives the query parameters of each operation of the OpenAPI document.
func queries(t *testing.T) map[string][]string {
	t.Helper()
	b, err := os.ReadFile("../../internal/api/testdata/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	type parameter struct{ Name, In string }
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
			Parameters  []parameter
		}
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for _, methods := range doc.Paths {
		for _, op := range methods {
			if op.OperationID == "" {
				continue
			}
			all[op.OperationID] = nil
			for _, p := range op.Parameters {
				if p.In == "query" {
					all[op.OperationID] = append(all[op.OperationID], p.Name)
				}
			}
		}
	}
	if len(all) < 70 {
		t.Fatalf("%d operations in the document", len(all))
	}
	return all
}
