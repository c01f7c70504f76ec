package dsp

// MaxGainDB bounds what Amplify takes, up and down.
const MaxGainDB = 12

// gains are the factors of -12 to +12 dB, 4096 for one.
var gains = [2*MaxGainDB + 1]int32{
	1029, 1154, 1295, 1453, 1631, 1830, 2053, 2303, 2584, 2900, 3254, 3651,
	4096,
	4596, 5157, 5786, 6492, 7284, 8173, 9170, 10289, 11544, 12953, 14533, 16306,
}

// Amplify makes samples louder by so many dB, or with a negative number softer. What is too loud
// then is clipped.
func Amplify(pcm []int16, db int) {
	if db == 0 {
		return
	}
	factor := gains[MaxGainDB+db]
	for i, s := range pcm {
		pcm[i] = saturate((int32(s)*factor + 2048) >> 12)
	}
}
