/* sp-card is spandsp's fax machine on a port of the agent: the card's side of the
   line-card socket with a machine behind it.

     sp-card --card unix:/PATH|tcp:HOST:PORT [--token S] [--fast 0/1]
             [--heard F.wav] [--said F.wav] JOB { --then 1 JOB }

     JOB: --send F.tif --dial DIGITS [--dial-after MS] [--digit-ms MS]  or
          --recv F.tif [--rings N] [--wait S]  or
          --idle S  or  --off-hook S
          [--delay MS] [--hang-up S] [machine options of sp-fax]

   To send, the machine goes off-hook, waits for dial tone (or --dial-after MS
   without one), dials, and calls as a fax machine does. To receive it answers in the
   N-th ring. --idle leaves the machine on-hook, --off-hook off-hook, so long; --delay
   is the wait before a job, --hang-up puts the machine on-hook so many seconds after
   its fax call began. A machine that hears three bursts of busy or reorder tone
   before a fax machine hangs up, as it does when loop current ends.

   Each job's end is a line of JSON on standard error: that of sp-fax and
   how it ended, what was heard, and when, in samples since the last digit's end (or
   since the machine answered). The exit status is that of the last job. */
#include "card.h"
#include "ear.h"
#include "machine.h"
#include "sound.h"


enum { MAX_JOBS = 20, SECOND = SAMPLE_RATE };

enum ending { DONE, NO_DIAL_TONE, NO_RING, BUSY_HEARD, LINE_OFF, HUNG_UP, TIME_OVER };

struct job {
	struct machine m;
	const char *dial;
	int dial_after_ms, digit_ms, delay_ms, rings, wait_s, idle_s, off_hook_s, hang_up_s, tep;
	enum ending end;
	int64_t mark; /* the ear's time of the last digit's end or of the answer */
};

struct station {
	struct card card;
	struct ear ear;
	struct sound heard, said;
	bool keep_heard, keep_said;
};

static void job_init(struct job *j)
{
	machine_init(&j->m);
	j->dial_after_ms = j->hang_up_s = -1;
	j->digit_ms = 80;
	j->rings = 1;
	j->wait_s = 120;
}

static bool job_option(struct job *j, const char *key, const char *value)
{
	if (strcmp(key, "--dial") == 0)
		j->dial = value;
	else if (strcmp(key, "--dial-after") == 0)
		j->dial_after_ms = number(key, value, 0, 60000);
	else if (strcmp(key, "--digit-ms") == 0)
		j->digit_ms = number(key, value, 40, 1000);
	else if (strcmp(key, "--delay") == 0)
		j->delay_ms = number(key, value, 0, 3600000);
	else if (strcmp(key, "--rings") == 0)
		j->rings = number(key, value, 1, 1000);
	else if (strcmp(key, "--wait") == 0)
		j->wait_s = number(key, value, 1, 86400);
	else if (strcmp(key, "--idle") == 0)
		j->idle_s = number(key, value, 1, 86400);
	else if (strcmp(key, "--off-hook") == 0)
		j->off_hook_s = number(key, value, 1, 86400);
	else if (strcmp(key, "--hang-up") == 0)
		j->hang_up_s = number(key, value, 0, 86400);
	else if (strcmp(key, "--tep") == 0)
		j->tep = number(key, value, 0, 1);
	else
		return machine_option(&j->m, key, value);
	return true;
}

static void job_check(const struct job *j)
{
	if (j->idle_s > 0 || j->off_hook_s > 0)
		return;
	if ((j->m.send == NULL) == (j->m.receive == NULL))
		misused("want --send FILE, --recv FILE, --idle S or --off-hook S");
	if ((j->m.send == NULL) != (j->dial == NULL))
		misused("--send and --dial go together");
}

