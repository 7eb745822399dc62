// Package reference makes what tells people and editors of keys and commands:
// the JSON Schema of the configuration and two pages of the documentation. It
// reads the options that the loader decodes into, the comments of their fields,
// and what the program prints as help, so that nothing is listed twice.
//
// It serves development alone: `make generate` writes what it makes, the program
// embeds the schema, and tests compare.
package reference
