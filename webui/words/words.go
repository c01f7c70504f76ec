// Package words says what the pages say in the visitor's language. The English sentence
// is the key of its own translation, so that English needs no catalogue, and a sentence
// that a catalogue lacks is shown in English. A language is added as one file.
package words

import (
	"context"
	"fmt"
	"sync"
)

// A Catalogue is one language: what each English sentence is in it.
type Catalogue struct {
	Tag       string // of the language (BCP 47): de
	Sentences map[string]string

	once sync.Once
	all  []form // of Sentences, for Told
}

type catalogueKey struct{}

// With has T speak a language; nil is English.
func With(ctx context.Context, c *Catalogue) context.Context {
	return context.WithValue(ctx, catalogueKey{}, c)
}

// Tag is the language that T speaks.
func Tag(ctx context.Context) string {
	if c, _ := ctx.Value(catalogueKey{}).(*Catalogue); c != nil {
		return c.Tag
	}
	return "en"
}

// T is an English sentence in the visitor's language, with args in it as fmt writes them.
func T(ctx context.Context, english string, args ...any) string {
	sentence := english
	if c, _ := ctx.Value(catalogueKey{}).(*Catalogue); c != nil {
		if s, ok := c.Sentences[english]; ok {
			sentence = s
		}
	}
	if len(args) == 0 {
		return sentence
	}
	return fmt.Sprintf(sentence, args...)
}
