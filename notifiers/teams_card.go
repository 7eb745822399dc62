package notifiers

// The parts of an Adaptive Card that are used, in the envelope that Teams takes.

type teamsMessage struct {
	Type        string            `json:"type"`
	Summary     string            `json:"summary"`
	Attachments []teamsAttachment `json:"attachments"`
}

type teamsAttachment struct {
	ContentType string    `json:"contentType"`
	ContentURL  *string   `json:"contentUrl"`
	Content     teamsCard `json:"content"`
}

type teamsCard struct {
	Schema  string            `json:"$schema"`
	Type    string            `json:"type"`
	Version string            `json:"version"`
	MSTeams map[string]string `json:"msteams,omitempty"`
	Body    []teamsElement    `json:"body"`
	Actions []teamsAction     `json:"actions,omitempty"`
}

type teamsElement struct {
	Type     string         `json:"type"`
	Style    string         `json:"style,omitempty"`
	Bleed    bool           `json:"bleed,omitempty"`
	Items    []teamsElement `json:"items,omitempty"`
	Text     string         `json:"text,omitempty"`
	Size     string         `json:"size,omitempty"`
	Weight   string         `json:"weight,omitempty"`
	Wrap     bool           `json:"wrap,omitempty"`
	Facts    []teamsFact    `json:"facts,omitempty"`
	Inlines  []teamsRun     `json:"inlines,omitempty"`
	Spacing  string         `json:"spacing,omitempty"`
	Separate bool           `json:"separator,omitempty"`
}

type teamsFact struct {
	Title string `json:"title"`
	Value string `json:"value"`
}

// teamsRun is text without Markdown.
type teamsRun struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Weight   string `json:"weight,omitempty"`
	FontType string `json:"fontType,omitempty"`
}

type teamsAction struct {
	Type  string `json:"type"`
	Title string `json:"title"`
	URL   string `json:"url"`
}
