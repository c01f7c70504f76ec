/* sp-modem is spandsp's modems and tone detectors on recordings, with the
   command lines of faxmodem:

     sp-modem tx -m MODEM [--train long,short] [--level DBM0] -o OUT BITS [BITS2 ...]
     sp-modem rx -m MODEM [--train long,short] FILE
     sp-modem rx -m MODEM [--train long,short] --blocks 1
     sp-modem detect FILE | sp-modem detect --blocks 1
     sp-modem bench [-m MODEM]

   With --blocks 1 recordings come one after the other on standard input, each
   after its number of samples (4 octets, little endian), and each is answered
   by its lines and a line with a single dot: a sweep needs one process. */
#include "modem.h"
#include "sound.h"

#include <time.h>

enum { MAX_BURSTS = 64 };

/* --train: which training the n-th burst has; the last word goes on for ever. */
struct plan {
	bool is_short[MAX_BURSTS];
	int n;
};

static void plan_read(struct plan *p, const char *words)
{
	char copy[1024], *rest = copy, *word;
	snprintf(copy, sizeof copy, "%s", words);
	p->n = 0;
	while ((word = strsep(&rest, ",")) != NULL && p->n < MAX_BURSTS) {
		if (strcmp(word, "long") != 0 && strcmp(word, "short") != 0)
			misused("--train %s: want long and short", words);
		p->is_short[p->n++] = strcmp(word, "short") == 0;
	}
}

static bool plan_short(const struct plan *p, int burst)
{
	if (p->n == 0)
		return false;
	return p->is_short[burst < p->n ? burst : p->n - 1];
}

struct options {
	const struct kind *kind;
	struct plan plan;
	double level; /* dBm0 */
	const char *out;
	bool blocks;
};

static void options_read(struct options *o, struct args *a)
{
	const char *key, *value;
	o->level = -14;
	while (next_option(a, &key, &value)) {
		if (strcmp(key, "-m") == 0)
			o->kind = kind_named(value);
		else if (strcmp(key, "--train") == 0)
			plan_read(&o->plan, value);
		else if (strcmp(key, "--level") == 0)
			o->level = atof(value);
		else if (strcmp(key, "-o") == 0)
			o->out = value;
		else if (strcmp(key, "--blocks") == 0)
			o->blocks = number(key, value, 0, 1);
		else
			misused("%s is not known", key);
	}
}

/* ---- tx ---- */

static int bit_from_file(void *user)
{
	int c;
	do
		c = getc((FILE *)user);
	while (c == '\n' || c == '\r' || c == ' ');
	return c == EOF ? SIG_STATUS_END_OF_DATA : c & 1;
}

static void send_burst(struct sound *s, const struct options *o, int burst, const char *file)
{
	FILE *bits = fopen(file, "r");
	if (bits == NULL)
		fail("%s: %m", file);
	struct sender *sender = sender_new(o->kind, plan_short(&o->plan, burst), o->level, bit_from_file, bits);
	int16_t block[TICK];
	int n;
	do {
		n = sender_make(sender, block, TICK);
		sound_append(s, block, (size_t)n);
	} while (n == TICK);
	sender_free(sender);
	fclose(bits);
}

static void tx(const struct options *o, struct args *a)
{
	struct sound s = {0};
	if (o->kind == NULL || o->out == NULL || a->n == 0)
		misused("tx -m MODEM -o OUT BITS ...");
	sound_silence(&s, SAMPLE_RATE / 4);
	for (int burst = 0; burst < a->n; burst++) {
		if (burst > 0)
			sound_silence(&s, SAMPLE_RATE);
		send_burst(&s, o, burst, a->v[burst]);
	}
	sound_silence(&s, SAMPLE_RATE / 2);
	sound_write(&s, o->out);
	sound_free(&s);
}

/* ---- rx ---- */

/* Turns a receiver's reports into one line a burst. */
struct printer {
	bool open;  /* trained, or for V.21 the carrier is up: bits count */
	bool any;   /* the line has bits */
	bool ended; /* the carrier went: the receiver wants a restart */
	int bursts;
	enum family family;
};

static void end_line(struct printer *p)
{
	if (p->any) {
		putchar('\n');
		p->bursts++;
	}
	p->open = p->any = false;
}

static void report(struct printer *p, int status)
{
	switch (status) {
	case SIG_STATUS_CARRIER_UP:
		p->open = p->family == V21;
		break;
	case SIG_STATUS_TRAINING_SUCCEEDED:
		p->open = true;
		break;
	case SIG_STATUS_CARRIER_DOWN:
		end_line(p);
		p->ended = true;
		break;
	}
}

static void put_bit(void *user, int bit)
{
	struct printer *p = user;
	if (bit < 0) {
		report(p, bit);
	} else if (p->open) {
		putchar('0' + bit);
		p->any = true;
	}
}

static void receive(const struct options *o, const struct sound *s)
{
	struct printer p = {.family = o->kind->family};
	struct receiver *r = receiver_new(o->kind, put_bit, &p);
	if (plan_short(&o->plan, 0))
		receiver_restart(r, true);
	for (size_t at = 0; at < s->n; at += TICK) {
		size_t n = s->n - at < TICK ? s->n - at : TICK;
		receiver_feed(r, s->samples + at, (int)n);
		if (p.ended) {
			p.ended = false;
			receiver_restart(r, plan_short(&o->plan, p.bursts));
		}
	}
	end_line(&p);
	receiver_free(r);
}

/* ---- detect ---- */

/* One detector; the library tells of a hit from inside the block that made it. */
struct detector {
	int tone;
	bool on;
	int heard;
	modem_connect_tones_rx_state_t *state;
};

