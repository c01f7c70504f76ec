package agent

import (
	"tipring/internal/config"
	"tipring/webui/api"
)

// Keys describes every section and key of the configuration.
func (settings) Keys() []api.Section { return describe(config.Sections()) }

func describe(sections []config.Section) []api.Section {
	list := make([]api.Section, len(sections))
	for i, sec := range sections {
		out := api.Section{Name: sec.Name, Numbered: sec.Numbered, Title: sec.Title, Help: sec.Help}
		if sec.Numbered {
			out.Max = config.MaxNumber
		}
		for j := range sec.Keys {
			out.Keys = append(out.Keys, describeKey(&sec.Keys[j]))
		}
		list[i] = out
	}
	return list
}

func describeKey(k *config.Key) api.Key {
	out := api.Key{
		Name: k.Name, Label: k.Label, Group: api.Text(k.Group), Kind: k.Kind.String(), Unit: api.Text(k.Unit), Zero: k.Zero, Auto: api.Text(k.Auto),
		Optional: k.Optional, Default: k.Default, Help: k.Help, Wanted: k.Want(), Secret: k.Secret, Scope: k.Scope.String(), Later: api.Text(k.Later),
	}
	switch k.Kind {
	case config.Int:
		out.Min, out.Max = api.Number(k.Min), api.Number(k.Max)
	case config.Text:
		out.Max = api.Number(k.MaxOctets())
	}
	for _, c := range k.Choices() {
		out.Choices = append(out.Choices, api.Choice{Value: c.Value, Label: c.Label, Synonyms: c.Synonyms})
	}
	return out
}
