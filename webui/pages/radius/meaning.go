package radius

import (
	"context"
	"strings"

	"tipring/internal/faxback/lookup"
	"tipring/webui/words"
)

// values are those of an attribute, in their order.
func values(a lookup.Answer, name string) (all []string) {
	for _, v := range a.Attributes {
		if v.Name == name {
			all = append(all, v.Value)
		}
	}
	return all
}

func value(a lookup.Answer, name string) string {
	if all := values(a, name); len(all) > 0 {
		return all[0]
	}
	return ""
}

// accepted reports an Access-Accept.
func accepted(a lookup.Answer) bool { return a.Code != nil && *a.Code == "Access-Accept" }

// meaning says in a sentence what an answer means for a device.
func meaning(ctx context.Context, ask string, a lookup.Answer) string {
	if !accepted(a) {
		return refused(ctx, ask, value(a, "Reply-Message"))
	}
	account := value(a, "User-Name")
	switch ask {
	case "mac", "serial":
		return ownership(ctx, account, a)
	case "dids":
		if all := values(a, "FB-DID"); len(all) > 0 {
			return words.T(ctx, "The account has %d numbers: %s.", len(all), strings.Join(all, ", "))
		}
		return words.T(ctx, "The account has no numbers: its ports get none.")
	case "did":
		if account == "" {
			return words.T(ctx, "The servers accept the number, and say nothing about whose it is.")
		}
		return words.T(ctx, "The number belongs to the account %s.", account)
	case "call-ahead":
		switch value(a, "FB-Call-Ahead-Mode") {
		case "0":
			return words.T(ctx, "A fax for this number is taken at once and sent later.")
		case "":
			return words.T(ctx, "The answer does not say it: the number is called before a fax is taken for it.")
		}
		return words.T(ctx, "This number is called before a fax is taken for it.")
	}
	return words.T(ctx, "This device may log in with its account.")
}

// ownership is what an answer about a device means.
func ownership(ctx context.Context, account string, a lookup.Answer) string {
	switch arg := value(a, "FB-Provisioning-Arg"); {
	case account == "":
		return words.T(ctx, "The servers accept the device and name no account: it gets no settings from them.")
	case arg == "":
		return words.T(ctx, "The device belongs to the account %s. Where its settings are is not said.", account)
	case strings.Contains(arg, "://"):
		return words.T(ctx, "The device belongs to the account %s and fetches its settings from %s.", account, arg)
	case strings.Contains(arg, "="):
		return words.T(ctx, "The device belongs to the account %s and gets settings in the answer itself.", account)
	default:
		return words.T(ctx, "The device belongs to the account %s; %s goes into the address from which it fetches its settings.", account, arg)
	}
}

func refused(ctx context.Context, ask, why string) string {
	text := words.T(ctx, "The servers refuse it.")
	switch ask {
	case "mac", "serial":
		text = words.T(ctx, "The servers do not know this device: it gets no settings from them. The provider has to enter it.")
	case "did":
		text = words.T(ctx, "The servers do not know this number.")
	case "dids":
		text = words.T(ctx, "The servers do not know this account.")
	case "call-ahead":
		text = words.T(ctx, "The servers do not say: the number is called before a fax is taken for it.")
	case "login":
		text = words.T(ctx, "The servers do not know this account, or not this password: check both in the settings.")
	}
	if why != "" {
		text += " " + words.T(ctx, "They say: %s", why)
	}
	return text
}
