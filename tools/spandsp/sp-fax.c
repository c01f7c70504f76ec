/* sp-fax is spandsp's audio fax machine on standard input and output, in lock
   step (pipe.h): 320 octets out, 320 octets in, without a clock.

     sp-fax (--send F.tif or --recv F.tif) [--calling 0/1] [--ecm 0/1] [--rate N]
            [--v17 0/1] [--v29 0/1] [--coding mh|mr|mmr] [--ident S] [--header S]
            [--scan MS] [--tep 0/1] [--timeout S] [--log 0/1]

   It calls when it sends, unless --calling says otherwise. --rate is
   14400 (V.17), 9600 (V.29), 4800 or 2400 (V.27ter). The last line on standard
   error is the result in JSON. */
#include "machine.h"
#include "pipe.h"

#include <signal.h>

static void run(struct machine *m, fax_state_t *fax)
{
	int16_t out[TICK], in[TICK];
	do {
		int n = m->ended && m->linger < SAMPLE_RATE / 2 ? 0 : fax_tx(fax, out, TICK);
		memset(out + n, 0, (size_t)(TICK - n) * sizeof out[0]);
		if (!pcm_write(out) || !pipe_flush() || !pcm_read(in)) {
			machine_hang_up(m);
			return;
		}
		fax_rx(fax, in, TICK);
	} while (machine_pass(m, TICK));
}

int main(int argc, char **argv)
{
	struct args a = {argc - 1, argv + 1};
	struct machine m;
	const char *key, *value;
	int calling = -1, tep = 0;
	machine_init(&m);
	while (next_option(&a, &key, &value)) {
		if (strcmp(key, "--calling") == 0)
			calling = number(key, value, 0, 1);
		else if (strcmp(key, "--tep") == 0)
			tep = number(key, value, 0, 1);
		else if (!machine_option(&m, key, value))
			misused("%s is not known", key);
	}
	machine_check(&m);
	m.calling = calling < 0 ? m.send != NULL : calling;
	signal(SIGPIPE, SIG_IGN);
	fax_state_t *fax = fax_init(NULL, m.calling);
	fax_set_transmit_on_idle(fax, true);
	fax_set_tep_mode(fax, tep);
	machine_start(&m, fax_get_t30_state(fax));
	run(&m, fax);
	fax_free(fax);
	return machine_result(&m, "");
}
