package fxs

import "testing"

func dialling(t *testing.T, plan string, codes ...string) *telephone {
	t.Helper()
	d := newTelephone(t, "us", plan)
	d.port.SetCodes(codes)
	d.lift()
	return d
}

func TestCodeIsCompleteAtOnce(t *testing.T) {
	d := dialling(t, "(6xx)", "*72", "*73")
	d.dial("*72")
	d.is(Dialling)
	d.run(second)
	d.hearsNothing() // the owner has yet to say what follows
	d.port.Recall()
	d.run(second)
	d.hears(RecallTone, 0)
	d.dial("600")
	d.happened("off-hook", "code *72", "dialled 600")
}

// In one go: what is dialled behind a code is not lost, however late its owner is.
func TestKeysBehindACodeGoToWhatFollows(t *testing.T) {
	const keys = "600"
	for late := range len(keys) + 1 {
		d := dialling(t, "(6xx)", "*72")
		d.dial("*72" + keys[:late])
		d.port.Recall()
		d.dial(keys[late:])
		d.run(second)
		d.happened("off-hook", "code *72", "dialled 600")
	}
}

// One code that begins like another waits for it.
func TestShorterCodeWaitsForTheLonger(t *testing.T) {
	d := dialling(t, "(6xx)", "*7", "*72")
	d.dial("*7")
	d.run(3 * second)
	d.happened("off-hook")
	d.run(2 * second)
	d.happened("code *7")
	d = dialling(t, "(6xx)", "*7", "*72")
	d.dial("*72")
	d.happened("off-hook", "code *72")
}

// What begins like a code and is none goes to the plan, with all its keys.
func TestNoCodeIsANumber(t *testing.T) {
	d := dialling(t, "(*xx|6xx)", "*72", "#21#")
	d.dial("*60")
	d.happened("off-hook", "dialled *60")
	d = dialling(t, "(6xx)", "#21#")
	d.dial("#21#")
	d.happened("off-hook", "code #21#")
	d = dialling(t, "") // none are set: they are for the server
	d.dial("*")
	d.run(second)
	d.is(Dialling)
}

func TestConfirmedThenDialled(t *testing.T) {
	d := dialling(t, "(6xx)", "*78")
	d.dial("*78")
	d.port.Confirm()
	d.run(second)
	d.hears(Confirmation, 0)
	d.dial("600")
	d.happened("off-hook", "code *78", "dialled 600")
}

// An owner that does not care about a code leaves the telephone with reorder tone.
func TestForgottenCode(t *testing.T) {
	d := dialling(t, "(6xx)", "*78")
	d.dial("*78")
	d.run(6 * second)
	d.happened("off-hook", "code *78", "not dialled : no match")
	d.is(Parked)
}

// In a call, dial tone is for a second number; a flash is the owner's business then.
func TestFlashDuringRecallIsOnlyTold(t *testing.T) {
	d := talking(t, Config{})
	d.port.Recall()
	d.dial("6")
	d.open(300)
	d.run(second)
	d.hearsNothing()
	d.dial("01")
	d.happened("flash", "dialled 601")
}

func TestTimesBetweenKeys(t *testing.T) {
	for _, tt := range []struct{ set, wait int }{{0, 4}, {2, 2}, {9, 9}} {
		d := newTelephoneWith(t, Config{Country: mustCountry(t, "us"), Settings: Settings{InterdigitS: tt.set}})
		d.lift()
		d.dial("60")
		d.run(tt.wait*second - 800)
		d.happened("off-hook")
		d.run(800)
		d.happened("dialled 60")
	}
	d := newTelephoneWith(t, Config{Country: mustCountry(t, "us"), Settings: Settings{NoDigitS: 5}})
	d.lift()
	d.run(5 * second)
	d.happened("off-hook", "not dialled : no match")
}

func TestSecondDialTone(t *testing.T) {
	d := newTelephone(t, "us", "(9,xxx)")
	d.lift()
	d.dial("9")
	d.run(second)
	d.plays(SecondDial)
	d.dial("600")
	d.happened("off-hook", "dialled 9600")
}