/* 20 ms of the line. */
static void pass(struct station *s, const int16_t says[TICK], int16_t hears[TICK])
{
	card_exchange(&s->card, says, hears);
	ear_hear(&s->ear, hears, TICK);
	if (s->keep_heard)
		sound_append(&s->heard, hears, TICK);
	if (s->keep_said)
		sound_append(&s->said, says, TICK);
}

static void silent(struct station *s, int64_t samples)
{
	int16_t nothing[TICK] = {0}, hears[TICK];
	for (; samples > 0; samples -= TICK)
		pass(s, nothing, hears);
}

static bool wait_dial_tone(struct station *s, const struct job *j)
{
	if (j->dial_after_ms >= 0) {
		silent(s, j->dial_after_ms * (int64_t)SAMPLE_RATE / 1000);
		return true;
	}
	for (int64_t until = s->card.now + 15 * SECOND; s->card.now < until;) {
		silent(s, TICK);
		if (ear_now(&s->ear, DIAL_TONE, 4))
			return true;
	}
	return false;
}

static void dial(struct station *s, const struct job *j)
{
	int16_t says[TICK], hears[TICK];
	dtmf_tx_state_t *keys = dtmf_tx_init(NULL);
	dtmf_tx_set_timing(keys, j->digit_ms, j->digit_ms);
	dtmf_tx_put(keys, j->dial, -1);
	int n;
	do {
		n = dtmf_tx(keys, says, TICK);
		memset(says + n, 0, (size_t)(TICK - n) * sizeof says[0]);
		pass(s, says, hears);
	} while (n == TICK);
	dtmf_tx_free(keys);
}

/* Answers 0.4 s into the ring that is to be answered. A caller who gave up is forgotten. */
static bool wait_ring(struct station *s, const struct job *j)
{
	int before = s->card.rings;
	for (int64_t until = s->card.now + j->wait_s * (int64_t)SECOND; s->card.now < until;) {
		silent(s, TICK);
		if (!s->card.ringing && s->card.now - s->card.ring_at > 8 * SECOND)
			before = s->card.rings;
		if (s->card.ringing && s->card.rings - before >= j->rings && s->card.now - s->card.ring_at >= SECOND * 2 / 5)
			return true;
	}
	return false;
}

/* Why the call is to be given up now, DONE while it is not. */
static enum ending given_up(const struct station *s, const struct job *j, int64_t since)
{
	if (j->hang_up_s >= 0 && s->card.now - since >= j->hang_up_s * (int64_t)SECOND)
		return HUNG_UP;
	if (!s->card.powered)
		return LINE_OFF;
	if (j->m.send != NULL && j->m.dcs_s < 0 && ear_bursts(&s->ear, j->mark) >= 3)
		return BUSY_HEARD;
	if (j->m.now >= (int64_t)(j->m.timeout_s - 1) * SECOND)
		return TIME_OVER;
	return DONE;
}

static void talk(struct station *s, struct job *j)
{
	int16_t says[TICK], hears[TICK];
	struct machine *m = &j->m;
	int64_t since = s->card.now;
	fax_state_t *fax = fax_init(NULL, m->calling);
	fax_set_transmit_on_idle(fax, true);
	fax_set_tep_mode(fax, j->tep);
	machine_start(m, fax_get_t30_state(fax));
	do {
		int n = m->ended && m->linger < SECOND / 2 ? 0 : fax_tx(fax, says, TICK);
		memset(says + n, 0, (size_t)(TICK - n) * sizeof says[0]);
		pass(s, says, hears);
		fax_rx(fax, hears, TICK);
		if (!m->ended && (j->end = given_up(s, j, since)) != DONE)
			machine_hang_up(m);
	} while (machine_pass(m, TICK));
	fax_free(fax);
}

static bool reached(struct station *s, struct job *j)
{
	if (j->m.send == NULL) {
		if (!wait_ring(s, j)) {
			j->end = NO_RING;
			return false;
		}
		card_hook(&s->card, 1);
		j->mark = s->ear.now;
		return true;
	}
	card_hook(&s->card, 1);
	if (!wait_dial_tone(s, j)) {
		j->end = NO_DIAL_TONE;
		return false;
	}
	dial(s, j);
	j->mark = s->ear.now;
	return true;
}

