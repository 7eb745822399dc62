package main

import (
	"github.com/watchword/watchword/internal/config"
)

type schemaCommand struct{}

func (schemaCommand) Help() string {
	return `Editors with a YAML language server complete keys by it, show their help and mark mistakes. It says less than watchword check, which also reads files, names and references.

Examples:

    watchword schema >watchword.schema.json`
}

func (*schemaCommand) Run(s *streams) error {
	_, err := s.out.Write(config.Schema())
	return err
}
