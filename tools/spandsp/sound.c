#include "sound.h"

static void need(struct sound *s, size_t more)
{
	if (s->n + more <= s->room)
		return;
	s->room = 2 * s->room + more;
	s->samples = realloc(s->samples, s->room * sizeof s->samples[0]);
	if (s->samples == NULL)
		fail("out of memory");
}

void sound_append(struct sound *s, const int16_t *samples, size_t n)
{
	need(s, n);
	memcpy(s->samples + s->n, samples, n * sizeof samples[0]);
	s->n += n;
}

void sound_silence(struct sound *s, size_t n)
{
	need(s, n);
	memset(s->samples + s->n, 0, n * sizeof s->samples[0]);
	s->n += n;
}

void sound_free(struct sound *s)
{
	free(s->samples);
	memset(s, 0, sizeof *s);
}

static uint32_t le32(const uint8_t *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint16_t le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

/* The data chunk of a RIFF file, checked to be in the one form there is here. */
static const uint8_t *wav_data(const uint8_t *p, size_t n, size_t *length, const char *file)
{
	bool formed = false;
	for (size_t at = 12; at + 8 <= n;) {
		size_t size = le32(p + at + 4);
		const uint8_t *body = p + at + 8;
		if (size > n - at - 8)
			size = n - at - 8;
		if (memcmp(p + at, "fmt ", 4) == 0 && size >= 16)
			formed = le16(body) == 1 && le16(body + 2) == 1 && le32(body + 4) == SAMPLE_RATE && le16(body + 14) == 16;
		if (memcmp(p + at, "data", 4) == 0) {
			if (!formed)
				break;
			*length = size;
			return body;
		}
		at += 8 + size + (size & 1);
	}
	fail("%s: want a WAV file of 8000 Hz, 16 bit, mono", file);
}

static uint8_t *whole(const char *file, size_t *n)
{
	FILE *f = strcmp(file, "-") == 0 ? stdin : fopen(file, "rb");
	if (f == NULL)
		fail("%s: %m", file);
	uint8_t *p = NULL;
	size_t room = 0, got;
	*n = 0;
	do {
		room = 2 * room + 65536;
		p = realloc(p, room);
		if (p == NULL)
			fail("out of memory");
		got = fread(p + *n, 1, room - *n, f);
		*n += got;
	} while (*n == room);
	if (ferror(f))
		fail("%s: %m", file);
	if (f != stdin)
		fclose(f);
	return p;
}

void sound_read(struct sound *s, const char *file)
{
	size_t n;
	uint8_t *p = whole(file, &n);
	const uint8_t *data = p;
	if (n >= 12 && memcmp(p, "RIFF", 4) == 0)
		data = wav_data(p, n, &n, file);
	sound_silence(s, n / 2);
	for (size_t i = 0; i < n / 2; i++)
		s->samples[i] = (int16_t)le16(data + 2 * i);
	free(p);
}

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static void write_header(FILE *f, size_t octets)
{
	uint8_t h[44] = "RIFF....WAVEfmt ....\1\0\1\0........\2\0\20\0data";
	put32(h + 4, (uint32_t)octets + 36);
	put32(h + 16, 16);
	put32(h + 24, SAMPLE_RATE);
	put32(h + 28, 2 * SAMPLE_RATE);
	put32(h + 40, (uint32_t)octets);
	fwrite(h, 1, sizeof h, f);
}

static bool bare(const char *file)
{
	size_t n = strlen(file);
	return strcmp(file, "-") == 0 || (n > 4 && strcmp(file + n - 4, ".raw") == 0);
}

void sound_write(const struct sound *s, const char *file)
{
	FILE *f = strcmp(file, "-") == 0 ? stdout : fopen(file, "wb");
	if (f == NULL)
		fail("%s: %m", file);
	if (!bare(file))
		write_header(f, 2 * s->n);
	for (size_t i = 0; i < s->n; i++) {
		uint8_t octets[2] = {(uint8_t)s->samples[i], (uint8_t)((uint16_t)s->samples[i] >> 8)};
		fwrite(octets, 1, 2, f);
	}
	if (fflush(f) != 0 || ferror(f))
		fail("%s: %m", file);
	if (f != stdout)
		fclose(f);
}
