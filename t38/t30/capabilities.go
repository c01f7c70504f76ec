package t30

// Capabilities is what a DIS or DTC says its sender can do (T.30 table 2).
type Capabilities struct {
	Receives     bool          // bit 10
	HasDocument  bool          // bit 9: can be polled
	Modulations  ModulationSet // bits 11 to 14
	Codings      CodingSet     // bits 16 and 31
	ECM          bool          // bit 27
	Prefers64    bool          // bit 7: of octets in an ECM frame
	Resolutions  ResolutionSet // bits 15, 41, 42 and 43
	Inch         bool          // bit 44
	Metric       bool          // bit 45
	Width        Width         // bits 17 and 18: the largest
	Length       Length        // bits 19 and 20: the largest
	MinScan      int           // bits 21 to 23: ms a row of standard resolution
	HalfFine     bool          // bits 21 to 23: half of it for a fine row
	HalfSuper    bool          // bit 46: half of a fine row's for one of 15.4 lines/mm
	Subaddress   bool          // bit 49: takes SUB
	Selective    bool          // bit 47: takes SEP
	Password     bool          // bit 50: takes PWD or SID
	V8           bool          // bit 6
	T37          bool          // bit 1: Internet fax, store and forward
	T38          bool          // bit 3: Internet fax, real time
	Uncompressed bool          // bit 26
}
