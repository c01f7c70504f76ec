#include "modem.h"

const struct kind kinds[] = {
	{"v21", V21, 300},
	{"v27ter-2400", V27TER, 2400},
	{"v27ter-4800", V27TER, 4800},
	{"v29-7200", V29, 7200},
	{"v29-9600", V29, 9600},
	{"v17-7200", V17, 7200},
	{"v17-9600", V17, 9600},
	{"v17-12000", V17, 12000},
	{"v17-14400", V17, 14400},
};
const int kind_count = sizeof kinds / sizeof kinds[0];

const struct kind *kind_named(const char *name)
{
	char full[32];
	snprintf(full, sizeof full, "%s", name);
	if (strncmp(name, "v27-", 4) == 0)
		snprintf(full, sizeof full, "v27ter-%s", name + 4);
	for (int i = 0; i < kind_count; i++) {
		if (strcmp(kinds[i].name, full) == 0)
			return &kinds[i];
	}
	misused("%s is no modem that is known here", name);
}

struct sender {
	const struct kind *kind;
	void *state;
};

struct sender *sender_new(const struct kind *kind, bool short_train, double dbm0, get_bit_func_t get, void *user)
{
	struct sender *s = calloc(1, sizeof *s);
	if (s == NULL)
		fail("out of memory");
	s->kind = kind;
	switch (kind->family) {
	case V21:
		s->state = fsk_tx_init(NULL, &preset_fsk_specs[FSK_V21CH2], get, user);
		fsk_tx_power(s->state, (float)dbm0);
		break;
	case V27TER:
		s->state = v27ter_tx_init(NULL, kind->rate, false, get, user);
		v27ter_tx_power(s->state, (float)dbm0);
		break;
	case V29:
		s->state = v29_tx_init(NULL, kind->rate, false, get, user);
		v29_tx_power(s->state, (float)dbm0);
		break;
	case V17:
		s->state = v17_tx_init(NULL, kind->rate, false, get, user);
		v17_tx_power(s->state, (float)dbm0);
		if (short_train)
			v17_tx_restart(s->state, kind->rate, false, true);
		break;
	}
	return s;
}

int sender_make(struct sender *s, int16_t *samples, int n)
{
	switch (s->kind->family) {
	case V21:
		return fsk_tx(s->state, samples, n);
	case V27TER:
		return v27ter_tx(s->state, samples, n);
	case V29:
		return v29_tx(s->state, samples, n);
	default:
		return v17_tx(s->state, samples, n);
	}
}

void sender_free(struct sender *s)
{
	switch (s->kind->family) {
	case V21:
		fsk_tx_free(s->state);
		break;
	case V27TER:
		v27ter_tx_free(s->state);
		break;
	case V29:
		v29_tx_free(s->state);
		break;
	case V17:
		v17_tx_free(s->state);
		break;
	}
	free(s);
}

struct receiver {
	const struct kind *kind;
	void *state;
};

/* Carrier is on from -43 dBm0 (the library's own choice for V.17 and V.27ter;
   for V.21 and V.29 it begins with one for louder lines). */
static const float cutoff = -45.5f;

struct receiver *receiver_new(const struct kind *kind, put_bit_func_t put, void *user)
{
	struct receiver *r = calloc(1, sizeof *r);
	if (r == NULL)
		fail("out of memory");
	r->kind = kind;
	switch (kind->family) {
	case V21:
		r->state = fsk_rx_init(NULL, &preset_fsk_specs[FSK_V21CH2], FSK_FRAME_MODE_SYNC, put, user);
		fsk_rx_signal_cutoff(r->state, cutoff);
		break;
	case V27TER:
		r->state = v27ter_rx_init(NULL, kind->rate, put, user);
		v27ter_rx_signal_cutoff(r->state, cutoff);
		break;
	case V29:
		r->state = v29_rx_init(NULL, kind->rate, put, user);
		v29_rx_signal_cutoff(r->state, cutoff);
		break;
	case V17:
		r->state = v17_rx_init(NULL, kind->rate, put, user);
		v17_rx_signal_cutoff(r->state, cutoff);
		break;
	}
	return r;
}

void receiver_restart(struct receiver *r, bool short_train)
{
	switch (r->kind->family) {
	case V21:
		fsk_rx_restart(r->state, &preset_fsk_specs[FSK_V21CH2], FSK_FRAME_MODE_SYNC);
		break;
	case V27TER:
		v27ter_rx_restart(r->state, r->kind->rate, false);
		break;
	case V29:
		v29_rx_restart(r->state, r->kind->rate, false);
		break;
	case V17:
		v17_rx_restart(r->state, r->kind->rate, short_train);
		break;
	}
}

void receiver_feed(struct receiver *r, const int16_t *samples, int n)
{
	switch (r->kind->family) {
	case V21:
		fsk_rx(r->state, samples, n);
		break;
	case V27TER:
		v27ter_rx(r->state, samples, n);
		break;
	case V29:
		v29_rx(r->state, samples, n);
		break;
	case V17:
		v17_rx(r->state, samples, n);
		break;
	}
}

void receiver_free(struct receiver *r)
{
	switch (r->kind->family) {
	case V21:
		fsk_rx_free(r->state);
		break;
	case V27TER:
		v27ter_rx_free(r->state);
		break;
	case V29:
		v29_rx_free(r->state);
		break;
	case V17:
		v17_rx_free(r->state);
		break;
	}
	free(r);
}
