package check

import "strings"

// groupSeparator stands between a group and one within it, as in
// "Parent / Child".
const groupSeparator = " / "

// InGroup says whether the monitor belongs to a group: by the group's own name, or
// within it, as "Parent / Child" is within "Parent". No monitor is in "".
func (m *Monitor) InGroup(name string) bool {
	return name != "" && (m.Group == name || strings.HasPrefix(m.Group, name+groupSeparator))
}

// Groups returns the names of all groups that the monitor belongs to, the
// outermost first.
func (m *Monitor) Groups() []string {
	var all []string
	for i := 0; m.Group != ""; {
		n := strings.Index(m.Group[i:], groupSeparator)
		if n < 0 {
			return append(all, m.Group)
		}
		if i += n; i > 0 {
			all = append(all, m.Group[:i])
		}
		i += len(groupSeparator)
	}
	return all
}