static const char *tone_name(int tone)
{
	switch (tone) {
	case MODEM_CONNECT_TONES_FAX_CNG:
		return "cng";
	case MODEM_CONNECT_TONES_ANS:
		return "ced";
	case MODEM_CONNECT_TONES_ANS_PR:
	case MODEM_CONNECT_TONES_ANSAM:
	case MODEM_CONNECT_TONES_ANSAM_PR:
		return "ansam";
	case MODEM_CONNECT_TONES_FAX_PREAMBLE:
		return "preamble";
	}
	return NULL;
}

static void hear(void *user, int tone, int level, int delay)
{
	struct detector *d = user;
	(void)level;
	(void)delay;
	d->heard = tone;
	d->on = tone != MODEM_CONNECT_TONES_NONE;
}

static void detect(const struct sound *s)
{
	struct detector d[] = {
		{.tone = MODEM_CONNECT_TONES_FAX_CNG},
		{.tone = MODEM_CONNECT_TONES_ANS},
		{.tone = MODEM_CONNECT_TONES_ANSAM_PR},
		{.tone = MODEM_CONNECT_TONES_FAX_PREAMBLE},
	};
	const int count = sizeof d / sizeof d[0], step = TICK / 4;
	for (int i = 0; i < count; i++)
		d[i].state = modem_connect_tones_rx_init(NULL, d[i].tone, hear, &d[i]);
	for (size_t at = 0; at < s->n; at += (size_t)step) {
		int n = s->n - at < (size_t)step ? (int)(s->n - at) : step;
		for (int i = 0; i < count; i++) {
			bool before = d[i].on;
			modem_connect_tones_rx(d[i].state, s->samples + at, n);
			const char *name = tone_name(d[i].heard);
			if (d[i].on && !before && name != NULL)
				printf("%.3f %s\n", (double)(at + (size_t)n) / SAMPLE_RATE, name);
		}
	}
	for (int i = 0; i < count; i++)
		modem_connect_tones_rx_free(d[i].state);
}

/* ---- several recordings on standard input ---- */

static bool next_block(struct sound *s)
{
	uint8_t head[4];
	sound_free(s);
	if (fread(head, 1, 4, stdin) != 4)
		return false;
	size_t n = head[0] | head[1] << 8 | head[2] << 16 | (size_t)head[3] << 24;
	sound_silence(s, n);
	if (fread(s->samples, 2, n, stdin) != n)
		fail("a recording is cut short");
	return true;
}

static void each(const struct options *o, struct args *a, void (*work)(const struct options *, const struct sound *))
{
	struct sound s = {0};
	if (!o->blocks) {
		if (a->n != 1)
			misused("want one FILE");
		sound_read(&s, a->v[0]);
		work(o, &s);
	} else {
		while (next_block(&s)) {
			work(o, &s);
			puts(".");
			fflush(stdout);
		}
	}
	sound_free(&s);
}

static void detect_tones(const struct options *o, const struct sound *s)
{
	(void)o;
	detect(s);
}

/* ---- bench ---- */

static uint32_t seed;

static int random_bit(void *user)
{
	int *left = user;
	if ((*left)-- == 0)
		return SIG_STATUS_END_OF_DATA;
	seed = seed * 1664525u + 1013904223u;
	return seed >> 31;
}

static void drop_bit(void *user, int bit)
{
	(void)user;
	(void)bit;
}

static double cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double time_tx(const struct kind *kind, struct sound *s)
{
	int left = 20 * kind->rate;
	int16_t block[TICK];
	int n;
	s->n = 0;
	struct sender *sender = sender_new(kind, false, -14, random_bit, &left);
	double start = cpu_ns();
	do {
		n = sender_make(sender, block, TICK);
		sound_append(s, block, (size_t)n);
	} while (n == TICK);
	double took = cpu_ns() - start;
	sender_free(sender);
	return took / (double)s->n;
}

static double time_rx(const struct kind *kind, const struct sound *s)
{
	struct receiver *r = receiver_new(kind, drop_bit, NULL);
	double start = cpu_ns();
	for (size_t at = 0; at + TICK <= s->n; at += TICK)
		receiver_feed(r, s->samples + at, TICK);
	double took = cpu_ns() - start;
	receiver_free(r);
	return took / (double)s->n;
}

/* One line: MODEM, ns a sample sent, ns a sample received; the best of five. */
static void bench(const struct kind *kind)
{
	struct sound s = {0};
	double tx = INFINITY, rx = INFINITY;
	for (int i = 0; i < 5; i++) {
		tx = fmin(tx, time_tx(kind, &s));
		rx = fmin(rx, time_rx(kind, &s));
	}
	printf("%s tx %.1f rx %.1f\n", kind->name, tx, rx);
	sound_free(&s);
}

int main(int argc, char **argv)
{
	struct args a = {argc - 2, argv + 2};
	struct options o = {0};
	if (argc < 2)
		misused("want tx, rx, detect or bench");
	options_read(&o, &a);
	const char *verb = argv[1];
	if (strcmp(verb, "tx") == 0) {
		tx(&o, &a);
	} else if (strcmp(verb, "rx") == 0) {
		if (o.kind == NULL)
			misused("rx -m MODEM FILE");
		each(&o, &a, receive);
	} else if (strcmp(verb, "detect") == 0) {
		each(&o, &a, detect_tones);
	} else if (strcmp(verb, "bench") == 0) {
		for (int i = 0; i < kind_count; i++) {
			if (o.kind == NULL || o.kind == &kinds[i])
				bench(&kinds[i]);
		}
	} else {
		misused("%s: want tx, rx, detect or bench", verb);
	}
	return 0;
}
