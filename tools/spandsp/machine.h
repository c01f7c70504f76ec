/* A fax machine's T.30 side, whatever carries it: options, what happened, and
   the JSON line that faxaudio and faxt38 print too. */
#ifndef SP_MACHINE_H
#define SP_MACHINE_H

#include "common.h"

enum { MAX_PAGES = 200 };

struct machine {
	const char *send, *receive; /* TIFF file; one of them */
	bool ecm, calling, log;
	const char *ident, *header;
	int modems, codings, resolutions; /* the library's T30_SUPPORT bits */
	int rate, scan_ms, timeout_s;

	t30_state_t *t30;
	int64_t now;    /* samples since the call began */
	int64_t linger; /* samples to go on for after the end */
	bool ended;
	int code, pages, bad_rows;
	t30_stats_t stats;
	double dcs_s, page_s[MAX_PAGES]; /* the first DCS; the end of each page */
	char remote[T30_MAX_IDENT_LEN + 1];
};

void machine_init(struct machine *m);

/* Takes --send, --recv, --ecm, --rate, --v17, --v29, --coding, --ident, --header,
   --calling, --scan, --resolution, --timeout, --log; false for any other. */
bool machine_option(struct machine *m, const char *key, const char *value);

/* Checks the options; before the library's state is made. */
void machine_check(struct machine *m);

/* Sets the library's T.30 up by the options. */
void machine_start(struct machine *m, t30_state_t *t30);

/* Lets n samples pass; false when the call is over and its last signal gone. */
bool machine_pass(struct machine *m, int n);

/* The far end is gone: the library ends the call now. */
void machine_hang_up(struct machine *m);

/* Prints the JSON line; more, when not empty, is further members. The status to exit with. */
int machine_result(const struct machine *m, const char *more);

#endif
