package check

// WebURL is a Pattern of absolute http and https URLs.
const WebURL = `^[hH][tT][tT][pP][sS]?://[^/]`

// Key says of one key of a mapping what the Go type of its field does not. Each
// room checks by its keys, and the schema for editors is made of them. A key
// without a Key takes whatever its Go type takes, with every type.
type Key struct {
	Path     string   // relative to the part, as in Problem: "expect.status"
	Types    []string // the values of `type` that it belongs to; nil: all of them
	With     With     // the values of another key that it belongs to as well
	Required bool     // by these types and values
	Instead  string   // the key that may stand in its place, never beside it; "": none
	Enum     []string // the only values; nil: others too
	Pattern  string   // a regular expression that texts match, for RE2 and ECMA-262 alike; "": all do
	Min, Max int64    // of a number or size, both included; Max 0: no upper limit
}

// With names values of a key, such as those of auth_method that another key
// belongs to. The zero With is no condition.
type With struct {
	Key    string
	Values []string
}
