/* A recording: 8000 Hz, 16 bit, mono, as a WAV file or bare little-endian samples. */
#ifndef SP_SOUND_H
#define SP_SOUND_H

#include "common.h"

struct sound {
	int16_t *samples;
	size_t n, room;
};

void sound_append(struct sound *s, const int16_t *samples, size_t n);
void sound_silence(struct sound *s, size_t n);
void sound_free(struct sound *s);

/* Reads FILE ("-": standard input). What does not begin with RIFF is bare samples. */
void sound_read(struct sound *s, const char *file);

/* Writes FILE ("-": standard output, bare samples; *.raw too; else WAV). */
void sound_write(const struct sound *s, const char *file);

#endif
