#include "machine.h"

void machine_init(struct machine *m)
{
	memset(m, 0, sizeof *m);
	m->ecm = true;
	m->ident = "";
	m->modems = T30_SUPPORT_V27TER | T30_SUPPORT_V29 | T30_SUPPORT_V17;
	m->codings = T30_SUPPORT_T4_1D_COMPRESSION | T30_SUPPORT_T4_2D_COMPRESSION | T30_SUPPORT_T6_COMPRESSION;
	m->resolutions = T30_SUPPORT_STANDARD_RESOLUTION | T30_SUPPORT_FINE_RESOLUTION | T30_SUPPORT_SUPERFINE_RESOLUTION
		| T30_SUPPORT_R8_RESOLUTION | T30_SUPPORT_R16_RESOLUTION | T30_SUPPORT_300_300_RESOLUTION | T30_SUPPORT_400_400_RESOLUTION;
	m->rate = 14400;
	m->scan_ms = -1;
	m->timeout_s = 1800;
	m->linger = SAMPLE_RATE;
	m->dcs_s = -1;
	m->code = -1;
}

static int codings_up_to(const char *name)
{
	int codings = T30_SUPPORT_T4_1D_COMPRESSION;
	if (strcmp(name, "mh") == 0)
		return codings;
	codings |= T30_SUPPORT_T4_2D_COMPRESSION;
	if (strcmp(name, "mr") == 0)
		return codings;
	if (strcmp(name, "mmr") == 0)
		return codings | T30_SUPPORT_T6_COMPRESSION;
	misused("--coding %s: want mh, mr or mmr", name);
}

static int modems_up_to(int rate)
{
	int modems = T30_SUPPORT_V27TER;
	if (rate >= 9600)
		modems |= T30_SUPPORT_V29;
	if (rate >= 14400)
		modems |= T30_SUPPORT_V17;
	return modems;
}

static void allow(int *set, int bits, bool yes)
{
	*set = yes ? *set | bits : *set & ~bits;
}

bool machine_option(struct machine *m, const char *key, const char *value)
{
	if (strcmp(key, "--send") == 0)
		m->send = value;
	else if (strcmp(key, "--recv") == 0)
		m->receive = value;
	else if (strcmp(key, "--ecm") == 0)
		m->ecm = number(key, value, 0, 1);
	else if (strcmp(key, "--rate") == 0)
		m->modems = modems_up_to(m->rate = number(key, value, 2400, 14400));
	else if (strcmp(key, "--v17") == 0)
		allow(&m->modems, T30_SUPPORT_V17, number(key, value, 0, 1));
	else if (strcmp(key, "--v29") == 0)
		allow(&m->modems, T30_SUPPORT_V29, number(key, value, 0, 1));
	else if (strcmp(key, "--coding") == 0)
		m->codings = codings_up_to(value);
	else if (strcmp(key, "--ident") == 0)
		m->ident = value;
	else if (strcmp(key, "--header") == 0)
		m->header = value;
	else if (strcmp(key, "--calling") == 0)
		m->calling = number(key, value, 0, 1);
	else if (strcmp(key, "--scan") == 0)
		m->scan_ms = number(key, value, 0, 40);
	else if (strcmp(key, "--timeout") == 0)
		m->timeout_s = number(key, value, 1, 86400);
	else if (strcmp(key, "--log") == 0)
		m->log = number(key, value, 0, 1);
	else
		return false;
	return true;
}

void machine_check(struct machine *m)
{
	if ((m->send == NULL) == (m->receive == NULL))
		misused("want --send FILE or --recv FILE");
}

static double seconds(const struct machine *m)
{
	return (double)m->now / SAMPLE_RATE;
}

/* Phase D: the page's end was told (receiver) or confirmed (sender). */
static int page_ended(t30_state_t *t30, void *user, int event)
{
	struct machine *m = user;
	t30_stats_t s;
	(void)event;
	t30_get_transfer_statistics(t30, &s);
	m->bad_rows += s.bad_rows;
	if (m->pages < MAX_PAGES)
		m->page_s[m->pages] = seconds(m);
	m->pages++;
	return T30_ERR_OK;
}

static void call_ended(t30_state_t *t30, void *user, int code)
{
	struct machine *m = user;
	m->ended = true;
	m->code = code;
	t30_get_transfer_statistics(t30, &m->stats);
	const char *remote = t30_get_rx_ident(t30);
	snprintf(m->remote, sizeof m->remote, "%s", remote == NULL ? "" : remote);
}

static void log_frame(const struct machine *m, bool incoming, const uint8_t *frame, int n)
{
	fprintf(stderr, "%8.3f %c %-4s", seconds(m), incoming ? '<' : '>', n > 2 ? t30_frametype(frame[2]) : "?");
	for (int i = 0; i < n && i < 24; i++)
		fprintf(stderr, " %02x", frame[i]);
	fputs(n > 24 ? " ...\n" : "\n", stderr);
}

