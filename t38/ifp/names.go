package ifp

import "strconv"

// Indicator is a T30_INDICATOR: a signal that the sender of the packet heard or sends
// (T.38 clause 7.3.1). Values from V8ANSam on exist from version 3 on. A value that is
// not listed here came from a later edition and is to be ignored; NoIndicator stands for
// those too large to keep.
type Indicator uint8

// The indicators, numbered as annex A numbers them.
const (
	NoSignal Indicator = iota
	CNG
	CED
	V21Preamble
	V27Training2400
	V27Training4800
	V29Training7200
	V29Training9600
	V17ShortTraining7200
	V17LongTraining7200
	V17ShortTraining9600
	V17LongTraining9600
	V17ShortTraining12000
	V17LongTraining12000
	V17ShortTraining14400
	V17LongTraining14400
	V8ANSam
	V8Signal
	V34ControlChannel1200
	V34PrimaryChannel
	V34ControlChannelRetrain
	V33Training12000
	V33Training14400

	NoIndicator Indicator = 255
)

const rootIndicators = 16

// indicatorNames are annex A's identifiers.
var indicatorNames = [...]string{
	"no-signal", "cng", "ced", "v21-preamble", "v27-2400-training", "v27-4800-training",
	"v29-7200-training", "v29-9600-training", "v17-7200-short-training", "v17-7200-long-training",
	"v17-9600-short-training", "v17-9600-long-training", "v17-12000-short-training",
	"v17-12000-long-training", "v17-14400-short-training", "v17-14400-long-training",
	"v8-ansam", "v8-signal", "v34-cntl-channel-1200", "v34-pri-channel", "v34-CC-retrain",
	"v33-12000-training", "v33-14400-training",
}

// Known tells whether annex A lists the indicator.
func (i Indicator) Known() bool { return int(i) < len(indicatorNames) }

// String returns annex A's identifier.
func (i Indicator) String() string { return name(indicatorNames[:], uint8(i), "indicator") }

// trainings lists what each training indicator announces, from V27Training2400 on.
var trainings = [...]struct {
	data  DataType
	short bool
}{
	{V27Data2400, false}, {V27Data4800, false}, {V29Data7200, false}, {V29Data9600, false},
	{V17Data7200, true}, {V17Data7200, false}, {V17Data9600, true}, {V17Data9600, false},
	{V17Data12000, true}, {V17Data12000, false}, {V17Data14400, true}, {V17Data14400, false},
}

// Training returns the data that follows a training of V.27ter, V.29 or V.17, and
// whether the training is V.17's short one. ok is false for any other indicator.
func (i Indicator) Training() (data DataType, short, ok bool) {
	n := int(i) - int(V27Training2400)
	if n < 0 || n >= len(trainings) {
		return 0, false, false
	}
	return trainings[n].data, trainings[n].short, true
}

// TrainingFor returns the indicator that announces data of V.27ter, V.29 or V.17; for
// V21Data it is the preamble. Only V.17 has a short training. ok is false for other data.
func TrainingFor(data DataType, short bool) (i Indicator, ok bool) {
	if data == V21Data {
		return V21Preamble, true
	}
	for n, t := range trainings {
		if t.data == data && (t.short == short || data < V17Data7200) {
			return V27Training2400 + Indicator(n), true
		}
	}
	return NoIndicator, false
}

// DataType is a T30_DATA: the modem that carried the data (T.38 clause 7.3.2). Values
// from V8Data on exist from version 3 on. A value that is not listed here came from a
// later edition and is to be ignored; NoData stands for those too large to keep.
type DataType uint8

// The data types, numbered as annex A numbers them.
const (
	V21Data DataType = iota
	V27Data2400
	V27Data4800
	V29Data7200
	V29Data9600
	V17Data7200
	V17Data9600
	V17Data12000
	V17Data14400
	V8Data
	V34PrimaryRate
	V34ControlChannelData1200
	V34PrimaryChannelData
	V33Data12000
	V33Data14400

	NoData DataType = 255
)

const rootDataTypes = 9

var dataNames = [...]string{
	"v21", "v27-2400", "v27-4800", "v29-7200", "v29-9600", "v17-7200", "v17-9600", "v17-12000",
	"v17-14400", "v8", "v34-pri-rate", "v34-CC-1200", "v34-pri-ch", "v33-12000", "v33-14400",
}

var dataRates = [...]int{
	300, 2400, 4800, 7200, 9600, 7200, 9600, 12000, 14400, 300, 0, 1200, 0, 12000, 14400,
}

// Known tells whether annex A lists the data type.
func (d DataType) Known() bool { return int(d) < len(dataNames) }

// String returns annex A's identifier.
func (d DataType) String() string { return name(dataNames[:], uint8(d), "data") }

// BitRate returns the modem's bits a second, 0 where the type does not say it.
func (d DataType) BitRate() int {
	if !d.Known() {
		return 0
	}
	return dataRates[d]
}

// FieldType says what a field of a data packet is (T.38 clause 7.4). Values from
// CMMessage on exist in the Corrected coding, from version 3 on. A value that is not
// listed here came from a later edition and is to be ignored; NoField stands for those
// too large to keep.
type FieldType uint8

// The field types, numbered as annex A numbers them.
const (
	HDLCData         FieldType = iota // octets of a frame, without its FCS
	HDLCSigEnd                        // the modem's signal ended
	HDLCFCSOK                         // a frame ended, its FCS was right; another follows
	HDLCFCSBad                        // a frame ended, its FCS was wrong; another follows
	HDLCFCSOKSigEnd                   // the last frame ended, its FCS was right, and so did the signal
	HDLCFCSBadSigEnd                  // the last frame ended, its FCS was wrong, and so did the signal
	NonECMData                        // octets of an image without error correction, or of TCF
	NonECMSigEnd                      // the same, and the signal ended after them
	CMMessage
	JMMessage
	CIMessage
	V34Rate

	NoField FieldType = 255
)

const rootFieldTypes = 8

var fieldNames = [...]string{
	"hdlc-data", "hdlc-sig-end", "hdlc-fcs-OK", "hdlc-fcs-BAD", "hdlc-fcs-OK-sig-end",
	"hdlc-fcs-BAD-sig-end", "t4-non-ecm-data", "t4-non-ecm-sig-end",
	"cm-message", "jm-message", "ci-message", "v34rate",
}

// Known tells whether annex A lists the field type.
func (f FieldType) Known() bool { return int(f) < len(fieldNames) }

// String returns annex A's identifier.
func (f FieldType) String() string { return name(fieldNames[:], uint8(f), "field") }

// Ends tells whether the field says that the modem's signal ended.
func (f FieldType) Ends() bool {
	return f == HDLCSigEnd || f == HDLCFCSOKSigEnd || f == HDLCFCSBadSigEnd || f == NonECMSigEnd
}

func name(names []string, i uint8, kind string) string {
	if int(i) < len(names) {
		return names[i]
	}
	return kind + "-" + strconv.Itoa(int(i))
}
