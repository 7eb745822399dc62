package check

// Problem is one thing wrong with a part of the configuration. Path is
// relative to that part, as it is written in YAML: "expect.status[1]". A
// warning does not keep the configuration from being used.
type Problem struct {
	Path    string
	Message string
	Warning bool
	File    bool // it lies in a file of this machine: no error where secrets may be missing
}
