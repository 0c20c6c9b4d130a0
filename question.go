package promfleet

// A server asks agents by questions, which they come for and answer. It asks
// nothing but what stands here; an agent answers a question of a kind that it does
// not know as such, and what it tells is bounded.

// QuestionKind says what a question is about.
type QuestionKind string

// The kinds of questions.
const (
	QuestionExplain QuestionKind = "explain" // Explain: what has become of an address
)
