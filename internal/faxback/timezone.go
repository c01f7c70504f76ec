package faxback

import "strings"

// windowsZones maps Windows' time zones of 2010 to IANA's, after CLDR's windowsZones
// (its territory 001): a line each, " Standard Time" left out.
const windowsZones = `Dateline=Etc/GMT+12
UTC-11=Etc/GMT+11
Samoa=Pacific/Apia
Hawaiian=Pacific/Honolulu
Alaskan=America/Anchorage
Pacific=America/Los_Angeles
Pacific Standard Time (Mexico)=America/Tijuana
US Mountain=America/Phoenix
Mountain=America/Denver
Mountain Standard Time (Mexico)=America/Chihuahua
Central America=America/Guatemala
Central=America/Chicago
Central Standard Time (Mexico)=America/Mexico_City
Canada Central=America/Regina
SA Pacific=America/Bogota
Eastern=America/New_York
US Eastern=America/Indiana/Indianapolis
Venezuela=America/Caracas
Paraguay=America/Asuncion
Atlantic=America/Halifax
SA Western=America/La_Paz
Pacific SA=America/Santiago
Newfoundland=America/St_Johns
E. South America=America/Sao_Paulo
Argentina=America/Argentina/Buenos_Aires
SA Eastern=America/Cayenne
Greenland=America/Godthab
Montevideo=America/Montevideo
UTC-02=Etc/GMT+2
Azores=Atlantic/Azores
Cape Verde=Atlantic/Cape_Verde
UTC=Etc/UTC
GMT=Europe/London
Greenwich=Atlantic/Reykjavik
Morocco=Africa/Casablanca
W. Europe=Europe/Berlin
Central Europe=Europe/Budapest
Romance=Europe/Paris
Central European=Europe/Warsaw
W. Central Africa=Africa/Lagos
Namibia=Africa/Windhoek
GTB=Europe/Bucharest
E. Europe=Europe/Chisinau
FLE=Europe/Kiev
Turkey=Europe/Istanbul
Middle East=Asia/Beirut
Egypt=Africa/Cairo
Syria=Asia/Damascus
Jordan=Asia/Amman
Israel=Asia/Jerusalem
South Africa=Africa/Johannesburg
Arabic=Asia/Baghdad
Arab=Asia/Riyadh
Russian=Europe/Moscow
E. Africa=Africa/Nairobi
Iran=Asia/Tehran
Arabian=Asia/Dubai
Azerbaijan=Asia/Baku
Mauritius=Indian/Mauritius
Georgian=Asia/Tbilisi
Caucasus=Asia/Yerevan
Afghanistan=Asia/Kabul
Ekaterinburg=Asia/Yekaterinburg
Pakistan=Asia/Karachi
West Asia=Asia/Tashkent
India=Asia/Kolkata
Sri Lanka=Asia/Colombo
Nepal=Asia/Kathmandu
Central Asia=Asia/Almaty
Bangladesh=Asia/Dhaka
N. Central Asia=Asia/Novosibirsk
Myanmar=Asia/Yangon
SE Asia=Asia/Bangkok
North Asia=Asia/Krasnoyarsk
China=Asia/Shanghai
North Asia East=Asia/Irkutsk
Singapore=Asia/Singapore
W. Australia=Australia/Perth
Taipei=Asia/Taipei
Ulaanbaatar=Asia/Ulaanbaatar
Tokyo=Asia/Tokyo
Korea=Asia/Seoul
Yakutsk=Asia/Yakutsk
Cen. Australia=Australia/Adelaide
AUS Central=Australia/Darwin
E. Australia=Australia/Brisbane
AUS Eastern=Australia/Sydney
West Pacific=Pacific/Port_Moresby
Tasmania=Australia/Hobart
Vladivostok=Asia/Vladivostok
Central Pacific=Pacific/Guadalcanal
New Zealand=Pacific/Auckland
UTC+12=Etc/GMT-12
Fiji=Pacific/Fiji
Kamchatka=Asia/Kamchatka
Tonga=Pacific/Tongatapu
`

const standardTime = " Standard Time"

// Location returns the IANA name of a Windows time zone, whose name may be cut short by a
// * at its end. Of several that begin so, the one that goes on with Standard Time is
// meant: Pacific* is Pacific Standard Time, and not Pacific SA Standard Time. ok is false
// for a name that stands for none, or for several.
func Location(windows string) (location string, ok bool) {
	name, open := strings.CutSuffix(strings.TrimSpace(windows), "*")
	if !open {
		return zone(name)
	}
	if location, ok := zone(strings.TrimRight(name, " ") + standardTime); ok {
		return location, true
	}
	found := 0
	for line := range strings.Lines(windowsZones) {
		short, iana, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if full := fullZone(short); len(full) >= len(name) && strings.EqualFold(full[:len(name)], name) {
			location = iana
			found++
		}
	}
	if found != 1 {
		return "", false
	}
	return location, true
}

// zone finds a name that is whole.
func zone(name string) (string, bool) {
	for line := range strings.Lines(windowsZones) {
		short, iana, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if strings.EqualFold(fullZone(short), name) {
			return iana, true
		}
	}
	return "", false
}

// fullZone is a name of the table as Windows has it.
func fullZone(short string) string {
	if strings.HasPrefix(short, "UTC") || strings.Contains(short, standardTime) {
		return short
	}
	return short + standardTime
}
