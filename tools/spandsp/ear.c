#include "ear.h"

static const double frequencies[] = {350, 440, 480, 620, 1100, 2100};

enum { F350, F440, F480, F620, F1100, F2100, FREQUENCIES };

/* Power of a frequency in the block, where a sine of amplitude 1 has 1/2. */
static double strength(const int16_t *block, double hz)
{
	double c = 2 * cos(2 * M_PI * hz / SAMPLE_RATE), s1 = 0, s2 = 0;
	for (int i = 0; i < EAR_BLOCK; i++) {
		double s = block[i] + c * s1 - s2;
		s2 = s1;
		s1 = s;
	}
	double square = s1 * s1 + s2 * s2 - c * s1 * s2;
	return 2 * square / ((double)EAR_BLOCK * EAR_BLOCK);
}

static bool pair(const double *p, int a, int b, double all)
{
	return p[a] + p[b] > 0.6 * all && p[a] > 0.1 * all && p[b] > 0.1 * all;
}

static enum hearing judge(const int16_t *block)
{
	double all = 0, p[FREQUENCIES];
	for (int i = 0; i < EAR_BLOCK; i++)
		all += (double)block[i] * block[i];
	all /= EAR_BLOCK;
	if (all < 100 * 100 / 2.0) /* -47 dBm0 */
		return SILENCE;
	for (int i = 0; i < FREQUENCIES; i++)
		p[i] = strength(block, frequencies[i]);
	if (pair(p, F350, F440, all))
		return DIAL_TONE;
	if (pair(p, F440, F480, all))
		return RINGBACK;
	if (pair(p, F480, F620, all))
		return BUSY;
	if (p[F1100] > 0.6 * all)
		return CNG_TONE;
	if (p[F2100] > 0.6 * all)
		return CED_TONE;
	return OTHER;
}

static void note(struct ear *e, enum hearing what)
{
	int64_t from = e->now - EAR_BLOCK;
	if (e->open && e->list[e->count - 1].what == what) {
		e->list[e->count - 1].until = e->now;
		return;
	}
	e->open = what != SILENCE && e->count < MAX_HEARD;
	if (e->open)
		e->list[e->count++] = (struct heard){what, from, e->now};
}

void ear_hear(struct ear *e, const int16_t *samples, int n)
{
	for (int i = 0; i < n; i++) {
		e->block[e->n++] = samples[i];
		e->now++;
		if (e->n == EAR_BLOCK) {
			note(e, judge(e->block));
			e->n = 0;
		}
	}
}

bool ear_now(const struct ear *e, enum hearing what, int blocks)
{
	if (!e->open)
		return false;
	const struct heard *last = &e->list[e->count - 1];
	return last->what == what && last->until - last->from >= (int64_t)blocks * EAR_BLOCK;
}

const char *ear_name(const struct heard *h)
{
	static const char *const names[] = {"silence", "dial", "ringback", "busy", "cng", "ced", "sound"};
	if (h->what == BUSY && h->until - h->from <= 4 * EAR_BLOCK)
		return "reorder";
	return names[h->what];
}

int ear_bursts(const struct ear *e, int64_t since)
{
	int n = 0;
	for (int i = 0; i < e->count - e->open; i++)
		n += e->list[i].what == BUSY && e->list[i].from >= since;
	return n;
}
