package header

import "strings"

// Letters as strokes that a space divides, each from point to point, and a point as its x (0 to 6) and y
// in base 36: capitals stand from 3 to b (11), small letters from 6, and below it they reach e (14).
var ascii = [...]string{
	"", "3338 3b", "2325 4345", "242a 444a 0666 0868", // space ! " #
	"64531304061757686a5b1b0a 323c", "0313140403 5a6a6b5b5a 630b", "6b1514233344450a1b3b68", "3335", // $ % & '
	"4325294b", "2345492b", "353a 1659 5619", "363a 1858", // ( ) * +
	"3a3b2d", "1858", "3a3b", "630b", // , - . /
	"1353646a5b1b0a0413 1a54", "15333b 1b5b", "04135364660b6b", "04135364665737 57686a5b1b0a", // 0 1 2 3
	"5b530969", "63030757686a5b1b0a", "645313040a1b5b6a685707", "03632b", // 4 5 6 7
	"135364665717060413 17080a1b5b6a6857", "0a1b5b6a64531304061767", "3738 3a3b", "3738 3a3b2d", // 8 9 : ;
	"55185b", "1757 1959", "15581b", "04135364653738 3b", // < = > ?
	"5b1b0a041353646949 4946262949", "0b336b 1959", "0b035364665707 57686a5b0b", "645313040a1b5b6a", // @ A B C
	"034365694b0b03", "63030b6b 0757", "63030b 0757", "645313040a1b5b6a6747", // D E F G
	"030b 636b 0767", "1353 333b 1b5b", "636a5b1b0a", "030b 6308 266b", // H I J K
	"030b6b", "0b0337636b", "0b036b63", "1353646a5b1b0a0413", // L M N O
	"0b035364665707", "1353646a5b1b0a0413 496b", "0b035364665707 376b", "64531304061757686a5b1b0a", // P Q R S
	"0363 333b", "030a1b5b6a63", "033b63", "031b375b63", // T U V W
	"036b 630b", "033763 373b", "03630b6b", "43232b4b", // X Y Z [
	"036b", "23434b2b", "153355", "0d6d", // \ ] ^ _
	"2335", "1646575b 5a4b1b0a091858", "030b 071646575a4b1b0a", "574616070a1b4b5a", // ` a b c
	"535b 574616070a1b4b5a", "0959574616070a1b4b5a", "5343343b 1656", "565d4e1e0d 574616070a1b4b5a", // d e f g
	"030b 071646575b", "16363b 1b5b 33", "26464d3e1e0d 43", "030b 5609 285b", // h i j k
	"13333b 1b5b", "060b 071626373b 374656676b", "060b 071646575b", "1646575a4b1b0a0716", // l m n o
	"060e 071646575a4b1b0a", "565e 574616070a1b4b5a", "060b 08264657", "5746160718495a4b1b0a", // p q r s
	"242a3b4b5a 0656", "060a1b4b5a 565b", "063b66", "061b375b66", // t u v w
	"065b 560b", "063b 661e", "06560b5b", "5343343627383a4b5b", // x y z {
	"333d", "1323343647383a2b1b", "081727485867", // | } ~
}

// From U+00A0 on: signs, and letters that are not another one with an accent.
var latin = [...]string{
	"", "363b 33", "574616070a1b4b5a 353c", "645333242a0b6b 0747", // no-break space, ¡ ¢ £
	"17575b1b17 0617 6657 0c1b 6c5b", "033763 373b 1757 1959", "3336 393d", "54432314155859 16175a5b4c2c1b", // ¤ ¥ ¦ §
	"23 43", "1353646a5b1b0a0413 46262949", "2343472725 2545", "36183a 56385a", // ¨ © ª «
	"18585a", "1858", "1353646a5b1b0a0413 2925454727 3749", "1353", // ¬ soft hyphen ® ¯
	"2343452523", "3539 1757 1b5b", "234345252747", "23434727 2545", // ° ± ² ³
	"4335", "060e 0a1b4b5a 565b", "632314162747 434b 636b", "3738", // ´ µ ¶ ·
	"3c4d3e2e", "243337", "2343472723", "16381a 36583a", // ¸ ¹ º »
	"1316 630b 6b674a6a", "1316 630b 476769494b6b", "03131606 0414 630b 6b674a6a", "3637090a1b5b6a 33", // ¼ ½ ¾ ¿
}

// Letters behind those, alone or as a base with an accent over or under it.
var accented = map[rune]string{
	'Æ': "63330b 333b6b 1838 3757", 'Ð': "034365694b0b03 0737", 'Ø': "1353646a5b1b0a0413 0b63", 'Þ': "030b 055566685909",
	'ß': "0b041343545537585a4b2b", 'æ': "071626373a2b1b0a0938 374656676838 3a4b5b6a", 'ð': "1646575a4b1b0a0716 5723 1543",
	'ø': "1646575a4b1b0a0716 0b56", 'þ': "030e 071646575a4b1b0a", '÷': "1858 35 3b", '×': "155a 551a",
	'€': "645323141a2b5b6a 0646 0848",
	'Ç': ascii['C'-' '] + " " + cedilla, 'ç': ascii['c'-' '] + " " + cedilla,
}

const (
	cedilla  = "3b3c4d3e2e"
	dotlessI = "16363b 1b5b"
	// From U+00C0 on; a blank is a letter of its own, above.
	bases     = "AAAAAA  EEEEIIII NOOOOO  UUUUY  aaaaaa  eeeeiiii nooooo  uuuuy y"
	diacritic = "`'^~:o  `'^:`'^: ~`'^~:  `'^:'  `'^~:o  `'^:`'^: ~`'^~:  `'^:' :"
)

// Accents over a small letter; over a capital they stand 2 higher.
var accents = map[byte]string{
	'`': "2234", '\'': "4234", '^': "143254", '~': "14234453", ':': "23 43", 'o': "2242442422",
}

// Characters that are as good as others.
var standIns = map[rune]rune{
	'‐': '-', '‑': '-', '–': '-', '—': '-', '‘': '\'', '’': '\'', '“': '"', '”': '"', '„': '"', '•': '·',
}

// letter returns the strokes of a character, those of ? if it has none.
func letter(r rune) string {
	if s, ok := standIns[r]; ok {
		r = s
	}
	if s, ok := accented[r]; ok {
		return s
	}
	switch {
	case r >= ' ' && r <= '~':
		return ascii[r-' ']
	case r >= 0xa0 && r <= 0xbf:
		return latin[r-0xa0]
	case r >= 0xc0 && r <= 0xff:
		return compose(bases[r-0xc0], diacritic[r-0xc0])
	}
	return ascii['?'-' ']
}

// compose puts an accent over a letter.
func compose(base, accent byte) string {
	strokes, over := ascii[base-' '], accents[accent]
	if base == 'i' {
		strokes = dotlessI
	}
	if base < 'a' {
		over = higher(over)
	}
	return strokes + " " + over
}

// higher moves strokes up by two.
func higher(strokes string) string {
	var b strings.Builder
	for points := range strings.FieldsSeq(strokes) {
		for i := 0; i < len(points); i += 2 {
			b.WriteByte(points[i])
			b.WriteByte(points[i+1] - 2)
		}
		b.WriteByte(' ')
	}
	return b.String()
}