/* The time from the last digit to CED, in samples; -1: it was not heard. */
static int64_t ced_after(const struct station *s, const struct job *j)
{
	for (int i = 0; i < s->ear.count; i++)
		if (s->ear.list[i].what == CED_TONE && s->ear.list[i].from >= j->mark && s->ear.list[i].until - s->ear.list[i].from >= 3 * EAR_BLOCK)
			return s->ear.list[i].from - j->mark;
	return -1;
}

static int tell(const struct station *s, const struct job *j)
{
	static const char *const ends[] = {"done", "no dial tone", "no ring", "busy", "line off", "hung up", "time over"};
	char *more;
	size_t size;
	FILE *f = open_memstream(&more, &size);
	fprintf(f, ", \"end\": \"%s\", \"rings\": %d, \"line_s\": %.2f, \"ced_after\": %" PRId64 ", \"heard\": [", ends[j->end], s->card.rings, (double)s->card.now / SECOND, ced_after(s, j));
	for (int i = 0; i < s->ear.count; i++) {
		const struct heard *h = &s->ear.list[i];
		fprintf(f, "%s{\"what\": \"%s\", \"from\": %" PRId64 ", \"until\": %" PRId64 "}", i > 0 ? ", " : "", ear_name(h), h->from - j->mark, h->until - j->mark);
	}
	fputc(']', f);
	fclose(f);
	int status = machine_result(&j->m, more);
	free(more);
	return status;
}

static int run(struct station *s, struct job *j)
{
	memset(&s->ear, 0, sizeof s->ear);
	silent(s, j->delay_ms * (int64_t)SAMPLE_RATE / 1000);
	if (j->idle_s > 0) {
		silent(s, j->idle_s * (int64_t)SECOND);
		j->m.ended = true;
		j->m.code = T30_ERR_OK;
	} else if (j->off_hook_s > 0) {
		card_hook(&s->card, 1);
		silent(s, j->off_hook_s * (int64_t)SECOND);
		j->m.ended = true;
		j->m.code = T30_ERR_OK;
	} else if (reached(s, j)) {
		talk(s, j);
	}
	card_hook(&s->card, 0);
	silent(s, SECOND);
	return tell(s, j);
}

int main(int argc, char **argv)
{
	struct args a = {argc - 1, argv + 1};
	static struct station s;
	static struct job jobs[MAX_JOBS];
	const char *key, *value, *card = NULL, *token = NULL, *heard = NULL, *said = NULL;
	int n = 1, status = 0;
	job_init(&jobs[0]);
	while (next_option(&a, &key, &value)) {
		if (strcmp(key, "--card") == 0)
			card = value;
		else if (strcmp(key, "--token") == 0)
			token = value;
		else if (strcmp(key, "--fast") == 0)
			s.card.fast = number(key, value, 0, 1);
		else if (strcmp(key, "--heard") == 0)
			heard = value;
		else if (strcmp(key, "--said") == 0)
			said = value;
		else if (strcmp(key, "--then") == 0 && n < MAX_JOBS)
			job_init(&jobs[n++]);
		else if (!job_option(&jobs[n - 1], key, value))
			misused("%s is not known", key);
	}
	if (card == NULL)
		misused("want --card unix:/PATH or --card tcp:HOST:PORT");
	for (int i = 0; i < n; i++) {
		job_check(&jobs[i]);
		jobs[i].m.calling = jobs[i].m.send != NULL;
	}
	s.keep_heard = heard != NULL;
	s.keep_said = said != NULL;
	card_connect(&s.card, card, token);
	for (int i = 0; i < n; i++)
		status = run(&s, &jobs[i]);
	if (heard != NULL)
		sound_write(&s.heard, heard);
	if (said != NULL)
		sound_write(&s.said, said);
	return status;
}
