// Command generate writes what is made of the code: the schema of the
// configuration and the pages of keys and commands. It is run by `make generate`
// in the root of the repository.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/watchword/watchword/internal/config"
	"github.com/watchword/watchword/internal/reference"
)

func main() {
	if err := generate(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func generate(ctx context.Context) error {
	schema, keys, err := reference.Schema(".", config.Describe())
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "watchword")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program := filepath.Join(dir, "watchword")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/watchword")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build the program: %w", err)
	}
	commands, err := reference.CommandsPage(ctx, program)
	if err != nil {
		return err
	}
	for file, text := range map[string][]byte{
		reference.SchemaFile: schema, reference.KeysFile: reference.KeysPage(keys), reference.CommandsFile: commands,
	} {
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
