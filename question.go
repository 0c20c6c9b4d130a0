package promfleet

// A server asks agents by questions, which they come for and answer. It asks
// nothing but what stands here; an agent answers a question of a kind that it does
// not know as such, and what it tells is bounded.

// QuestionKind says what a question is about.
type QuestionKind string

// The kinds of questions.
const (
	QuestionExplain QuestionKind = "explain" // Explain: what has become of an address
	QuestionHealth  QuestionKind = "health"  // Health: what has become of the targets of jobs
	QuestionLoaded  QuestionKind = "loaded"  // what prometheus.yml should be against what is loaded
	QuestionDoctor  QuestionKind = "doctor"  // what doctor finds on the host
)

// Limits of questions.
const (
	MaxQuestions = 10      // open ones of a node
	MaxAnswer    = 1 << 20 // bytes of one
	// MaxSeen is how many targets an answer to QuestionExplain has.
	MaxSeen = 20
)

// Question is what a server wants to know of an agent.
type Question struct {
	ID      int64            `json:"id"`
	Kind    QuestionKind     `json:"kind" doc:"explain, health, loaded, doctor, and what newer servers may want to know"`
	Within  float64          `json:"within" doc:"for how many seconds the answer is waited for"`
	Explain *ExplainQuestion `json:"explain,omitempty" doc:"of kind explain"`
	Health  *HealthQuestion  `json:"health,omitempty" doc:"of kind health"`
}

// ExplainQuestion is a QuestionExplain.
type ExplainQuestion struct {
	Addr string `json:"addr"`
	Job  string `json:"job,omitempty" doc:"key of the job; empty: all"`
}

// QuestionsReply brings the open questions of a node, oldest first.
type QuestionsReply struct {
	Questions []Question `json:"questions"`
}

// Answer is what an agent says to a question. It has one of its parts.
type Answer struct {
	Unknown bool              `json:"unknown,omitempty" doc:"the agent does not know this kind of question"`
	Error   string            `json:"error,omitempty" maxLength:"4000" doc:"why it cannot answer"`
	Explain *AgentExplanation `json:"explain,omitempty"`
	Health  *AgentHealth      `json:"health,omitempty"`
	Loaded  *AgentConfigs     `json:"loaded,omitempty"`
	Doctor  *AgentDoctor      `json:"doctor,omitempty"`
}

// AgentExplanation answers an ExplainQuestion.
type AgentExplanation struct {
	RevisionReceived  int64         `json:"revision_received" minimum:"0"`
	RevisionWritten   int64         `json:"revision_written" minimum:"0"`
	RevisionLoaded    int64         `json:"revision_loaded" minimum:"0"`
	State             NodeState     `json:"state" enum:"in_sync,applying,written,quarantined,held,failed,drifted,pending"`
	Problem           string        `json:"problem,omitempty" maxLength:"10000" doc:"why the state is not in_sync"`
	PrometheusVersion string        `json:"prometheus_version,omitempty" maxLength:"200"`
	Trouble           string        `json:"trouble,omitempty" maxLength:"3000" doc:"why Prometheus could not be asked, or what it counts of failures that it tells nobody"`
	Quarantined       []WithheldJob `json:"quarantined,omitempty" maxItems:"1000" doc:"jobs of the node that Prometheus would not have"`
	Targets           []SeenTarget  `json:"targets" maxItems:"20"`
	More              int           `json:"more" minimum:"0" doc:"how many targets beside these"`
}

// WithheldJob is a job that is kept away from Prometheus.
type WithheldJob struct {
	Key string `json:"key" maxLength:"128"`
	Why string `json:"why" maxLength:"3000"`
	// Before: the last good configuration of the job is loaded in its stead.
	Before bool `json:"before" doc:"its last good configuration is loaded in its stead"`
}
