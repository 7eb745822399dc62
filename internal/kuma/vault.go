package kuma

import (
	"crypto/sha256"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Vault keeps what does not belong into the YAML: secrets, which become
// variables of an env file, and files. The zero Vault is empty.
//
// A value of plain characters goes into the env file, where a shell, systemd,
// Docker and Compose read it alike. These four agree on nothing else, so what
// holds blanks, quotes, dollar signs or line ends becomes a file.
type Vault struct {
	vars  []variable
	files []file
	known map[[sha256.Size]byte]Raw
	names map[string]bool
}

type variable struct{ name, value string }

type file struct {
	name    string
	content string
	secret  bool // a value alone; else a PEM file or the like
}

// Secret keeps a value and returns the reference to it. The owner and what it
// is to them ("Shop", "password") make its name; the same value of the same kind
// is kept once. An owner whose name makes none (店) still has one, as variables
// such as PATH and USER belong to others.
func (v *Vault) Secret(owner, kind, value string) Raw {
	if slug(owner) == "" {
		owner = "secret"
	}
	return v.once(kind, value, func() Raw {
		if plain(value) {
			name := v.free(variableName(owner+" "+kind), "_")
			v.vars = append(v.vars, variable{name, value})
			return Raw("${" + name + "}")
		}
		name := v.free(fileName(owner+" "+kind), "-")
		v.files = append(v.files, file{name, value + spare(value), true})
		return Raw("${file:" + name + "}")
	})
}

// File keeps a file, such as a PEM text, and returns its path. Equal ones are
// kept once.
func (v *Vault) File(owner, extension, content string) Path {
	if !strings.HasSuffix(content, "\n") {
		content += "\n"
	}
	return Path(v.once("file "+extension, content, func() Raw {
		name := v.freeFile(fileName(owner), extension)
		v.files = append(v.files, file{name: name, content: content})
		return Raw(name)
	}))
}

// spare is what a file ends in so that its value is left when one line end was
// dropped from it.
func spare(value string) string {
	switch {
	case strings.HasSuffix(value, "\n"):
		return "\n"
	case strings.HasSuffix(value, "\r"):
		return "\r\n"
	}
	return ""
}

// Empty says whether there is nothing to keep.
func (v *Vault) Empty() bool { return len(v.vars) == 0 && len(v.files) == 0 }

func (v *Vault) once(kind, value string, keep func() Raw) Raw {
	key := sha256.Sum256([]byte(kind + "\x00" + value))
	if old, ok := v.known[key]; ok {
		return old
	}
	if v.known == nil {
		v.known, v.names = map[[sha256.Size]byte]Raw{}, map[string]bool{}
	}
	v.known[key] = keep()
	return v.known[key]
}

// reserve keeps a name from being given.
func (v *Vault) reserve(name string) {
	if v.known == nil {
		v.known, v.names = map[[sha256.Size]byte]Raw{}, map[string]bool{}
	}
	v.names[strings.ToLower(name)] = true
}

// free returns the name, or the name with the first number that nobody has.
func (v *Vault) free(name, glue string) string {
	for n := 1; ; n++ {
		try := name
		if n > 1 {
			try += glue + strconv.Itoa(n)
		}
		if !v.names[strings.ToLower(try)] { // some file systems do not tell case
			v.names[strings.ToLower(try)] = true
			return try
		}
	}
}

func (v *Vault) freeFile(name, extension string) string {
	for n := 1; ; n++ {
		try := name
		if n > 1 {
			try += "-" + strconv.Itoa(n)
		}
		if try += extension; !v.names[try] {
			v.names[try] = true
			return try
		}
	}
}

// plain says whether a value means the same without quotes to a shell, to
// systemd (EnvironmentFile), to docker run --env-file and to Compose.
func plain(s string) bool {
	for i := range len(s) {
		c := s[i]
		word := c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !word && !strings.ContainsRune("./:=@%+,-^", rune(c)) {
			return false
		}
	}
	return s != ""
}

const longestName = 60

// variableName makes AUTHELIA_CLIENT_SECRET of "authelia client secret".
func variableName(s string) string {
	name := strings.ToUpper(strings.ReplaceAll(slug(s), "-", "_"))
	if len(name) > longestName { // the end says what it is
		name = strings.Trim(name[len(name)-longestName:], "_")
	}
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		name = "W_" + name
	}
	return name
}

func fileName(s string) string {
	name := slug(s)
	if len(name) > longestName {
		name = strings.Trim(name[len(name)-longestName:], "-")
	}
	if name == "" {
		name = "file"
	}
	return name
}

// slug makes an id of a name, as config does.
func slug(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	})
	return strings.ToLower(strings.Join(words, "-"))
}

// layout says where the files of the vault are seen from the YAML, and what
// variables are where they are not set yet, as in the trial.
type layout struct {
	folder string
	values map[string]string // of variables
	refs   *regexp.Regexp
}

func newLayout(folder string, vars []variable) layout {
	values := map[string]string{}
	for _, v := range vars {
		values[v.name] = v.value
	}
	return layout{folder, values, regexp.MustCompile(`\$?\$\{(file:)?([A-Za-z0-9_./-]+)\}`)}
}

func (l layout) path(p Path) string { return l.folder + "/" + string(p) }

// expand writes the references of a text for this layout.
func (l layout) expand(r Raw) string {
	if l.refs == nil { // to compare values only
		return string(r)
	}
	return l.refs.ReplaceAllStringFunc(string(r), func(ref string) string {
		if strings.HasPrefix(ref, "$$") { // a literal ${
			return ref
		}
		name, isFile := strings.CutPrefix(ref[2:len(ref)-1], "file:")
		if isFile && strings.HasPrefix(name, "/") { // it was a file before
			return ref
		}
		if isFile {
			return "${file:" + l.folder + "/" + name + "}"
		}
		if value, ok := l.values[name]; ok { // one without a brace, as it is plain
			return "${WATCHWORD_IMPORT_TRIAL_" + name + ":-" + value + "}"
		}
		return ref
	})
}

// Values returns every secret that is kept, for tests and for scrubbing.
func (v *Vault) Values() []string {
	var all []string
	for _, x := range v.vars {
		all = append(all, x.value)
	}
	for _, f := range v.files {
		if f.secret {
			all = append(all, f.content)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
