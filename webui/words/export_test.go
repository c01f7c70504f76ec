package words

// ChooseOf is Choose among other catalogues than the device's.
var ChooseOf = choose
