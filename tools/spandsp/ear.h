/* What a machine hears on the line: call-progress tones of the United States, CNG,
   CED, other sound. Looked at in blocks of 80 ms. */
#ifndef SP_EAR_H
#define SP_EAR_H

#include "common.h"

enum { EAR_BLOCK = 640, MAX_HEARD = 500 };

enum hearing { SILENCE, DIAL_TONE, RINGBACK, BUSY, CNG_TONE, CED_TONE, OTHER };

struct heard {
	enum hearing what;
	int64_t from, until; /* samples since the ear was made */
};

struct ear {
	int64_t now;
	int n;
	int16_t block[EAR_BLOCK];
	struct heard list[MAX_HEARD]; /* silence is left out */
	int count;
	bool open; /* the last of the list goes on */
};

void ear_hear(struct ear *e, const int16_t *samples, int n);

/* Whether the last blocks, at least so many, were this. */
bool ear_now(const struct ear *e, enum hearing what, int blocks);

/* The name; a burst of the busy frequencies that is no longer than that of reorder
   (0.25 s) is called so. */
const char *ear_name(const struct heard *h);

/* How many bursts of busy or reorder tone have come to their end since then. */
int ear_bursts(const struct ear *e, int64_t since);

#endif
