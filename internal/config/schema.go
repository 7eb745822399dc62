package config

import _ "embed" // for schema.json

//go:embed schema.json
var schema []byte

// Schema returns the JSON Schema (draft 2020-12) of the configuration, for
// editors. It is made from the very options that Load decodes into; see package
// reference.
func Schema() []byte { return schema }
