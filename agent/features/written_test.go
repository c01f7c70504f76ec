package features

import "testing"

func TestNumbersAsPeopleWriteThem(t *testing.T) {
	for written, want := range map[string]string{
		"5551234": "5551234", "555 1234": "5551234", "+1 555 1234": "+15551234", "(555)1234": "5551234", " 555-12.34/5 ": "55512345",
		"555\u00a01234": "5551234", "*72 #": "*72#", "9 (1) 1": "911",
		"": "", " ": " ", "- ()": "- ()", "+ ": "+ ", "1 + 2": "1 + 2", "anna b": "anna b", "sip:1-2@pbx.example": "sip:1-2@pbx.example", "555 12\n34": "555 12\n34", "tel:555-1": "tel:555-1",
	} {
		if got := Plain(written); got != want {
			t.Errorf("%q: %q, want %q", written, got, want)
		}
	}
}