/* The library knows which modems there are, not which of their rates. A DIS that
   names none, its own or the far end's, means 2400 bit/s (ITU-T T.30 table 2, bits
   11 to 14), and this is where one can still be changed. */
static void limit_rate(const struct machine *m, uint8_t *frame, int n)
{
	if (m->rate < 4800 && n > 4 && (frame[2] & 0xFE) == T30_DIS)
		frame[4] &= 0xC3;
}

/* Every frame of phases B and D passes here; octets are least significant bit first. */
static void frame_passed(t30_state_t *t30, void *user, int incoming, const uint8_t *frame, int n)
{
	struct machine *m = user;
	(void)t30;
	limit_rate(m, (uint8_t *)frame, n);
	if (n > 2 && (frame[2] & 0xFE) == 0x82 && m->dcs_s < 0)
		m->dcs_s = seconds(m);
	if (m->log)
		log_frame(m, incoming, frame, n);
}

void machine_start(struct machine *m, t30_state_t *t30)
{
	m->t30 = t30;
	t30_set_tx_ident(t30, m->ident);
	t30_set_ecm_capability(t30, m->ecm);
	t30_set_supported_modems(t30, m->modems);
	t30_set_supported_compressions(t30, m->codings);
	t30_set_supported_resolutions(t30, m->resolutions);
	t30_set_supported_image_sizes(t30, T30_SUPPORT_215MM_WIDTH | T30_SUPPORT_255MM_WIDTH | T30_SUPPORT_303MM_WIDTH
		| T30_SUPPORT_US_LETTER_LENGTH | T30_SUPPORT_US_LEGAL_LENGTH | T30_SUPPORT_A4_LENGTH | T30_SUPPORT_B4_LENGTH | T30_SUPPORT_UNLIMITED_LENGTH);
	t30_set_rx_encoding(t30, T4_COMPRESSION_ITU_T6);
	if (m->scan_ms >= 0)
		t30_set_minimum_scan_line_time(t30, m->scan_ms);
	if (m->header != NULL)
		t30_set_tx_page_header_info(t30, m->header);
	t30_set_phase_d_handler(t30, page_ended, m);
	t30_set_phase_e_handler(t30, call_ended, m);
	t30_set_real_time_frame_handler(t30, frame_passed, m);
	if (m->send != NULL)
		t30_set_tx_file(t30, m->send, -1, -1);
	else
		t30_set_rx_file(t30, m->receive, -1);
}

bool machine_pass(struct machine *m, int n)
{
	m->now += n;
	if (!m->ended && m->now >= (int64_t)m->timeout_s * SAMPLE_RATE)
		machine_hang_up(m);
	if (m->ended)
		m->linger -= n;
	return m->linger > 0;
}

void machine_hang_up(struct machine *m)
{
	if (!m->ended)
		t30_terminate(m->t30);
	m->linger = 0;
}

static void print_text(const char *text)
{
	fputc('"', stderr);
	for (; *text != 0; text++) {
		unsigned char c = (unsigned char)*text;
		if (c < 0x20 || c >= 0x7F || c == '"' || c == '\\')
			fprintf(stderr, "\\u%04x", c);
		else
			fputc(c, stderr);
	}
	fputc('"', stderr);
}

static void print_pages(const struct machine *m)
{
	fputs(", \"page_s\": [", stderr);
	for (int i = 0; i < m->pages && i < MAX_PAGES; i++)
		fprintf(stderr, "%s%.2f", i > 0 ? ", " : "", m->page_s[i]);
	fputc(']', stderr);
}

int machine_result(const struct machine *m, const char *more)
{
	bool ok = m->ended && m->code == T30_ERR_OK;
	fprintf(stderr, "{\"ok\": %s, \"code\": %d, \"text\": ", ok ? "true" : "false", m->code);
	print_text(m->ended ? t30_completion_code_to_str(m->code) : "The call did not end");
	int pages = m->send != NULL ? m->stats.pages_tx : m->stats.pages_rx;
	fprintf(stderr, ", \"pages\": %d, \"rate\": %d, \"ecm\": %s", pages, m->stats.bit_rate, m->stats.error_correcting_mode ? "true" : "false");
	fprintf(stderr, ", \"ecm_retries\": %d, \"bad_rows\": %d, \"remote_ident\": ", m->stats.error_correcting_mode_retries, m->bad_rows);
	print_text(m->remote);
	fprintf(stderr, ", \"coding\": \"%s\", \"dcs_s\": %.2f, \"call_s\": %.2f", t4_encoding_to_str(m->stats.encoding), m->dcs_s, seconds(m));
	print_pages(m);
	fprintf(stderr, "%s}\n", more);
	return ok ? 0 : 1;
}
