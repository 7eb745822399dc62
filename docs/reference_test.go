package docs_test

import (
	"strings"
	"testing"

	"github.com/watchword/watchword/internal/config"
	"github.com/watchword/watchword/internal/reference"
)

// TestReferenceIsCurrent: the pages of keys and commands, and the schema, are
// what the code makes today.
func TestReferenceIsCurrent(t *testing.T) {
	schema, keys, err := reference.Schema(root, config.Describe())
	if err != nil {
		t.Fatal(err)
	}
	commands, err := reference.CommandsPage(t.Context(), program(t))
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string][]byte{
		reference.SchemaFile: schema, reference.KeysFile: reference.KeysPage(keys), reference.CommandsFile: commands,
	} {
		if read(t, file) != string(want) {
			t.Errorf("%s is not what the code makes: run make generate", file)
		}
	}
	for _, name := range []string{"run", "check", "probe", "schema", "completion"} {
		if !strings.Contains(string(commands), "\n## "+name+"\n") {
			t.Errorf("%s does not describe %s", reference.CommandsFile, name)
		}
	}
	for _, key := range []string{"| `expect.status` | list | `200-299` |", "| `interval` | duration | `1m` |", "| `url` | text | required |"} {
		if !strings.Contains(read(t, reference.KeysFile), key) {
			t.Errorf("%s lacks %s", reference.KeysFile, key)
		}
	}
}
