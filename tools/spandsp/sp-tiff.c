/* sp-tiff turns fax pages into TIFF files and back with libtiff, which shares
   no code with ours.

     sp-tiff make [--coding none|mh|mr|mmr] [--x PPI] [--y PPI] OUT.tif < PAGES
     sp-tiff cat FILE.tif > PAGES

   PAGES is binary PBM (P4), one page after the other; cat writes the page's
   resolution as a comment: "# 204 196", pixels an inch across and down. */
#include "common.h"

static int next_number(FILE *f)
{
	int c = getc(f), n = 0;
	while (c == ' ' || c == '\n' || c == '#') {
		while (c == '#' && c != EOF)
			for (c = getc(f); c != '\n' && c != EOF;)
				c = getc(f);
		c = getc(f);
	}
	if (c < '0' || c > '9')
		fail("this is no PBM page");
	for (; c >= '0' && c <= '9'; c = getc(f))
		n = 10 * n + c - '0';
	return n;
}

static int coding_tag(const char *name)
{
	if (strcmp(name, "none") == 0)
		return COMPRESSION_NONE;
	if (strcmp(name, "mh") == 0 || strcmp(name, "mr") == 0)
		return COMPRESSION_CCITT_T4;
	if (strcmp(name, "mmr") == 0)
		return COMPRESSION_CCITT_T6;
	misused("--coding %s: want none, mh, mr or mmr", name);
}

struct form {
	const char *coding;
	double x, y; /* pixels an inch */
};

static void put_page(TIFF *t, const struct form *f, int page)
{
	int width = next_number(stdin), rows = next_number(stdin);
	size_t octets = ((size_t)width + 7) / 8;
	uint8_t *row = malloc(octets + 1);
	TIFFSetField(t, TIFFTAG_SUBFILETYPE, FILETYPE_PAGE);
	TIFFSetField(t, TIFFTAG_IMAGEWIDTH, width);
	TIFFSetField(t, TIFFTAG_IMAGELENGTH, rows);
	TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, 1);
	TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, 1);
	TIFFSetField(t, TIFFTAG_COMPRESSION, coding_tag(f->coding));
	if (strcmp(f->coding, "mr") == 0)
		TIFFSetField(t, TIFFTAG_GROUP3OPTIONS, GROUP3OPT_2DENCODING);
	TIFFSetField(t, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISWHITE);
	TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, rows);
	TIFFSetField(t, TIFFTAG_XRESOLUTION, f->x);
	TIFFSetField(t, TIFFTAG_YRESOLUTION, f->y);
	TIFFSetField(t, TIFFTAG_RESOLUTIONUNIT, RESUNIT_INCH);
	TIFFSetField(t, TIFFTAG_PAGENUMBER, page, 0);
	for (int y = 0; y < rows; y++) {
		if (fread(row, 1, octets, stdin) != octets)
			fail("a page is cut short");
		if (TIFFWriteScanline(t, row, (uint32_t)y, 0) < 0)
			fail("a row was not written");
	}
	if (!TIFFWriteDirectory(t))
		fail("a page was not written");
	free(row);
}

static void make(const struct form *f, const char *file)
{
	TIFF *t = TIFFOpen(file, "w");
	if (t == NULL)
		exit(1);
	int c, page = 0;
	while ((c = getc(stdin)) == 'P') {
		if (getc(stdin) != '4')
			fail("this is no PBM page");
		put_page(t, f, page++);
	}
	if (c != EOF || page == 0)
		fail("this is no PBM page");
	TIFFClose(t);
}

static double per_inch(TIFF *t, int tag)
{
	float v = 0;
	uint16_t unit = RESUNIT_INCH;
	TIFFGetField(t, tag, &v);
	TIFFGetField(t, TIFFTAG_RESOLUTIONUNIT, &unit);
	return unit == RESUNIT_CENTIMETER ? v * 2.54 : v;
}

static void cat_page(TIFF *t)
{
	uint32_t width = 0, rows = 0;
	uint16_t photometric = PHOTOMETRIC_MINISWHITE;
	TIFFGetField(t, TIFFTAG_IMAGEWIDTH, &width);
	TIFFGetField(t, TIFFTAG_IMAGELENGTH, &rows);
	TIFFGetField(t, TIFFTAG_PHOTOMETRIC, &photometric);
	printf("P4\n# %.0f %.0f\n%u %u\n", per_inch(t, TIFFTAG_XRESOLUTION), per_inch(t, TIFFTAG_YRESOLUTION), width, rows);
	size_t octets = ((size_t)width + 7) / 8;
	uint8_t *row = malloc((size_t)TIFFScanlineSize(t) + 1);
	for (uint32_t y = 0; y < rows; y++) {
		if (TIFFReadScanline(t, row, y, 0) < 0)
			fail("row %u cannot be read", y);
		for (size_t i = 0; photometric == PHOTOMETRIC_MINISBLACK && i < octets; i++)
			row[i] = (uint8_t)~row[i];
		if (width % 8 != 0)
			row[octets - 1] &= (uint8_t)(0xFF << (8 - width % 8));
		fwrite(row, 1, octets, stdout);
	}
	free(row);
}

static void cat(const char *file)
{
	TIFF *t = TIFFOpen(file, "r");
	if (t == NULL)
		exit(1);
	do
		cat_page(t);
	while (TIFFReadDirectory(t));
	TIFFClose(t);
	if (fflush(stdout) != 0)
		fail("%m");
}

int main(int argc, char **argv)
{
	struct args a = {argc - 2, argv + 2};
	struct form f = {"mmr", 204, 196};
	const char *key, *value;
	if (argc < 2)
		misused("want make or cat");
	while (next_option(&a, &key, &value)) {
		if (strcmp(key, "--coding") == 0)
			f.coding = value;
		else if (strcmp(key, "--x") == 0)
			f.x = number(key, value, 50, 1200);
		else if (strcmp(key, "--y") == 0)
			f.y = number(key, value, 50, 1200);
		else
			misused("%s is not known", key);
	}
	if (a.n != 1)
		misused("want one FILE");
	if (strcmp(argv[1], "make") == 0)
		make(&f, a.v[0]);
	else if (strcmp(argv[1], "cat") == 0)
		cat(a.v[0]);
	else
		misused("%s: want make or cat", argv[1]);
	return 0;
}
