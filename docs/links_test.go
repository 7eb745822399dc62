package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestLinks: every link within the repository leads to a file, and to a heading
// where it names one.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	headings := map[string][]string{}
	for _, file := range pages(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(prose(string(text)), -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			path, anchor, _ := strings.Cut(m[1], "#")
			target := filepath.Join(filepath.Dir(file), path)
			if path == "" {
				target = file
			}
			if _, seen := headings[target]; !seen {
				b, err := os.ReadFile(target)
				if err != nil {
					t.Errorf("%s: the link %s: %v", file, m[1], err)
					continue
				}
				headings[target] = anchors(string(b))
			}
			if anchor != "" && !slices.Contains(headings[target], anchor) {
				t.Errorf("%s: the link %s: there is no such heading", file, m[1])
			}
		}
	}
}

// pages are all pages of the repository.
func pages(t *testing.T) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git"):
			return filepath.SkipDir
		case strings.HasSuffix(path, ".md"):
			found = append(found, path)
		}
		return nil
	})
	if err != nil || len(found) < 9 {
		t.Fatalf("%d pages, %v", len(found), err)
	}
	return found
}

// prose is a page without its blocks of code.
func prose(page string) string {
	return regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(page, "")
}

// anchors are the names of headings, as GitHub makes them.
func anchors(page string) []string {
	var names []string
	left := regexp.MustCompile(`[^\pL\pN _-]`)
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(prose(page), -1) {
		text := strings.ToLower(left.ReplaceAllString(m[1], ""))
		names = append(names, strings.ReplaceAll(text, " ", "-"))
	}
	return names
}

// TestNoMergeIsHalfDone: no page shows the marks of a conflict.
func TestNoMergeIsHalfDone(t *testing.T) {
	mark := regexp.MustCompile(`(?m)^(<{7} |={7}$|>{7} ).*`)
	for _, file := range pages(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if m := mark.FindString(string(text)); m != "" {
			t.Errorf("%s: %q", file, m)
		}
	}
}
